package main

import (
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// notesPath is the path of the demo's API before a development server, which may have
// paths of its own below /api/.
const notesPath = "/api/organizations/"

// newFront is the origin of the page: the demo's own, one from a folder, or a
// development server.
func newFront(o options, backend *url.URL, notes http.Handler) http.Handler {
	server := o.devServer()
	if server == nil {
		return newReverseProxy(backend, notes, pages(o), o.reports())
	}
	mux := http.NewServeMux()
	mux.Handle(mount+"/", newBackendProxy(backend))
	mux.Handle(notesPath, withoutSessionCookies(notes))
	mux.Handle("/", withoutSessionCookies(newDevServerProxy(server)))
	return mux
}

// devServer returns the address of the development server that is the page; nil if the
// page is the demo's or a folder.
func (o options) devServer() *url.URL {
	if !strings.HasPrefix(o.page, "http://") {
		return nil
	}
	server, err := url.Parse(o.page)
	if err != nil {
		return nil // checkPage has refused it
	}
	server.Path = ""
	return server
}

// newDevServerProxy passes requests to a development server, WebSockets included, under
// the host that the browser asked for: such a server compares it with Origin.
func newDevServerProxy(server *url.URL) http.Handler {
	down := downPage{Server: server.String()}
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(server)
			r.Out.Host = r.In.Host
			r.SetXForwarded()
		},
		Transport: &http.Transport{
			DisableCompression: true,
			DialContext:        (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, _ error) { down.ServeHTTP(w, r) },
		ErrorLog:     serverLog(os.Stderr),
	}
}

// downPage answers for a development server that does not.
type downPage struct{ Server string }

var downTemplate = template.Must(template.New("down").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="color-scheme" content="light dark"><meta http-equiv="refresh" content="1">
<title>Waiting for {{.Server}}</title><link rel="icon" href="data:,">
<main style="font: 1.1rem/1.5 system-ui; max-width: 34rem; margin: 20vh auto; padding: 0 1rem">
<h1>The development server does not answer</h1>
<p>Nothing answers at <strong>{{.Server}}</strong>. Start it, for example by <code>npm run dev</code>; this page goes on by itself.</p>
</main></html>
`))

// ServeHTTP answers a navigation with a page that reloads until the server answers.
func (p downPage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Retry-After", "1")
	if !strings.Contains(r.Header.Get("Accept"), "text/html") {
		http.Error(w, "the development server does not answer at "+p.Server, http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(http.StatusServiceUnavailable)
	_ = downTemplate.Execute(w, p) // the browser may have gone
}

// checkPage returns an error that names a mistake in the flag -page.
func (o options) checkPage() error {
	if o.page == "" {
		return nil
	}
	if strings.Contains(o.page, "://") {
		return o.checkDevServer()
	}
	if info, err := os.Stat(o.page); err != nil || !info.IsDir() {
		return fmt.Errorf("-page %s: there is no folder of this name; a development server is named by its address, as in http://localhost:5173", o.page)
	}
	if _, err := os.Stat(filepath.Join(o.page, "index.html")); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("-page %s: the folder has no index.html; give the folder of the built page", o.page)
	}
	return nil
}

func (o options) checkDevServer() error {
	server, err := url.Parse(o.page)
	switch {
	case err != nil || server.Scheme != "http" || server.Hostname() == "":
		return fmt.Errorf("-page %s: give a development server's address as in http://localhost:5173; with -tls the demo speaks https before it", o.page)
	case strings.Trim(server.Path, "/") != "" || server.RawQuery != "" || server.Fragment != "" || server.User != nil:
		return fmt.Errorf("-page %s: give the address without a path: http://%s", o.page, server.Host)
	}
	_, provider, _ := net.SplitHostPort(o.provider)
	for _, own := range []string{strconv.Itoa(o.port), strconv.Itoa(o.reportsPort), strconv.Itoa(o.backendPort), provider} {
		if address := net.ParseIP(server.Hostname()); server.Port() == own && (server.Hostname() == "localhost" || address.IsLoopback()) {
			return fmt.Errorf("-page %s: this is the demo's own address: give the development server's", o.page)
		}
	}
	return nil
}
