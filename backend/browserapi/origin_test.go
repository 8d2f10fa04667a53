package browserapi_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

// absent stands for a missing header.
const absent = "(absent)"

func send(b *httpbrowser.Browser, name, value string) *httpbrowser.Browser {
	if value == absent {
		return b.Without(name)
	}
	return b.With(name, value)
}

var sites = []string{absent, "", "same-origin", "same-site", "cross-site", "none", "nonsense", "Same-Origin"}

// origins are all tested values of Origin, and whether they are registered.
var origins = map[string]bool{
	absent: false, "": false, origin: true, sibling: true,
	"null":                            false,
	"http://localhost:9001":           false, // of a disabled app
	"http://LOCALHOST:8080":           false,
	"HTTP://localhost:8080":           false,
	"http://localhost":                false,
	"http://localhost:80800":          false,
	"http://localhost:8080/":          false,
	"http://localhost.:8080":          false,
	"http://localhost:8080.evil.test": false,
	"http://localhost:8080@evil.test": false,
	"https://localhost:8080":          false,
	"http://evil.localhost:8080":      false,
	"http://evil.test":                false,
	origin + " " + origin:             false,
	origin + ", " + origin:            false,
}

// admitted returns the expected result by the table of authn's admit.
func admitted(site, from string, reading bool) bool {
	registered := origins[from]
	switch site {
	case "same-origin":
		return registered || from == absent
	case "same-site":
		return registered
	case absent, "":
		return registered || (reading && from == absent)
	}
	return false
}

func TestOrigin_RegisteredOnly(t *testing.T) {
	w := newBackend(t, nil)
	for _, site := range sites {
		for from := range origins {
			b := send(send(w.browser(), "Sec-Fetch-Site", site), "Origin", from)
			for what, got := range map[string]httpbrowser.Response{
				"GET /session": b.Get("/session"), "POST /token": b.Post("/token", `{}`), "POST /logout": b.Post("/logout", `{"scope":"session"}`),
			} {
				refused := got.Code() == string(api.OriginNotAllowed)
				if refused == admitted(site, from, what == "GET /session") {
					t.Errorf("%s with Sec-Fetch-Site %q and Origin %q: %d %s", what, site, from, got.Status, got.Body)
				}
				if refused && (got.Status != http.StatusForbidden || len(got.Cookies()) != 0 || got.Header.Get("Access-Control-Allow-Origin") != "") {
					t.Errorf("%s with Origin %q is refused with %d %v", what, from, got.Status, got.Header)
				}
			}
		}
	}
}

func TestOrigin_RepeatedHeader(t *testing.T) {
	w := newBackend(t, nil)
	for _, name := range []string{"Origin", "Sec-Fetch-Site"} {
		b := w.browser()
		inner := b.Transport
		b.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
			r.Header.Add(name, r.Header.Get(name))
			return inner.RoundTrip(r)
		})
		w.wants(b.Post("/token", `{}`), http.StatusForbidden, api.OriginNotAllowed)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestOrigin_CustomHeaderRequired(t *testing.T) {
	w := newBackend(t, nil)
	b := w.signedIn("alice").Without("Tabard-Client")
	for path, body := range map[string]string{"/token": `{"organization":"acme"}`, "/logout": `{"scope":"session"}`} {
		w.wants(b.Post(path, body), http.StatusBadRequest, api.InvalidRequest)
	}
	w.mint(b.With("Tabard-Client", "test"), "acme")
}

func TestOrigin_CORSExactOrigin(t *testing.T) {
	w := newBackend(t, nil)
	got := w.Browser(sibling).Post("/token", `{}`)
	w.wants(got, http.StatusUnauthorized, api.LoginRequired)
	for name, want := range map[string]string{"Access-Control-Allow-Origin": sibling, "Access-Control-Allow-Credentials": "true"} {
		if got.Header.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, got.Header.Get(name), want)
		}
	}
	if !strings.Contains(got.Header.Get("Vary"), "Origin") {
		t.Errorf("Vary is %q", got.Header.Get("Vary"))
	}
	for _, name := range []string{"Retry-After", "WWW-Authenticate", "DPoP-Nonce", "X-Request-Id"} {
		if exposed := got.Header.Get("Access-Control-Expose-Headers"); !strings.Contains(exposed, name) {
			t.Errorf("%s is not exposed: %q", name, exposed)
		}
	}
	if own := w.browser().Post("/token", `{}`); own.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("the page's own origin is answered with CORS: %v", own.Header)
	}
}

func TestOrigin_Preflight(t *testing.T) {
	w := newBackend(t, nil)
	for from, registered := range origins {
		b := send(w.browser(), "Origin", from).With("Access-Control-Request-Method", "POST").With("Access-Control-Request-Headers", "tabard-client")
		got := b.Fetch(http.MethodOptions, "/token", "")
		if !registered {
			w.wants(got, http.StatusForbidden, api.OriginNotAllowed)
			if got.Header.Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("%q is allowed", from)
			}
			continue
		}
		h := got.Header
		if got.Status != http.StatusNoContent || h.Get("Access-Control-Allow-Origin") != from || !strings.Contains(h.Get("Access-Control-Allow-Headers"), "Tabard-Client") ||
			!strings.Contains(h.Get("Access-Control-Allow-Methods"), "POST") || h.Get("Vary") == "" {
			t.Errorf("%q: %d %v", from, got.Status, h)
		}
	}
}

func TestOrigin_JustRegistered(t *testing.T) {
	w := newBackend(t, nil)
	b := w.Browser("http://localhost:9002")
	w.wants(b.Post("/token", `{}`), http.StatusForbidden, api.OriginNotAllowed)
	d := desired()
	d.Workspace.Apps[1].Origins = append(d.Workspace.Apps[1].Origins, "http://localhost:9002")
	w.Apply(d)
	w.wants(b.Post("/token", `{}`), http.StatusUnauthorized, api.LoginRequired)
}

func TestOrigin_AppJustDisabled(t *testing.T) {
	w := newBackend(t, nil)
	b := w.signedIn("alice")
	w.mint(b, "acme")
	d := desired()
	d.Workspace.Apps[0].Disabled = true
	w.Apply(d)
	w.wants(b.Post("/token", `{"organization":"acme"}`), http.StatusForbidden, api.OriginNotAllowed)
}

func TestLogin_NavigationOnly(t *testing.T) {
	w := newBackend(t, nil)
	for _, mode := range []string{absent, "navigate", "cors", "no-cors", "same-origin", "nested-navigate", ""} {
		for _, dest := range []string{absent, "document", "iframe", "frame", "image", "empty", "script", "object", ""} {
			for _, site := range []string{absent, "none", "same-origin", "same-site", "cross-site"} {
				b := send(send(send(w.browser(), "Sec-Fetch-Mode", mode), "Sec-Fetch-Dest", dest), "Sec-Fetch-Site", site)
				got := b.Step(publicURL + "/login")
				want := http.StatusForbidden
				if mode == "navigate" && dest == "document" || mode == absent && dest == absent {
					want = http.StatusSeeOther
					if site == "none" || site == "cross-site" {
						want = http.StatusOK // the page that asks first
					}
				}
				if got.Status != want {
					t.Errorf("mode %q, dest %q, site %q: %d", mode, dest, site, got.Status)
				}
				if got.Status == http.StatusForbidden {
					w.wants(got, http.StatusForbidden, api.OriginNotAllowed)
				}
				if got.Status != http.StatusSeeOther && len(got.Cookies()) != 0 {
					t.Errorf("mode %q, dest %q: %v", mode, dest, got.Cookies())
				}
			}
		}
	}
}

func TestRequest_TooOld(t *testing.T) {
	w := newBackend(t, nil)
	b := w.signedIn("alice")
	for header, refused := range map[string]bool{
		absent: false, itoa(w.Now().Unix()): false, itoa(w.Now().Unix() - 30): false, itoa(w.Now().Unix() + 3600): false,
		itoa(w.Now().Unix() - 31): true, "0": true, "-1": true,
	} {
		got := send(b, "Tabard-Time", header).Post("/token", `{"organization":"acme"}`)
		if refused {
			w.wants(got, http.StatusConflict, api.RequestTooOld)
		} else if got.Status != http.StatusOK {
			t.Errorf("%s: %d %s", header, got.Status, got.Body)
		}
	}
	for _, header := range []string{"x", "1e3", "99999999999999999999", "-99999999999999999999", "1.5", " "} {
		w.wants(b.With("Tabard-Time", header).Post("/token", `{}`), http.StatusBadRequest, api.InvalidRequest)
	}
}
