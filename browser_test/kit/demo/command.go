package demo

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Tabard runs a command of the program on the running demo's database and returns what
// it prints.
func (d *Demo) Tabard(t testing.TB, args ...string) string {
	t.Helper()
	command := exec.Command(d.tabard, args...)
	command.Env = append(os.Environ(), "TABARD_DATABASE=sqlite:"+filepath.Join(d.State, "tabard.db"))
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("tabard %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}
