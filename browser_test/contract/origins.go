package contract

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
	"github.com/tabard-auth/tabard/browser_test/kit/ports"
)

// manyHost is the host of a target whose app has an origin for each organization.
const manyHost = "app.localhost"

// ManyOrigin returns the origin of a target at a port, for [RunOrigins].
func ManyOrigin(port int) string { return fmt.Sprintf("http://%s:%d", manyHost, port) }

// originsOf returns the origins of the app whose own one is given.
func originsOf(origin string) []string {
	if !strings.HasPrefix(origin, "http://"+manyHost+":") {
		return []string{origin}
	}
	return []string{origin, originAt(origin, directory.OriginVariable)}
}

// originAt returns the origin of an organization's pages; that of none is the app's own.
func originAt(origin, organization string) string {
	if organization == "" {
		return origin
	}
	return strings.Replace(origin, "://", "://"+organization+".", 1)
}

// StartServerWithOrigins starts the server binary for [RunOrigins] until the test ends.
func StartServerWithOrigins(t testing.TB) *Server {
	t.Helper()
	port := ports.Hold(t)
	return startServer(t, port, ManyOrigin(port), embedded(t))
}

// RunOrigins runs the scripts of an app that has an origin for each organization, against a
// target at [ManyOrigin].
func RunOrigins(t *testing.T, target Target) {
	t.Helper()
	run(t, target, "scripts/origins")
}

// loopback resolves names below localhost as browsers do (RFC 6761 section 6.3).
var loopback = func() *http.Transport {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		if host, port, err := net.SplitHostPort(address); err == nil && strings.HasSuffix(host, ".localhost") {
			address = net.JoinHostPort("localhost", port)
		}
		return new(net.Dialer).DialContext(ctx, network, address)
	}
	return transport
}()

// newBrowser returns a browser that shows a page of an origin.
func (s *script) newBrowser(origin string) *httpbrowser.Browser {
	b := httpbrowser.New(s.tb, origin, s.target.PublicURL)
	b.Transport = loopback
	return b
}

// page uses another page of the browser, at an organization's origin, with the device key of
// that origin.
func (s *script) page(args []string) error {
	before := s.browsers[s.browser]
	s.browsers[args[0]] = s.newBrowser(originAt(s.target.Origin, args[1])).Sharing(before).On(httpbrowser.NewDevice(s.tb))
	s.origins[args[0]] = originAt(s.target.Origin, args[1])
	return s.use(args)
}

// signInHere signs a person in at the page's origin.
func (s *script) signInHere(args []string) error {
	b := s.browsers[s.browser]
	s.answer = b.Choose(b.Begin(s.target.PublicURL+"/login?return_to="+url.QueryEscape(s.origins[s.browser]+"/")), args[0])
	return nil
}

// silently goes to the address that the last answer named for a sign-in that asks nothing of
// the person, and comes back to the page's origin.
func (s *script) silently([]string) error {
	address, err := s.lookup("login_url")
	if err == nil {
		s.answer = s.browsers[s.browser].Begin(address + "&return_to=" + url.QueryEscape(s.origins[s.browser]+"/"))
	}
	return err
}
