package workerd

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
)

// Build builds the Worker, once for the life of this program.
var Build = sync.OnceValue(func() error { return run(Folder(), "go", "run", "./compile") })

// Compile builds the program in a folder below worker as build/NAME.wasm.
func Compile(name string) error {
	return run(Folder(), "go", "run", "./compile", "-program", "./"+name, "-o", "build/"+name+".wasm")
}

// CompileTests builds the tests of the package in a folder below worker as
// build/NAME.wasm.
func CompileTests(name string) error {
	return run(Folder(), "go", "run", "./compile", "-tests", "-program", "./"+name, "-o", "build/"+name+".wasm")
}

// Wrangler runs a wrangler command in the folder worker, and returns its output.
func Wrangler(args ...string) (string, error) { return WranglerIn(Folder(), args...) }

// WranglerIn runs a wrangler command in the folder worker of another checkout.
func WranglerIn(folder string, args ...string) (string, error) {
	return output(folder, filepath.Join("node_modules", ".bin", "wrangler"), args...)
}

func run(folder, name string, args ...string) error {
	_, err := output(folder, name, args...)
	return err
}

// output runs a command in a folder; its error contains the output. The environment
// disables telemetry and update checks.
func output(folder, name string, args ...string) (string, error) {
	command := exec.Command(name, args...)
	command.Dir = folder
	command.Env = append(os.Environ(), "CI=1", "WRANGLER_SEND_METRICS=false", "NO_UPDATE_NOTIFIER=1")
	text, err := command.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, text)
	}
	return string(text), nil
}
