package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// startBudget is how many functions a start of the module may call: a browser compiles each at
// its first call, while the page waits. An empty Go program calls 328.
const startBudget = 545

var compiled = regexp.MustCompile(`(?m)^Compiled function \S+#(\d+) using Liftoff`)

// TestStart_CallsLittle: until it is ready, the module recovers no exception and grows no
// stack, each of which would call dozens of the runtime's largest functions.
func TestStart_CallsLittle(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{"wasm", "wasm/browser", "wasm/tab", "backend/api", "js/build/gowasm/std"} {
		if _, err := os.ReadDir(filepath.Join(root, folder)); err != nil { // go test then knows that the result depends on it
			t.Fatal(err)
		}
	}
	module, symbols, err := buildModule(root, "0.1.0", served)
	if err != nil {
		t.Fatal(err)
	}
	script, err := wasmExec(served)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	for name, content := range map[string][]byte{"module.wasm": module, "exec.js": script} {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.Command("node", "--trace-wasm-compilation-times", "--no-wasm-tier-up", "testdata/start.cjs",
		filepath.Join(folder, "module.wasm"), filepath.Join(folder, "exec.js")).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "ready, token is a function\n") {
		t.Fatalf("the module did not start: %v\n%s", err, out)
	}
	names := map[string]string{}
	for line := range strings.Lines(string(symbols)) {
		var index, name string
		fmt.Sscan(line, &index, &name)
		names[index] = name
	}
	called := compiled.FindAllStringSubmatch(string(out), -1)
	if len(called) < 300 || len(called) > startBudget {
		t.Errorf("a start calls %d functions, budget %d", len(called), startBudget)
	}
	for _, one := range called {
		if name := names[one[1]]; name == "runtime.gopanic" || name == "runtime.newstack" {
			t.Errorf("a start calls %s", name)
		}
	}
}
