package gowasm

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Program is a Go program for js/wasm.
type Program struct {
	Dir     string   // the folder in which the go command runs; empty is the current one
	Package string   // as the go command takes it
	Tests   bool     // build the package's tests instead
	Flags   []string // for the go command
	Env     []string // beside the process's own
	Edits   []Edit   // of the standard library
	Shrink  bool     // see [Shrink]
	Names   bool     // keep names and lines for tracebacks, in a module that is shrunk
}

// Build compiles the program. A toolchain whose layout is not known is refused where the
// program is edited or shrunk.
func (p Program) Build() ([]byte, error) {
	module, err := p.link()
	if err != nil || !p.Shrink {
		return module, err
	}
	return Shrink(module, p.Names)
}

// BuildWithSymbols is Build, and returns the names of the functions beside it; see
// [Symbols]. Flags do not omit the name section.
func (p Program) BuildWithSymbols() (module, symbols []byte, err error) {
	linked, err := p.link()
	if err != nil {
		return nil, nil, err
	}
	symbols, err = Symbols(linked)
	if err == nil {
		module, err = Shrink(linked, p.Names)
	}
	return module, symbols, err
}

// link returns the output of Go's linker.
func (p Program) link() ([]byte, error) {
	dir, err := os.MkdirTemp("", "tabard-gowasm-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	flags := p.Flags
	if p.Shrink || len(p.Edits) > 0 {
		if err := checkToolchain(); err != nil {
			return nil, err
		}
	}
	if len(p.Edits) > 0 {
		overlay, err := writeOverlay(dir, p.Edits)
		if err != nil {
			return nil, err
		}
		flags = slices.Concat([]string{"-overlay", overlay}, flags)
	}
	return p.compile(filepath.Join(dir, "module.wasm"), flags)
}

func (p Program) compile(out string, flags []string) ([]byte, error) {
	command := []string{"build", "-buildvcs=false"}
	if p.Tests {
		command = []string{"test", "-c"}
	}
	cmd := exec.Command("go", slices.Concat(command, []string{"-trimpath", "-o", out}, flags, []string{p.Package})...)
	cmd.Dir = p.Dir
	cmd.Env = slices.Concat(os.Environ(), []string{"GOOS=js", "GOARCH=wasm", "GOFLAGS="}, p.Env)
	if text, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go build %s: %w\n%s", p.Package, err, text)
	}
	return os.ReadFile(out)
}

// Goroot is the folder of the toolchain.
func Goroot() (string, error) { return goEnv("GOROOT") }

func goEnv(name string) (string, error) {
	out, err := exec.Command("go", "env", name).Output()
	return strings.TrimSpace(string(out)), err
}

// knownToolchain is the release whose tables and sources this package knows.
const knownToolchain = "go1.26"

// checkToolchain refuses a toolchain of another release.
func checkToolchain() error {
	version, err := goEnv("GOVERSION")
	if err != nil {
		return err
	}
	if version != knownToolchain && !strings.HasPrefix(version, knownToolchain+".") {
		return fmt.Errorf("gowasm: %s is not known; make build PLAIN=1 needs no knowledge of it. "+
			"To make it known, run TestToolchain_LayoutIsKnown and follow its lines", version)
	}
	return nil
}
