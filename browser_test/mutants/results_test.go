package main

import (
	"path/filepath"
	"testing"
)

// TestResults_Resume checks that a run leaves out what failed on its commit, and no more.
func TestResults_Resume(t *testing.T) {
	r := results{filepath.Join(t.TempDir(), "results"), "c1"}
	all := []patch{{name: "a"}, {name: "b"}}
	if err := r.add(all[0]); err != nil {
		t.Fatal(err)
	}
	for commit, want := range map[string]int{"c1": 1, "c2": 2} {
		r.commit = commit
		left, err := r.remaining(all)
		if err != nil || len(left) != want || left[want-1].name != "b" {
			t.Errorf("on %s there remain %v, %v", commit, left, err)
		}
	}
	if left, err := (results{}).remaining(all); err != nil || len(left) != 2 {
		t.Errorf("without a file there remain %v, %v", left, err)
	}
}
