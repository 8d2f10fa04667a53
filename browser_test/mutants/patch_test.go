package main

import (
	"slices"
	"strings"
	"testing"
)

func TestPatches_TestsOfAPackageRunTogether(t *testing.T) {
	var patches []patch
	for _, test := range []string{
		"go test ./a -run TestOne", "go test ./a -run ^TestTwo$/part", "go test ./a -run TestOne",
		"go test ./b -run TestOne", "go test ./b", "go test ./b -run TestTwo", "node --test c.js", "node --test c.js",
	} {
		p, err := parse("x", "# "+test+"\n")
		if err != nil {
			t.Fatal(err)
		}
		patches = append(patches, p)
	}
	var got []string
	for _, test := range together(patches) {
		got = append(got, strings.Join(test, " "))
	}
	if want := []string{"go test ./a -run TestOne|^TestTwo$/part", "go test ./b", "node --test c.js"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestPatch_NamesTestAndFiles(t *testing.T) {
	p, err := parse("x", "# go test ./a\n--- a/a/a.go\n+++ b/a/a.go\n@@ -1 +1 @@\n-a\n+b\n--- a/b.js\n+++ b/b.js\n")
	if err != nil || !slices.Equal(p.test, []string{"go", "test", "./a"}) || !slices.Equal(p.files, []string{"a/a.go", "b.js"}) {
		t.Errorf("%+v, %v", p, err)
	}
	if _, err := parse("x", "--- a/a.go\n+++ b/a.go\n"); err == nil {
		t.Error("a patch that names no test is taken")
	}
}
