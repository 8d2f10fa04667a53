// Package httpbrowser is a browser without a window, for tests of the contract. It
// keeps cookies as browsers do on http://localhost, states the initiator of a request
// (Origin, Fetch Metadata) and follows redirects, but runs no script: the test sends a
// script's requests itself, with Post and Get.
//
// It models the browser features that the backend's defenses rest on, and no other:
// cookie name prefixes, Secure, SameSite by the initiator of a request (RFC 6265bis
// section 5.2), Max-Age, and Fetch Metadata over redirects. Ports do not separate
// cookies.
package httpbrowser

import (
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// Browser is one browser profile with one tab. The tab's page has one origin.
type Browser struct {
	t       testing.TB
	origin  *url.URL // of the app's page, which Post and Get act for
	backend string   // the backend's base URL
	page    *url.URL // where the tab is
	jar     *jar
	header  map[string]*string // overrides; nil takes the header away
	device  *Device            // nil without one

	// Transport carries the requests; http.DefaultTransport unless set.
	Transport http.RoundTripper
	// Now returns the time by which cookies expire; time.Now unless set.
	Now func() time.Time
}

// New returns a browser that shows a page of origin, an app of the backend at that
// base URL, such as http://localhost:8080 and http://localhost:8080/auth.
func New(t testing.TB, origin, backend string) *Browser {
	t.Helper()
	b := &Browser{t: t, backend: strings.TrimSuffix(backend, "/"), jar: &jar{}, Transport: http.DefaultTransport, Now: time.Now}
	b.origin = b.parse(origin)
	b.page = b.parse(origin + "/")
	return b
}

// Copy returns a second browser with a copy of the first one's cookies, as of a thief
// that could not copy the device key.
func (b *Browser) Copy() *Browser {
	other := *b
	other.device = nil
	other.jar = &jar{cookies: b.jar.all()}
	return &other
}

// Tab returns a second tab of the same browser.
func (b *Browser) Tab() *Browser {
	other := *b
	return &other
}

// With returns the same tab, with one header replaced in its requests.
func (b *Browser) With(name, value string) *Browser { return b.override(name, &value) }

// Without returns the same tab, with one header left out of its requests.
func (b *Browser) Without(name string) *Browser { return b.override(name, nil) }

func (b *Browser) override(name string, value *string) *Browser {
	other := *b
	other.header = maps.Clone(b.header)
	if other.header == nil {
		other.header = map[string]*string{}
	}
	other.header[http.CanonicalHeaderKey(name)] = value
	return &other
}

// Get fetches a path below the backend's base URL, as the page's script does.
func (b *Browser) Get(path string) Response {
	b.t.Helper()
	return b.Fetch(http.MethodGet, path, "")
}

// Post sends a JSON body to a path below the backend's base URL, as the page's
// script does.
func (b *Browser) Post(path, json string) Response {
	b.t.Helper()
	return b.Fetch(http.MethodPost, path, json)
}

// Fetch is fetch(path, {method, body, credentials: "include"}). CORS is not enforced,
// and there is no preflight request.
func (b *Browser) Fetch(method, path, body string) Response {
	b.t.Helper()
	r := b.request(method, b.parse(b.backend+path), strings.NewReader(body))
	if !reads(method) {
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Tabard-Client", "test")
	}
	if !reads(method) || origin(b.origin) != origin(r.URL) {
		r.Header.Set("Origin", origin(b.origin))
	}
	r.Header.Set("Accept", "*/*")
	r.Header.Set("Sec-Fetch-Site", relation(b.origin, r.URL))
	r.Header.Set("Sec-Fetch-Mode", "cors")
	r.Header.Set("Sec-Fetch-Dest", "empty")
	if b.device == nil {
		return b.send(r, initiation{from: b.origin})
	}
	r.Header.Set("DPoP", b.device.Proof(b.t, method, r.URL.String(), b.Now()))
	answer := b.send(r, initiation{from: b.origin})
	b.device.learn(answer.Header.Get("DPoP-Nonce"))
	return answer
}

func reads(method string) bool { return method == http.MethodGet || method == http.MethodHead }

func (b *Browser) request(method string, to *url.URL, body io.Reader) *http.Request {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, to.String(), body)
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("User-Agent", "httpbrowser")
	return r
}

// send sends one request and stores the cookies of the response.
func (b *Browser) send(r *http.Request, s initiation) Response {
	b.t.Helper()
	for _, c := range b.jar.cookiesFor(r.URL, s, r.Method, b.Now()) {
		r.AddCookie(c)
	}
	for name, value := range b.header {
		if r.Header.Del(name); value != nil {
			r.Header.Set(name, *value)
		}
		if name == "Host" && value != nil {
			r.Host = *value
		}
	}
	answer, err := b.Transport.RoundTrip(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, c := range answer.Cookies() {
		b.jar.keep(r.URL, c, b.Now())
	}
	return Response{Status: answer.StatusCode, Header: answer.Header, Body: string(body), URL: r.URL}
}

func (b *Browser) parse(address string) *url.URL {
	b.t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		b.t.Fatal(err)
	}
	return u
}

// Sharing returns a tab of another browser's profile: the cookies are shared, the pages
// may be of different origins.
func (b *Browser) Sharing(other *Browser) *Browser {
	tab := *b
	tab.jar = other.jar
	return &tab
}
