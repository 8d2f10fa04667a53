package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	anyInternal      = "(" + strings.Join(internal, "|") + ")"
	internalProperty = regexp.MustCompile(`(?:\.|[{,;]\s*)` + anyInternal + `\b\s*[^\w\s]|\b(?:as|async|get|set) ` + anyInternal + `\b`)
	internalText     = regexp.MustCompile("[\"'`]" + anyInternal + "[\"',`]")
	internalMember   = regexp.MustCompile(`(?m)^\s*(?:readonly )?` + anyInternal + `\??[:(]`)
)

// TestInternal_StaysInTheClient: a property that has a short name in the client is used in no
// other file that a page loads, and in no text.
func TestInternal_StaysInTheClient(t *testing.T) {
	others := map[string]string{routes: "routes.js", switcher: "switcher.js", borrow: "borrow.js", popupScript: "popup.js", theme: "theme.js"}
	for _, name := range chunks {
		others[name] = sourceOf(name)
	}
	for name, entry := range others {
		refuse(t, name, bundled(t, name, entry), internalProperty, internalText)
	}
	refuse(t, client, bundled(t, client, "index.js"), internalText)
}

// TestInternal_IsNotPublic: nor is it declared for pages, read by the module or part of the API.
func TestInternal_IsNotPublic(t *testing.T) {
	for _, file := range files(t, "../*.d.ts", "../types/*.d.ts") {
		refuse(t, file, read(t, file), internalMember)
	}
	for _, file := range files(t, "../../wasm/*.go", "../../wasm/*/*.go", "../../backend/api/*.go") {
		if !strings.HasSuffix(file, "_test.go") {
			refuse(t, file, read(t, file), internalText)
		}
	}
}

func refuse(t *testing.T, file string, content []byte, patterns ...*regexp.Regexp) {
	t.Helper()
	for _, pattern := range patterns {
		for _, use := range pattern.FindAllString(string(content), -1) {
			t.Errorf("%s has %q, which is a name of the client's own", file, use)
		}
	}
}

func bundled(t *testing.T, name, entry string) []byte {
	t.Helper()
	dir, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	content, _, err := bundle(dir, name, entry, "undefined")
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func files(t *testing.T, patterns ...string) (all []string) {
	t.Helper()
	for _, pattern := range patterns {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: %d files, %v", pattern, len(found), err)
		}
		all = append(all, found...)
	}
	return all
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return content
}
