//go:build !js

package main_test

import (
	"bytes"
	"encoding/json"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/tabard-auth/tabard/browser_test/contract"
	"github.com/tabard-auth/tabard/js"
)

// clientFilesAreServed compares the Worker's answers with the server's.
func clientFilesAreServed(t *testing.T, target contract.Target) {
	if !js.Built() {
		t.Fatal("the browser module is not built; run: go run ./js/build")
	}
	text, err := fs.ReadFile(js.Files(), "module.json")
	if err != nil {
		t.Fatal(err)
	}
	var module struct{ Wasm, Exec struct{ URL string } }
	if err := json.Unmarshal(text, &module); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"module.json", module.Wasm.URL, module.Exec.URL, "tabard.js", "tabard.js.map", "popup.html"} {
		for _, encoding := range []string{"br", "gzip", "identity", "gzip, br;q=0"} {
			sameAsTheServer(t, target, name, encoding)
		}
	}
	for _, name := range []string{"nothing.js", ".gitkeep", "module.json.br", "a/module.json", ""} {
		response := ask(t, http.MethodGet, target.PublicURL+"/client/"+name, nil)
		if response.StatusCode != http.StatusNotFound {
			t.Errorf("%q: %d", name, response.StatusCode)
		}
	}
	if response := ask(t, http.MethodPost, target.PublicURL+"/client/module.json", nil); response.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", response.StatusCode)
	}
}

func sameAsTheServer(t *testing.T, target contract.Target, name, encoding string) {
	t.Helper()
	header := http.Header{"Accept-Encoding": {encoding}}
	got := ask(t, http.MethodGet, target.PublicURL+"/client/"+name, header)
	body, err := io.ReadAll(got.Body)
	if err != nil {
		t.Fatal(err)
	}
	stored := name + map[string]string{"br": ".br", "gzip": ".gz"}[got.Header.Get("Content-Encoding")]
	want, err := fs.ReadFile(js.Files(), stored)
	if err != nil || !bytes.Equal(body, want) || got.StatusCode != http.StatusOK {
		t.Fatalf("%s, %s: %d, %d bytes of %s, want %d (%v)", name, encoding, got.StatusCode, len(body), stored, len(want), err)
	}
	if encoding == "br" && got.Header.Get("Content-Encoding") != "br" {
		t.Errorf("%s is not compressed: %v", name, got.Header)
	}
	header.Set("If-None-Match", got.Header.Get("ETag"))
	if again := ask(t, http.MethodGet, target.PublicURL+"/client/"+name, header); again.StatusCode != http.StatusNotModified {
		t.Errorf("%s, asked for again: %d", name, again.StatusCode)
	}
	server := serve(name, encoding)
	for _, h := range []string{"Content-Type", "Cache-Control", "Content-Encoding", "Access-Control-Allow-Origin", "Cross-Origin-Resource-Policy", "Vary", "Content-Security-Policy", "SourceMap"} {
		if got.Header.Get(h) != server.Get(h) {
			t.Errorf("%s, %s: %s is %q, the server's %q", name, encoding, h, got.Header.Get(h), server.Get(h))
		}
	}
}

// serve returns the headers with which the server serves a file.
func serve(name, encoding string) http.Header {
	r := httptest.NewRequest(http.MethodGet, "/"+name, nil)
	r.Header.Set("Accept-Encoding", encoding)
	recorder := httptest.NewRecorder()
	js.Handler().ServeHTTP(recorder, r)
	return recorder.Header()
}

// ask sends one request, and follows no redirect.
func ask(t *testing.T, method, address string, header http.Header) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	if header != nil {
		r.Header = header
	}
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	return response
}
