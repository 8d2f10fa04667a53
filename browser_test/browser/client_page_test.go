package browser

import (
	"cmp"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/browser_test/kit/demo"
)

// at answers some paths in front of the demo, which keeps the rest.
type at map[string]http.HandlerFunc

// setup is a page whose client is built from the sources, as a bundler does, on an origin
// of its own, in front of the demo.
type setup struct {
	// options are the client's. DEMO stands for the demo's origin.
	options string
	policy  string // Content-Security-Policy, with DEMO as well
	head    string // of the document
	nonce   string // of the page's script
	front   at
	worker  string // /worker.js, a service worker
}

// clientPage returns what serves a page with a client.
func clientPage(options, policy string, front at) func(*testing.T, *demo.Demo) string {
	return setup{options: options, policy: policy, front: front}.serve
}

// serve serves the page and returns its address.
func (p setup) serve(t *testing.T, d *demo.Demo) string {
	t.Helper()
	proxy := forwarder(t, d.Origin)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for prefix, answer := range p.front {
			if strings.HasPrefix(r.URL.Path, prefix) {
				answer(w, r)
				return
			}
		}
		if !p.own(w, r, d.Origin) {
			proxy.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// own answers a path of the page itself.
func (p setup) own(w http.ResponseWriter, r *http.Request, origin string) bool {
	filled := strings.NewReplacer("DEMO", origin)
	script := func(text string) {
		w.Header().Set("Content-Type", "text/javascript")
		w.Header().Set("Access-Control-Allow-Origin", "*") // for pages without an origin
		fmt.Fprint(w, text)
	}
	switch path := r.URL.Path; {
	case path == "/":
		if p.policy != "" {
			w.Header().Set("Content-Security-Policy", filled.Replace(p.policy))
		}
		fmt.Fprintf(w, `<!doctype html>%s<link rel="icon" href="data:,"><script type="module" nonce=%q src="/main.js"></script>`, p.head, cmp.Or(p.nonce, "none"))
	case path == "/main.js":
		script(fmt.Sprintf(`import { createClient } from "/js/index.js"; globalThis.tabard = createClient(%s);`, filled.Replace(p.options)))
	case path == "/worker.html":
		fmt.Fprint(w, `<!doctype html><link rel="icon" href="data:,"><script>navigator.serviceWorker.register("/worker.js")</script>`)
	case path == "/worker.js":
		script(`onactivate = (event) => event.waitUntil(clients.claim());` + p.worker)
	case strings.HasPrefix(path, "/js/"):
		w.Header().Set("Access-Control-Allow-Origin", "*")
		http.StripPrefix("/js/", http.FileServer(http.Dir("../../js"))).ServeHTTP(w, r)
	default:
		return false
	}
	return true
}

// forwarder passes requests on to an address.
func forwarder(t *testing.T, address string) *httputil.ReverseProxy {
	t.Helper()
	behind, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(behind) }}
}

// register adds a page's origin to those of the demo's app.
func register(t *testing.T, d *demo.Demo, page string) {
	t.Helper()
	workspace := d.Workspace(t)
	registered := strings.Replace(workspace, strconv.Quote(d.Origin), strconv.Quote(d.Origin)+", "+page, 1)
	if registered == workspace {
		t.Fatalf("the demo's page is not in its workspace file:\n%s", workspace)
	}
	d.Apply(t, registered)
}
