package main

import (
	"encoding/json"
	"os"
	"path/filepath"
)

// The standard library asks internal/godebug for settings of the GODEBUG variable. A
// page has no such variable. Without the package, its registry and its stack search,
// the module's brotli is 3 % smaller. The runtime still reads GODEBUG itself.
const godebugStub = `package godebug

type Setting struct{ name string }

func New(name string) *Setting        { return &Setting{name} }
func (s *Setting) Name() string       { return s.name }
func (s *Setting) Undocumented() bool { return false }
func (s *Setting) String() string     { return s.name + "=" }
func (s *Setting) IncNonDefault()     {}
func (s *Setting) Value() string      { return "" }
`

// writeGodebugOverlay writes an overlay for go build in which every setting has its
// default.
func writeGodebugOverlay(folder string) (overlay string, err error) {
	goroot, err := goroot()
	if err != nil {
		return "", err
	}
	original, changed := filepath.Join(goroot, "src", "internal", "godebug", "godebug.go"), filepath.Join(folder, "godebug.go")
	if _, err := os.Stat(original); err != nil {
		return "", err
	}
	if err := os.WriteFile(changed, []byte(godebugStub), 0o600); err != nil {
		return "", err
	}
	content, err := json.Marshal(map[string]any{"Replace": map[string]string{original: changed}})
	if err != nil {
		return "", err
	}
	overlay = filepath.Join(folder, "overlay.json")
	return overlay, os.WriteFile(overlay, content, 0o600)
}
