package gowasm

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Edit changes a file of the standard library for one build.
type Edit struct {
	File string // in GOROOT/src, with slashes
	// Old is replaced by New and stands in the file exactly once. Without Old, New is the
	// whole file; without both, the file is left out.
	Old, New string
}

// writeOverlay writes edited files, and the overlay that go build reads, into a folder.
func writeOverlay(folder string, edits []Edit) (overlay string, err error) {
	goroot, err := Goroot()
	if err != nil {
		return "", err
	}
	replace := map[string]string{}
	for i, e := range edits {
		original := filepath.Join(goroot, "src", filepath.FromSlash(e.File))
		source := original
		if edited := replace[original]; edited != "" {
			source = edited
		}
		text, err := e.apply(source)
		if err != nil {
			return "", err
		}
		if replace[original] = ""; text == "" {
			continue
		}
		changed := filepath.Join(folder, fmt.Sprintf("%d-%s", i, filepath.Base(original)))
		if err := os.WriteFile(changed, []byte(text), 0o600); err != nil {
			return "", err
		}
		replace[original] = changed
	}
	content, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	overlay = filepath.Join(folder, "overlay.json")
	return overlay, os.WriteFile(overlay, content, 0o600)
}

// apply returns the file's new text.
func (e Edit) apply(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil || e.Old == "" {
		return e.New, err
	}
	if n := strings.Count(string(text), e.Old); n != 1 {
		return "", fmt.Errorf("gowasm: %s of this Go has %d times what is edited: %q", e.File, n, e.Old)
	}
	return strings.Replace(string(text), e.Old, e.New, 1), nil
}
