package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
)

// devServer is a development server that tells what it was asked for.
func devServer(t *testing.T) (address string, got *http.Request) {
	t.Helper()
	got = &http.Request{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*got = *r
		w.Header().Set("Content-Security-Policy", "script-src 'self'")
		_, _ = io.WriteString(w, "mine")
	}))
	t.Cleanup(server.Close)
	return server.URL, got
}

// newTestFront returns the demo's proxy before a development server.
func newTestFront(t *testing.T, server string) (front http.Handler, backend, notes *seen) {
	t.Helper()
	backend, notes = &seen{}, &seen{}
	behind := httptest.NewServer(backend)
	t.Cleanup(behind.Close)
	inner, err := url.Parse(behind.URL)
	if err != nil {
		t.Fatal(err)
	}
	return newFront(options{page: server}, inner, notes), backend, notes
}

// TestDevServer_AnswersAllButBackendAndAPI: on the one origin of the page, by the name
// under which the browser knows it, and without the session's cookie.
func TestDevServer_AnswersAllButBackendAndAPI(t *testing.T) {
	address, got := devServer(t)
	front, backend, notes := newTestFront(t, address)
	for _, path := range []string{"/", "/acme/notes", "/@vite/client", "/src/main.ts?t=1", "/api/mine", "/authors"} {
		r := request(path, "__Host-Http-tabard.x=secret; theme=dark")
		r.Host = "localhost:8080"
		recorder := httptest.NewRecorder()
		front.ServeHTTP(recorder, r)
		if recorder.Code != http.StatusOK || recorder.Body.String() != "mine" || got.URL.String() != path || got.Host != "localhost:8080" {
			t.Errorf("%s: %d %q, and the server was asked for %s of %s", path, recorder.Code, recorder.Body, got.URL, got.Host)
		}
		if cookie := got.Header.Get("Cookie"); cookie != "theme=dark" {
			t.Errorf("%s: the server got the cookies %q", path, cookie)
		}
		if policy := recorder.Header()["Content-Security-Policy"]; len(policy) != 1 || policy[0] != "script-src 'self'" || recorder.Header().Get("Cross-Origin-Opener-Policy") != "" {
			t.Errorf("%s: headers %v, want the server's alone", path, recorder.Header())
		}
	}
	front.ServeHTTP(httptest.NewRecorder(), request("/auth/token"))
	front.ServeHTTP(httptest.NewRecorder(), request("/api/organizations/org_acme/notes"))
	if backend.path != "/auth/token" || notes.path != "/api/organizations/org_acme/notes" {
		t.Errorf("the backend was asked for %q, the API for %q", backend.path, notes.path)
	}
}

// TestDevServer_DownIsSaid: a page that names the address and reloads; other requests
// get a line of text.
func TestDevServer_DownIsSaid(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	front, _, _ := newTestFront(t, server.URL)
	for accept, want := range map[string]string{"text/html,*/*": "text/html", "*/*": "text/plain"} {
		r := request("/acme/notes")
		r.Header.Set("Accept", accept)
		recorder := httptest.NewRecorder()
		front.ServeHTTP(recorder, r)
		body := recorder.Body.String()
		if recorder.Code != http.StatusServiceUnavailable || !strings.HasPrefix(recorder.Header().Get("Content-Type"), want) || !strings.Contains(body, server.URL) {
			t.Errorf("%s: %d %v %q", accept, recorder.Code, recorder.Header(), body)
		}
		if reloads := strings.Contains(body, `http-equiv="refresh"`); reloads != (want == "text/html") {
			t.Errorf("%s: reloads is %v", accept, reloads)
		}
		if recorder.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: it may be cached", accept)
		}
	}
}

// TestPage_MistakesAreNamed: at the start, and not by a page that does not come.
func TestPage_MistakesAreNamed(t *testing.T) {
	for page, want := range map[string]string{
		"http://localhost:8080":         "the demo's own address",
		"http://127.0.0.1:8090/":        "the demo's own address",
		"http://localhost:8082":         "the demo's own address",
		"http://127.0.0.1:8081":         "the demo's own address",
		"https://localhost:5173":        "http://localhost:5173",
		"http://localhost:5173/app/":    "without a path",
		"http://localhost:5173/?x":      "without a path",
		"http://":                       "http://localhost:5173",
		"localhost:5173":                "http://localhost:5173",
		"5173":                          "http://localhost:5173",
		filepath.Join(t.TempDir(), "x"): "no folder",
		t.TempDir():                     "index.html",
	} {
		var out bytes.Buffer
		if _, err := readOptions([]string{"-page", page}, &out); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("-page %s: %v, want %q", page, err, want)
		}
	}
	for _, page := range []string{"http://localhost:5173", "http://127.0.0.1:3000/", "http://[::1]:4200", "../js/examples/plain"} {
		if _, err := readOptions([]string{"-page", page}, io.Discard); err != nil {
			t.Errorf("-page %s: %v", page, err)
		}
	}
}

// TestDevServer_GreetingSaysWhichAddressToOpen: the development server prints its own.
func TestDevServer_GreetingSaysWhichAddressToOpen(t *testing.T) {
	w, err := newWorkspace([]string{writtenOrigin}, writtenReports, writtenProvider, ".run")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	printGreeting(&out, options{port: 8080, provider: "127.0.0.1:8081", page: "http://localhost:5173"}, w)
	if !strings.Contains(out.String(), "Open http://localhost:8080, not http://localhost:5173") {
		t.Errorf("it says %s", out.String())
	}
}
