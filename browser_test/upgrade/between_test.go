package upgrade

import (
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"testing"

	"github.com/tabard-auth/tabard/browser_test/upgrade/release"
	"github.com/tabard-auth/tabard/web-demo/idp"
	"github.com/tabard-auth/tabard/web-demo/idp/logintest"
)

// newProvider serves a provider with a release's clock, which programs ask as well.
func newProvider(t *testing.T, clock *release.Clock) *logintest.Provider {
	t.Helper()
	at, err := idp.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	provider := logintest.New(t, "http://"+at.Addr().String())
	provider.Now = clock.Now
	serveAt(t, at, provider)
	return provider
}

func serveAt(t *testing.T, at net.Listener, handler http.Handler) {
	server := &http.Server{Handler: handler}
	go server.Serve(at)
	t.Cleanup(func() { server.Close() })
}

// passTo hands each request to the server at the address that choose returns.
func passTo(choose func() string) http.Handler {
	return &httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) {
		p.SetURL(&url.URL{Scheme: "http", Host: choose()})
		p.Out.Host = p.In.Host
	}}
}
