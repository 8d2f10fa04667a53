// Command build makes js/dist, the files that the backend serves under /client/: the
// module, the wasm_exec.js of the same toolchain, the client with its optional parts,
// and module.json, each also compressed. It needs only the go command.
//
//	go run ./js/build          builds
//	go run ./js/build -plain   builds with Go's own runtime and linker output
//	go run ./js/build -debug   builds with names and lines in the module
//	go run ./js/build size     builds, and reports sizes against the budgets
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "build:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	v := served
	switch arg := strings.Join(args, " "); arg {
	case "", "size":
	case "-plain":
		v = plain
	case "-debug":
		v = debug
	default:
		return fmt.Errorf("unknown arguments %q: go run ./js/build [-plain | -debug | size]", args)
	}
	files, err := build(root, v)
	if err != nil || !slices.Equal(args, []string{"size"}) {
		return err
	}
	return reportSize(root, files)
}

// moduleRoot is the repository's root.
func moduleRoot() (string, error) {
	out, err := exec.Command("go", "env", "GOMOD").Output()
	path := strings.TrimSpace(string(out))
	if err != nil || path == "" || path == os.DevNull {
		return "", fmt.Errorf("run me inside the repository")
	}
	return filepath.Dir(path), nil
}

// build writes js/dist and returns its content.
func build(root string, v variant) (*dist, error) {
	version, err := releaseOf(filepath.Join(root, "js", "package.json"))
	if err != nil {
		return nil, err
	}
	wasm, symbols, err := buildModule(root, version, v)
	if err != nil {
		return nil, err
	}
	exec, err := wasmExec(v)
	if err != nil {
		return nil, err
	}
	module := newModule(version, wasm, exec)
	if err := writeSymbols(filepath.Join(root, "bin"), module.Wasm.URL, symbols); err != nil {
		return nil, err
	}
	entries := map[string]string{
		client: "index.js", routes: "routes.js", switcher: "switcher.js", theme: "theme.js", borrow: "borrow.js", popupScript: "popup.js",
	}
	for _, name := range chunks {
		entries[name] = sourceOf(name)
	}
	bundles := map[string][]byte{}
	for name, entry := range entries {
		assets := assetsJSON(module)
		if slices.Contains(chunks, name) {
			assets = "undefined"
		}
		if bundles[name], bundles[name+mapSuffix], err = bundle(filepath.Join(root, "js"), name, entry, assets); err != nil {
			return nil, err
		}
	}
	if bundles[popupPage], err = os.ReadFile(filepath.Join(root, "js", popupPage)); err != nil {
		return nil, err
	}
	return writeDist(filepath.Join(root, "js", "dist"), module, wasm, exec, bundles)
}

// writeSymbols writes the symbols of a module into a folder, under the module's name and
// without those of earlier builds. A release keeps them; they are not served.
func writeSymbols(folder, module string, symbols []byte) error {
	old, err := filepath.Glob(filepath.Join(folder, "module.*.symbols"))
	for _, file := range old {
		err = errors.Join(err, os.Remove(file))
	}
	if err != nil || symbols == nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, strings.TrimSuffix(module, ".wasm")+".symbols"), symbols, 0o644)
}

// releaseOf reads the version that the npm package and the module share.
func releaseOf(packageJSON string) (string, error) {
	data, err := os.ReadFile(packageJSON)
	if err != nil {
		return "", err
	}
	var p struct{ Version string }
	if err := json.Unmarshal(data, &p); err != nil || p.Version == "" {
		return "", fmt.Errorf("%s: no version: %w", packageJSON, err)
	}
	return p.Version, nil
}
