package main

import (
	"path/filepath"
	"testing"
)

// TestBudgets: the client, each of its chunks and wasm_exec.js keep their budgets.
func TestBudgets(t *testing.T) {
	dir, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	// The digests of an actual module compress no better than these.
	module := newModule("0.1.0", []byte("the module"), []byte("wasm_exec.js"))
	check := func(name, entry, assets string, budget int) {
		content, _, err := bundle(dir, name, entry, assets)
		if err != nil {
			t.Fatal(err)
		}
		if got := len(brotli11(content)); got > budget {
			t.Errorf("%s has %d bytes of brotli, budget %d: move what a live tab does not use into a chunk", name, got, budget)
		}
	}
	exec, err := wasmExec(served)
	if err != nil {
		t.Fatal(err)
	}
	if got := len(brotli11(exec)); got > execBudget {
		t.Errorf("wasm_exec.js has %d bytes of brotli, budget %d: is it minified?", got, execBudget)
	}
	check(client, "index.js", assetsJSON(module), clientBudget)
	for _, name := range chunks {
		check(name, sourceOf(name), "undefined", chunkBudget)
	}
}
