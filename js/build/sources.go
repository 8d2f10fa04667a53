package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// small makes a module smaller by 7 % of its brotli: functions are not inlined.
// A module waits for the network and the person, not for its own calls.
const small = "-gcflags=all=-l"

// smallCollector asks for the garbage collector of before Go 1.26, which takes 9 KB of
// brotli less and does the same for a heap of some megabytes. Go 1.26 alone has both.
func smallCollector() (setting string, err error) {
	version, err := exec.Command("go", "env", "GOVERSION").Output()
	if err != nil {
		return "", err
	}
	if !strings.HasPrefix(string(version), "go1.26") {
		return "GOEXPERIMENT=", nil
	}
	return "GOEXPERIMENT=nogreenteagc", nil
}

// buildWasm compiles a package to WebAssembly.
func buildWasm(root, pkg string, flags ...string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "tabard-build-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	out := filepath.Join(dir, "module.wasm")
	args := append([]string{"build", "-trimpath", "-buildvcs=false", "-o", out}, flags...)
	cmd := exec.Command("go", append(args, pkg)...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm")
	if slices.Contains(flags, small) {
		collector, err := smallCollector()
		if err != nil {
			return nil, err
		}
		cmd.Env = append(cmd.Env, collector)
	}
	if text, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go build %s: %w\n%s", pkg, err, text)
	}
	return os.ReadFile(out)
}

// wasmExec is the toolchain's own glue: it must be of the Go that built the module.
func wasmExec() ([]byte, error) {
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return nil, err
	}
	return os.ReadFile(filepath.Join(strings.TrimSpace(string(out)), "lib", "wasm", "wasm_exec.js"))
}

// bundle makes one small file of an entry of the npm package, which may read assets as
// import.meta.assets.
func bundle(dir, entry, assets string) ([]byte, error) {
	result := api.Build(api.BuildOptions{
		AbsWorkingDir:     dir,
		EntryPoints:       []string{entry},
		Bundle:            true,
		Format:            api.FormatESModule,
		Target:            api.ES2022,
		MinifyWhitespace:  true,
		MinifyIdentifiers: true,
		MinifySyntax:      true,
		LegalComments:     api.LegalCommentsNone,
		Define:            map[string]string{"import.meta.assets": assets, "import.meta.served": "true"},
	})
	if len(result.Errors) > 0 {
		return nil, errors.New(strings.Join(api.FormatMessages(result.Errors, api.FormatMessagesOptions{}), ""))
	}
	return result.OutputFiles[0].Contents, nil
}
