package js

import (
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
)

// Handler serves the built files, below a prefix that the caller strips. Files
// with a hashed name never change and are kept for ever; the others are asked
// for again each time and answered with 304. Bodies are compressed already.
//
// The files are public and the same for everybody, so any origin may read them.
func Handler() http.Handler { return newFiles(Files()) }

// files serves a folder of immutable content.
type files struct {
	content fs.FS
	tags    sync.Map // ETag by file name
}

func newFiles(content fs.FS) *files { return &files{content: content} }

// types are the media types of the built files.
var types = map[string]string{
	".js":   "text/javascript; charset=utf-8",
	".json": "application/json",
	".map":  "application/json", // source maps, which debuggers load
	".html": "text/html; charset=utf-8",
	".wasm": "application/wasm",
}

// pagePolicy is the content security policy of a built page.
const pagePolicy = "default-src 'none'; script-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

func (f *files) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, "/")
	mediaType, known := types[path.Ext(name)]
	if !known || !f.has(name) {
		notYet(w)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	h := w.Header()
	h.Set("Content-Type", mediaType)
	h.Set("Cache-Control", cacheControl(name))
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Vary", "Accept-Encoding")
	if f.has(name + ".map") {
		h.Set("SourceMap", name+".map")
	}
	if path.Ext(name) == ".html" {
		h.Set("Content-Security-Policy", pagePolicy)
	}
	f.serve(w, r, name)
}

// notYet responds that there is no such file yet. During a rollout another replica may
// have it, so no cache may store the response.
func notYet(w http.ResponseWriter) {
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusNotFound)
}

// serve answers with the smallest form of a file that the client takes.
func (f *files) serve(w http.ResponseWriter, r *http.Request, name string) {
	encoding, suffix := f.negotiate(name, r.Header.Values("Accept-Encoding"))
	body, err := fs.ReadFile(f.content, name+suffix)
	if err != nil {
		http.Error(w, "the file cannot be read", http.StatusInternalServerError)
		return
	}
	if encoding != "" {
		w.Header().Set("Content-Encoding", encoding)
	}
	tag := f.tag(name+suffix, body)
	w.Header().Set("ETag", tag)
	if matches(r.Header.Values("If-None-Match"), tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method == http.MethodGet {
		w.Write(body)
	}
}
