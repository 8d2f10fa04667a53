package js_test

import (
	"os"
	"os/exec"
	"testing"
)

// npm installs the client's tools, once.
func npm(t *testing.T) {
	t.Helper()
	if _, err := os.Stat("node_modules/.bin/tsc"); err == nil {
		return
	}
	run(t, "npm", "ci", "--no-audit", "--no-fund")
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}

func TestTheDeclarationsAreTheCode(t *testing.T) {
	npm(t)
	run(t, "node_modules/.bin/tsc", "-p", ".")
}
