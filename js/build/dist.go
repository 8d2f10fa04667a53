package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/andybalholm/brotli"

	"github.com/tabard-auth/tabard/backend/api"
)

// dist is the folder that the backend embeds.
type dist struct {
	dir    string
	wrote  map[string]bool
	module api.Module
}

// client is the name of the bundled client in dist. The other bundles are optional parts for pages without a bundler.
const (
	client   = "tabard.js"
	routes   = "routes.js"
	switcher = "switcher.js"
	theme    = "theme.js"
	borrow   = "borrow.js"
	// popupPage, with its script, is where a step-up in a window of its own ends.
	popupPage   = "popup.html"
	popupScript = "popup.js"
)

// chunks are files that the client, or the switcher, loads when it uses them.
var chunks = []string{
	"accounts.js", "calls.js", "refusals.js", "ending.js", "stepup.js", "window.js", "signin.js", "acting.js", "connect.js", "lend.js", "returnto.js", "debug.js", "origins.js", "question.js",
	"causes.js", "network.js", "wrapped.js", "silence.js", "assets.js", "asked.js", "checked.js", "early.js", people,
}

// people is the chunk of the switcher.
const people = "people.js"

// sourceOf returns the source of a chunk.
func sourceOf(chunk string) string {
	if chunk == people {
		return "src/switcher/" + chunk
	}
	return "src/" + chunk
}

// writeDist writes the folder and removes the files of earlier builds.
func writeDist(dir string, module api.Module, wasm, exec []byte, bundles map[string][]byte) (*dist, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	d := &dist{dir: dir, wrote: map[string]bool{".gitkeep": true}, module: module}
	manifest, err := json.MarshalIndent(d.module, "", "  ")
	if err != nil {
		return nil, err
	}
	all := map[string][]byte{d.module.Wasm.URL: wasm, d.module.Exec.URL: exec, "module.json": append(manifest, '\n')}
	maps.Copy(all, bundles)
	for name, content := range all {
		if err := d.write(name, content); err != nil {
			return nil, err
		}
	}
	return d, d.removeStale()
}

// newModule describes a module. Both files are named after the digest of their joint
// content: one digest is shorter than two.
func newModule(version string, wasm, exec []byte) api.Module {
	both := sha256.Sum256(slices.Concat(wasm, exec))
	short := "." + hex.EncodeToString(both[:8])
	return api.Module{
		Version: version,
		Wasm:    asset("module"+short+".wasm", wasm),
		Exec:    asset("exec"+short+".js", exec),
	}
}

// assetsJSON returns what the bundled client reads of module.json, as JavaScript. It compares
// its own module by name and size, and takes one of another digest's from module.json.
func assetsJSON(module api.Module) string {
	return fmt.Sprintf(`{"wasm":{"url":%q,"bytes":%d},"exec":{"url":%q,"integrity":%q}}`,
		module.Wasm.URL, module.Wasm.Bytes, module.Exec.URL, module.Exec.Integrity)
}

func asset(name string, content []byte) api.Asset {
	sum := sha256.Sum256(content)
	return api.Asset{
		URL:       name,
		Integrity: "sha256-" + base64.StdEncoding.EncodeToString(sum[:]),
		Bytes:     int64(len(content)),
	}
}

// write writes a file and its compressed siblings, unless they exist with this content.
func (d *dist) write(name string, content []byte) error {
	path := filepath.Join(d.dir, name)
	d.wrote[name], d.wrote[name+".br"], d.wrote[name+".gz"] = true, true, true
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, content) && exist(path+".br", path+".gz") {
		return nil
	}
	// The file itself goes last: an interrupted build is not taken for done.
	for _, f := range []struct {
		path    string
		content []byte
	}{{path + ".br", brotli11(content)}, {path + ".gz", gzip9(content)}, {path, content}} {
		if err := os.WriteFile(f.path, f.content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func exist(paths ...string) bool {
	for _, path := range paths {
		if _, err := os.Stat(path); err != nil {
			return false
		}
	}
	return true
}

// removeStale removes the files that this build did not write.
func (d *dist) removeStale() error {
	entries, err := os.ReadDir(d.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !d.wrote[e.Name()] {
			if err := os.Remove(filepath.Join(d.dir, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

func brotli11(content []byte) []byte {
	var b bytes.Buffer
	w := brotli.NewWriterLevel(&b, brotli.BestCompression)
	w.Write(content)
	w.Close()
	return b.Bytes()
}

func gzip9(content []byte) []byte {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression)
	w.Write(content)
	w.Close()
	return b.Bytes()
}
