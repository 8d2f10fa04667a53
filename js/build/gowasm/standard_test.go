//go:build long

package gowasm

import (
	"path/filepath"
	"slices"
	"testing"
)

// TestShrink_StandardLibraryStillPasses runs tests of the standard library and of the
// browser module on shrunk programs, without the tracer and names.
func TestShrink_StandardLibraryStillPasses(t *testing.T) {
	goroot, err := Goroot()
	if err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	for name, folder := range map[string]string{
		"sort": goroot + "/src/sort", "container/heap": goroot + "/src/container/heap",
		"context": goroot + "/src/context", "sync": goroot + "/src/sync",
		"encoding/json": goroot + "/src/encoding/json", "runtime/debug": goroot + "/src/runtime/debug",
		"./wasm/tab": root + "/wasm/tab",
	} {
		t.Run(filepath.Base(name), func(t *testing.T) {
			p := Program{Dir: root, Package: name, Tests: true, Flags: []string{"-ldflags=-s -w"}, Shrink: true,
				Edits: slices.Concat(WithoutGodebug, WithoutTracer, WithoutReports, WithoutFloatText, WithoutStartChecks, LargeStacks)}
			module, err := p.Build()
			if err != nil {
				t.Fatal(err)
			}
			t.Chdir(folder)
			// Tests that read the names in a traceback cannot pass.
			_, problems, err := runModule(t, module, "-test.short", "-test.skip=^(TestStack|TestOnceFuncPanicTraceback)$")
			if err != nil {
				t.Error(err, problems)
			}
		})
	}
}
