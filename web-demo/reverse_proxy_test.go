package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/web-demo/page"
)

// seen records a request as it arrived.
type seen struct {
	path, cookie, forwardedFor string
}

func (s *seen) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	*s = seen{r.URL.Path, strings.Join(r.Header["Cookie"], " | "), r.Header.Get("X-Forwarded-For")}
}

// newTestProxy returns the proxy before a backend and an API that record requests.
func newTestProxy(t *testing.T) (front http.Handler, backend, notes *seen) {
	t.Helper()
	backend, notes = &seen{}, &seen{}
	server := httptest.NewServer(backend)
	t.Cleanup(server.Close)
	address, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	return newReverseProxy(address, notes, page.Handler()), backend, notes
}

func request(path string, cookies ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for _, line := range cookies {
		r.Header.Add("Cookie", line)
	}
	return r
}

func TestSessionCookiesReachTheMountOnly(t *testing.T) {
	front, backend, notes := newTestProxy(t)
	cookies := []string{"a=1; __Host-Http-tabard.demo.x=secret; b=2", "__host-http-TABARD-login.y=secret", "c=__Host-Http-tabard"}

	front.ServeHTTP(httptest.NewRecorder(), request("/auth/token", cookies...))
	if backend.path != "/auth/token" || strings.Count(backend.cookie, "secret") != 2 {
		t.Errorf("the backend saw %+v, want its path unchanged and both cookies", *backend)
	}
	for _, path := range []string{"/api/x", "/authx", "/API/../api/x"} {
		*notes, *backend = seen{}, seen{}
		front.ServeHTTP(httptest.NewRecorder(), request(path, cookies...))
		if backend.path != "" || strings.Contains(notes.cookie, "secret") {
			t.Errorf("%s: backend saw %+v, API saw %+v", path, *backend, *notes)
		}
	}
	front.ServeHTTP(httptest.NewRecorder(), request("/api/x", cookies...))
	if notes.cookie != "a=1; b=2 | c=__Host-Http-tabard" {
		t.Errorf("the API saw the cookies %q", notes.cookie)
	}
}

func TestDotsInAPathCarryNoSessionCookieToTheProduct(t *testing.T) {
	front, _, notes := newTestProxy(t)
	for _, path := range []string{"/auth/../api/x", "/auth/%2e%2e/api/x", "/auth//../api/x", "/api/../auth/../api/x"} {
		front.ServeHTTP(httptest.NewRecorder(), request(path, "__Host-Http-tabard.x=secret"))
		if notes.cookie != "" {
			t.Errorf("%s: the API saw %+v", path, *notes)
		}
	}
}

func TestAClientCannotForgeItsAddress(t *testing.T) {
	front, backend, _ := newTestProxy(t)
	r := request("/auth/token")
	r.Header.Set("X-Forwarded-For", "198.51.100.7")
	front.ServeHTTP(httptest.NewRecorder(), r)
	if strings.Contains(backend.forwardedFor, "198.51.100.7") || backend.forwardedFor == "" {
		t.Errorf("X-Forwarded-For reached the backend as %q", backend.forwardedFor)
	}
}

func TestABackendOutOfReachIsTemporarilyUnavailable(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	address, _ := url.Parse(server.URL)
	server.Close()
	recorder := httptest.NewRecorder()
	newReverseProxy(address, http.NotFoundHandler(), http.NotFoundHandler()).ServeHTTP(recorder, request("/auth/token"))
	var body api.Error
	if err := json.NewDecoder(recorder.Body).Decode(&body); err != nil || recorder.Code != http.StatusServiceUnavailable ||
		body.Code != api.TemporarilyUnavailable || recorder.Header().Get("Retry-After") == "" {
		t.Errorf("status %d, body %+v, %v", recorder.Code, body, err)
	}
}

func TestEveryRouteOfTheProductHasItsHeaders(t *testing.T) {
	front, _, _ := newTestProxy(t)
	for _, path := range []string{"/", "/index.html", "/app.js", "/style.css", "/nowhere", "/api/x", "/api/organizations/org_acme/notes"} {
		recorder := httptest.NewRecorder()
		front.ServeHTTP(recorder, request(path))
		for name, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; " +
				"connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; " +
				"require-trusted-types-for 'script'; trusted-types 'none'",
			"Cross-Origin-Opener-Policy":   "same-origin",
			"Cross-Origin-Resource-Policy": "same-origin",
			"Referrer-Policy":              "no-referrer",
			"X-Content-Type-Options":       "nosniff",
		} {
			if got := recorder.Header().Get(name); got != want {
				t.Errorf("%s: %s: %q, want %q", path, name, got, want)
			}
		}
	}
}

func TestThePageHasNoInlineScriptOrStyle(t *testing.T) {
	front, _, _ := newTestProxy(t)
	recorder := httptest.NewRecorder()
	front.ServeHTTP(recorder, request("/"))
	text, err := io.ReadAll(recorder.Body)
	if err != nil || recorder.Code != http.StatusOK {
		t.Fatalf("status %d, %v", recorder.Code, err)
	}
	for _, forbidden := range []string{"<style", " style=", " onclick=", " onload=", "javascript:", "<script>"} {
		if strings.Contains(string(text), forbidden) {
			t.Errorf("the page contains %q", forbidden)
		}
	}
}

func TestAnotherPageIsServedInPlaceOfTheDemos(t *testing.T) {
	folder := t.TempDir()
	for name, text := range map[string]string{"index.html": "mine", "main.js": "script"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	front := page.WithHeaders(pages(options{page: folder}))
	for path, want := range map[string]string{"/": "mine", "/main.js": "script", "/acme/notes": "mine", "/acme/": "mine"} {
		recorder := httptest.NewRecorder()
		front.ServeHTTP(recorder, request(path))
		if got := recorder.Body.String(); recorder.Code != http.StatusOK || got != want {
			t.Errorf("%s answers %d %q, want %q", path, recorder.Code, got, want)
		}
		if policy := recorder.Header().Get("Content-Security-Policy"); policy != "" {
			t.Errorf("%s is under the demo's policy %q", path, policy)
		}
	}
}
