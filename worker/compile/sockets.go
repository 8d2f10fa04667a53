package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
)

// The standard library's HTTP transport uses fetch and falls back to sockets. A Worker
// always has fetch and no sockets. Without the fallback the linker omits TLS, HTTP/2
// and proxies, an eighth of the program.
const (
	socketFallback = "return t.roundTrip(req)"
	noFetch        = `return nil, errors.New("net/http: there is no fetch")`
)

// withoutSockets writes an overlay for go build that leaves the fall-back out.
func withoutSockets(goroot, folder string) (overlay string, err error) {
	transport := filepath.Join(goroot, "src", "net", "http", "roundtrip_js.go")
	text, err := os.ReadFile(transport)
	if err != nil {
		return "", err
	}
	if strings.Count(string(text), socketFallback) != 1 {
		return "", errors.New(transport + " is not as expected; adapt worker/compile/sockets.go to this Go")
	}
	changed := filepath.Join(folder, "roundtrip_js.go")
	if err := os.WriteFile(changed, []byte(strings.Replace(string(text), socketFallback, noFetch, 1)), 0o644); err != nil {
		return "", err
	}
	content, err := json.Marshal(map[string]any{"Replace": map[string]string{transport: changed}})
	if err != nil {
		return "", err
	}
	overlay = filepath.Join(folder, "overlay.json")
	return overlay, os.WriteFile(overlay, content, 0o644)
}
