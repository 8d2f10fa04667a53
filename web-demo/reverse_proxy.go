package main

import (
	"encoding/json"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/web-demo/page"
)

const (
	// mount is the backend's path on the page's own origin.
	mount = "/auth"
	// sessionCookie begins the names of the backend's session cookies.
	sessionCookie = "__Host-Http-tabard"
)

// newReverseProxy does the work of a reverse proxy in front of a product. It passes the
// mount to the backend, path unchanged. It hides the backend's cookies from everything
// else: browsers send them to the whole host, because their prefix demands Path=/. The
// page's forms may lead to the origins in forms.
func newReverseProxy(backend *url.URL, notes, pages http.Handler, forms ...string) http.Handler {
	product := http.NewServeMux()
	product.Handle("/api/", notes)
	product.Handle("/", pages)

	mux := http.NewServeMux()
	mux.Handle(mount+"/", newBackendProxy(backend))
	mux.Handle("/", withoutSessionCookies(page.WithHeaders(product, forms...)))
	return mux
}

// pages are the demo's own, or those of the directory that was named.
func pages(o options) http.Handler {
	var pages http.Handler
	if o.page == "" {
		pages = page.Handler()
	} else {
		pages = page.Folder(os.DirFS(o.page))
	}
	if o.origins {
		return page.WithOrigins(pages, o.origin(), o.hostPattern())
	}
	return pages
}

func newBackendProxy(backend *url.URL) http.Handler {
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(backend)
			r.SetXForwarded()
		},
		Transport:    &http.Transport{DisableCompression: true},
		ErrorHandler: unavailable,
	}
}

// unavailable answers for a backend that does not.
func unavailable(w http.ResponseWriter, _ *http.Request, _ error) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Retry-After", "1")
	w.WriteHeader(http.StatusServiceUnavailable)
	_ = json.NewEncoder(w).Encode(api.Error{Code: api.TemporarilyUnavailable, Description: "the token backend cannot be reached"})
}

func withoutSessionCookies(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cookies := r.Header["Cookie"]
		r.Header.Del("Cookie")
		for _, line := range cookies {
			if rest := stripSessionCookies(line); rest != "" {
				r.Header.Add("Cookie", rest)
			}
		}
		next.ServeHTTP(w, r)
	})
}

// stripSessionCookies removes them from one Cookie header and leaves the others
// as they were sent. Browsers match the prefix in any case.
func stripSessionCookies(line string) string {
	var rest []string
	for pair := range strings.SplitSeq(line, ";") {
		name, _, _ := strings.Cut(strings.TrimSpace(pair), "=")
		if len(name) >= len(sessionCookie) && strings.EqualFold(name[:len(sessionCookie)], sessionCookie) {
			continue
		}
		rest = append(rest, strings.TrimSpace(pair))
	}
	return strings.Join(rest, "; ")
}
