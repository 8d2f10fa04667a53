// Package page serves the demonstration's page: plain HTML, CSS and JavaScript
// modules, embedded as they are, under the strictest policy that the client
// allows.
package page

import (
	"embed"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path"
	"strings"
)

//go:embed static
var embedded embed.FS

// policy is the page's Content Security Policy. WebAssembly needs 'wasm-unsafe-eval';
// Tabard's client needs no more.
const policy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; " +
	"connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; " +
	"require-trusted-types-for 'script'; trusted-types 'none'"

// Handler serves the page at / and its files beside it.
func Handler() http.Handler {
	static, err := fs.Sub(embedded, "static")
	if err != nil {
		panic(err) // the name is a constant
	}
	files := http.FileServerFS(static)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-cache")
		files.ServeHTTP(w, r)
	})
}

// WithOrigins returns pages whose host names the organization: pattern is such a host, and
// home the origin of the app's own page, where the backend is. The policy of [WithHeaders]
// allows that origin then.
func WithOrigins(next http.Handler, home, pattern string) http.Handler {
	script := fmt.Sprintf(`import { organizationOf } from "/auth/client/routes.js";
export const backend = %q;
export const organization = organizationOf({ host: %q });
`, home+"/auth", pattern)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		policy := w.Header().Get("Content-Security-Policy")
		for _, directive := range []string{"script-src 'self'", "connect-src 'self'"} {
			policy = strings.Replace(policy, directive, directive+" "+home, 1)
		}
		w.Header().Set("Content-Security-Policy", policy)
		if r.URL.Path != "/where.js" {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Cache-Control", "no-cache")
		w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
		io.WriteString(w, script)
	})
}

// Folder serves another page in place of the demonstration's: the files of a folder,
// and its index.html at every other address, for pages with client-side routes. It sets
// no content security policy.
func Folder(folder fs.FS) http.Handler {
	files := http.FileServerFS(folder)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-cache")
		w.Header().Del("Content-Security-Policy")
		name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
		if info, err := fs.Stat(folder, name); err != nil || info.IsDir() {
			http.ServeFileFS(w, r, folder, "index.html")
			return
		}
		files.ServeHTTP(w, r)
	})
}

// WithHeaders sets the security headers on every answer of next. Forms lead to the
// page's own origin, and from there to those that are named.
func WithHeaders(next http.Handler, forms ...string) http.Handler {
	policy := strings.Replace(policy, "form-action 'self'", strings.Join(append([]string{"form-action 'self'"}, forms...), " "), 1)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r)
	})
}
