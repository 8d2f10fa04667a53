package workerd

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
)

// Build builds the Worker, once for all tests.
func Build(t testing.TB) {
	t.Helper()
	if err := built(); err != nil {
		t.Fatal(err)
	}
}

var built = sync.OnceValue(func() error { return in(Folder(), "go", "run", "./compile") })

// Compile builds the program in a folder below worker as build/NAME.wasm.
func Compile(t testing.TB, name string) {
	t.Helper()
	if err := in(Folder(), "go", "run", "./compile", "-program", "./"+name, "-o", "build/"+name+".wasm"); err != nil {
		t.Fatal(err)
	}
}

// in runs a command in a folder; its error holds what it said. Nothing of it talks
// to anybody.
func in(folder, name string, args ...string) error {
	command := exec.Command(name, args...)
	command.Dir = folder
	command.Env = append(os.Environ(), "CI=1", "WRANGLER_SEND_METRICS=false", "WRANGLER_LOG_SANITIZE=true", "NO_UPDATE_NOTIFIER=1")
	if said, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, said)
	}
	return nil
}
