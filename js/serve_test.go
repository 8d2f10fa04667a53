package js_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/fstest"

	"github.com/andybalholm/brotli"

	"github.com/tabard-auth/tabard/js"
)

const (
	module   = "module.0123456789abcdef.wasm"
	contents = "what the file holds"
)

// built is a folder as the build leaves it; exec has no compressed siblings.
func built() http.Handler {
	return js.NewFiles(fstest.MapFS{
		module:                     {Data: []byte(contents)},
		module + ".br":             {Data: compressed(func(w io.Writer) io.WriteCloser { return brotli.NewWriter(w) })},
		module + ".gz":             {Data: compressed(func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) })},
		"exec.0123456789abcdef.js": {Data: []byte(contents)},
		"tabard.js":                {Data: []byte(contents)},
		"tabard.js.map":            {Data: []byte(contents)},
		"module.json":              {Data: []byte(contents)},
		".gitkeep":                 {Data: []byte("x")},
		"secret.txt":               {Data: []byte("x")},
		"deep/tabard.js":           {Data: []byte("x")},
	})
}

func compressed(writer func(io.Writer) io.WriteCloser) []byte {
	var b bytes.Buffer
	w := writer(&b)
	io.WriteString(w, contents)
	w.Close()
	return b.Bytes()
}

func get(t *testing.T, method, path string, header ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	built().ServeHTTP(w, r)
	return w.Result()
}

func TestHashedFilesAreKeptForEverAndOthersAreAskedForAgain(t *testing.T) {
	for path, want := range map[string][2]string{
		"/" + module:                {"public, max-age=31536000, immutable", "application/wasm"},
		"/exec.0123456789abcdef.js": {"public, max-age=31536000, immutable", "text/javascript; charset=utf-8"},
		"/tabard.js":                {"no-cache", "text/javascript; charset=utf-8"},
		"/module.json":              {"no-cache", "application/json"},
	} {
		h := get(t, "GET", path).Header
		if got := [2]string{h.Get("Cache-Control"), h.Get("Content-Type")}; got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
		for name, want := range map[string]string{
			"Access-Control-Allow-Origin": "*", "X-Content-Type-Options": "nosniff",
			"Cross-Origin-Resource-Policy": "cross-origin", "Vary": "Accept-Encoding",
		} {
			if got := h.Get(name); got != want {
				t.Errorf("%s: %s %q, want %q", path, name, got, want)
			}
		}
	}
}

func TestTheSmallestFormThatTheClientTakesIsSent(t *testing.T) {
	for _, test := range []struct{ accept, want string }{
		{"gzip, deflate, br, zstd", "br"},
		{"GZIP", "gzip"},
		{"gzip;q=1.0, br;q=0", "gzip"},
		{"br ; q=0.1", "br"},
		{"*", "br"},
		{"*, br;q=0", "gzip"},
		{"br;q=0, gzip;q=0, *", ""},
		{"*;q=0", ""},
		{"br;q=lots", ""},
		{"brown, gzipped", ""},
		{"identity", ""},
		{"", ""},
	} {
		response := get(t, "GET", "/"+module, "Accept-Encoding", test.accept)
		if got := response.Header.Get("Content-Encoding"); got != test.want {
			t.Errorf("%q: encoding %q, want %q", test.accept, got, test.want)
		}
		if got := decoded(t, response); got != contents {
			t.Errorf("%q: body %q", test.accept, got)
		}
	}
	if got := get(t, "GET", "/exec.0123456789abcdef.js", "Accept-Encoding", "br").Header.Get("Content-Encoding"); got != "" {
		t.Errorf("a file without siblings: encoding %q", got)
	}
}

func decoded(t *testing.T, response *http.Response) string {
	t.Helper()
	var body io.Reader = response.Body
	switch response.Header.Get("Content-Encoding") {
	case "br":
		body = brotli.NewReader(body)
	case "gzip":
		reader, err := gzip.NewReader(body)
		if err != nil {
			t.Fatal(err)
		}
		body = reader
	}
	text, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestWhatTheClientHasIsNotSentAgain(t *testing.T) {
	tag := get(t, "GET", "/tabard.js").Header.Get("ETag")
	if tag == "" {
		t.Fatal("no ETag")
	}
	for condition, want := range map[string]int{
		tag: 304, "W/" + tag: 304, `"other", ` + tag: 304, "*": 304, `"other"`: 200, "": 200,
	} {
		if got := get(t, "GET", "/tabard.js", "If-None-Match", condition).StatusCode; got != want {
			t.Errorf("If-None-Match %s: %d, want %d", condition, got, want)
		}
	}
	br := get(t, "GET", "/"+module, "Accept-Encoding", "br").Header.Get("ETag")
	if plain := get(t, "GET", "/"+module).Header.Get("ETag"); br == plain {
		t.Errorf("two forms of a file have one tag, %s", br)
	}
}

func TestOnlyWhatTheBuildWroteIsServed(t *testing.T) {
	for _, path := range []string{"/", "", "/nothing.js", "/.gitkeep", "/secret.txt", "/" + module + ".br", "/deep/tabard.js", "/../tabard.js", "/.", "//tabard.js"} {
		r := httptest.NewRequest("GET", "/", nil)
		r.URL.Path = path
		w := httptest.NewRecorder()
		built().ServeHTTP(w, r)
		if kept := w.Header().Get("Cache-Control"); w.Code != 404 || kept != "no-store" {
			t.Errorf("%q: %d and %q, want 404 and no-store: another replica may have it", path, w.Code, kept)
		}
	}
}

func TestFilesAreOnlyRead(t *testing.T) {
	if got := get(t, "HEAD", "/tabard.js"); got.StatusCode != 200 || got.Header.Get("Content-Length") != "19" {
		t.Errorf("HEAD: %d, length %s", got.StatusCode, got.Header.Get("Content-Length"))
	}
	for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS"} {
		if got := get(t, method, "/tabard.js"); got.StatusCode != 405 || got.Header.Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: %d, Allow %q", method, got.StatusCode, got.Header.Get("Allow"))
		}
	}
}

// TestSourceMap_IsNamedByAHeader: debuggers find the map of a file that has one, and the file
// itself is as it was.
func TestSourceMap_IsNamedByAHeader(t *testing.T) {
	if got := get(t, "GET", "/tabard.js").Header.Get("SourceMap"); got != "tabard.js.map" {
		t.Errorf("the map is %q", got)
	}
	for _, path := range []string{"/" + module, "/exec.0123456789abcdef.js", "/tabard.js.map"} {
		if got := get(t, "GET", path).Header.Get("SourceMap"); got != "" {
			t.Errorf("%s has the map %q", path, got)
		}
	}
	if got := get(t, "GET", "/tabard.js.map"); got.StatusCode != http.StatusOK || got.Header.Get("Content-Type") != "application/json" {
		t.Errorf("the map: %d %s", got.StatusCode, got.Header.Get("Content-Type"))
	}
}
