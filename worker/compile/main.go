// Command compile builds the Worker's parts: the Go program as WebAssembly, and beside
// it the JavaScript of the toolchain that built it and the pages of errors.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/tabard-auth/tabard/backend/store/sqlstore"
	"github.com/tabard-auth/tabard/js/build/gowasm"
)

const module = "github.com/tabard-auth/tabard/worker"

func main() {
	program := flag.String("program", module, "`package` of the program")
	out := flag.String("o", "", "`file` to write; worker/build/tabard.wasm unless said otherwise")
	tests := flag.Bool("tests", false, "build the package's tests instead")
	plain := flag.Bool("plain", false, "build with Go's own library and linker output")
	flag.Parse()
	if err := compile(*program, *out, *tests, *plain); err != nil {
		fmt.Fprintln(os.Stderr, "compile: "+err.Error())
		os.Exit(1)
	}
}

func compile(program, out string, tests, plain bool) error {
	root, err := output("go", "list", "-m", "-f", "{{.Dir}}", "github.com/tabard-auth/tabard")
	if err != nil {
		return err
	}
	folder := filepath.Join(root, "worker", "build")
	if out == "" {
		out = filepath.Join(folder, "tabard.wasm")
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	newest, err := newestMigration(root)
	if err != nil {
		return err
	}
	p := gowasm.Program{Package: program, Tests: tests, Flags: []string{"-ldflags=-s -w -X main.newestMigration=" + newest}}
	if !plain {
		// The log of a Worker shows tracebacks.
		p.Edits, p.Shrink, p.Names = gowasm.WithoutSockets, true, true
	}
	text, err := p.Build()
	if err != nil {
		return err
	}
	goroot, err := gowasm.Goroot()
	if err != nil {
		return err
	}
	return errors.Join(install(out, text), installSupport(goroot, folder))
}

// newestMigration returns the name of the newest migration, as wrangler notes it.
func newestMigration(root string) (string, error) {
	all, err := filepath.Glob(filepath.Join(root, "backend", "store", "sqlstore", sqlstore.SQLite.Migrations, "*.sql"))
	if err != nil || len(all) == 0 {
		return "", errors.Join(errors.New("there are no migrations"), err)
	}
	return filepath.Base(all[len(all)-1]), nil
}

// installSupport puts the toolchain's JavaScript and the pages into a folder.
func installSupport(goroot, folder string) error {
	const name = "wasm_exec.js"
	text, err := os.ReadFile(filepath.Join(goroot, "lib", "wasm", name))
	if err != nil {
		return err
	}
	return errors.Join(install(filepath.Join(folder, name), text), writePages(folder))
}

// install writes a file at once: a Worker that starts meanwhile, for another test or a
// demo, never reads half of it.
func install(path string, text []byte) error {
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	if err = errors.Join(err, file.Chmod(0o644), file.Close()); err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		os.Remove(file.Name())
	}
	return err
}

func output(name string, args ...string) (string, error) {
	text, err := exec.Command(name, args...).Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w", name, strings.Join(args, " "), err)
	}
	return strings.TrimSpace(string(text)), nil
}
