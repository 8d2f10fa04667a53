package browserapi_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

// framed loads an address in a frame of the provider's page.
func framed(b *httpbrowser.Browser, path, iss, sid string) httpbrowser.Response {
	b = b.Copy().With("Sec-Fetch-Site", "cross-site").With("Sec-Fetch-Dest", "iframe")
	return b.Step(publicURL + path + "?" + url.Values{"iss": {iss}, "sid": {sid}}.Encode())
}

// TestFrontchannelLogout_EndsThatSession checks that an enabled front-channel logout
// ends the named session only.
func TestFrontchannelLogout_EndsThatSession(t *testing.T) {
	w := newBackend(t, nil)
	provider := w.connect("acme", directory.Provisioning{JustInTime: true})
	provider.Claims = func(claims map[string]any) { claims["sid"] = "sid-of-the-first" }
	w.Change(`UPDATE connections SET provisioning = json_set(provisioning, '$.frontchannel_logout', json('true')), revision = revision + 1`)
	first := w.browser()
	first.Choose(first.Login("organization=acme"), "alice")
	provider.Claims = func(claims map[string]any) { claims["sid"] = "sid-of-the-second" }
	second := w.browser()
	second.Choose(second.Login("organization=acme"), "alice")
	w.mint(first, "acme")
	w.mint(second, "acme")
	stranger := w.browser()
	iss := provider.Issuer
	for name, wrong := range map[string][2]string{
		"another issuer": {"https://evil.example", "sid-of-the-first"}, "no issuer": {"", "sid-of-the-first"}, "no session": {iss, ""},
		"a longer issuer": {iss + "/", "sid-of-the-first"}, "a long session": {iss, strings.Repeat("s", 300)},
	} {
		if got := framed(stranger, "/frontchannel-logout/con_acme", wrong[0], wrong[1]); got.Status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", name, got.Status, got.Body)
		}
	}
	if got := framed(stranger, "/frontchannel-logout/con_acme", iss, "sid-of-nobody"); got.Status != http.StatusOK {
		t.Errorf("an unknown session: %d %s", got.Status, got.Body)
	}
	w.mint(first, "acme")
	got := framed(stranger, "/frontchannel-logout/con_acme", iss, "sid-of-the-first")
	if policy := got.Header.Get("Content-Security-Policy"); got.Status != http.StatusOK || !strings.Contains(policy, "frame-ancestors http") || got.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%d %v", got.Status, got.Header)
	}
	w.wants(first.Post("/token", renews), http.StatusUnauthorized, api.SessionRevoked)
	w.mint(second, "acme")
}

// TestFrontchannelLogout_OffByDefault checks that the route does not exist by default.
func TestFrontchannelLogout_OffByDefault(t *testing.T) {
	w := newBackend(t, nil)
	w.Provider.Claims = func(claims map[string]any) { claims["sid"] = "sid-of-the-first" }
	w.connect("acme", directory.Provisioning{JustInTime: true})
	b := w.signedIn("alice")
	for _, path := range []string{"/frontchannel-logout", "/frontchannel-logout/con_acme"} {
		if got := framed(b, path, issuer, "sid-of-the-first"); got.Status != http.StatusNotFound {
			t.Errorf("%s: %d %s", path, got.Status, got.Body)
		}
	}
	w.mint(b, "acme")
}

// TestFrontchannelLogout_RateLimited checks that sids cannot be guessed quickly, and
// that the limits of connections are separate.
func TestFrontchannelLogout_RateLimited(t *testing.T) {
	w := newBackend(t, nil)
	w.connect("acme", directory.Provisioning{JustInTime: true})
	w.Change(`UPDATE connections SET provisioning = json_set(provisioning, '$.frontchannel_logout', json('true')), revision = revision + 1`)
	b := w.browser()
	refused := 0
	for range 150 {
		if got := framed(b, "/frontchannel-logout/con_acme", "https://login.acme.example", "guess"); got.Status == http.StatusTooManyRequests {
			refused++
		}
	}
	if refused != 50 {
		t.Errorf("%d of 150 are refused, want 50", refused)
	}
	w.Pass(11 * time.Second)
	if got := framed(b, "/frontchannel-logout/con_acme", "https://login.acme.example", "guess"); got.Status != http.StatusOK {
		t.Errorf("later: %d", got.Status)
	}
}

// TestFrontchannelLogout_GuessesOfOthers: strangers' guesses use up the share of their own
// network alone, and sessions that began here use up none.
func TestFrontchannelLogout_GuessesOfOthers(t *testing.T) {
	w := newBackend(t, nil)
	provider := w.connect("acme", directory.Provisioning{JustInTime: true})
	w.Change(`UPDATE connections SET provisioning = json_set(provisioning, '$.frontchannel_logout', json('true')), revision = revision + 1`)
	frames := func(client, sid string) int {
		r := httptest.NewRequest(http.MethodGet, publicURL+"/frontchannel-logout/con_acme?"+url.Values{"iss": {provider.Issuer}, "sid": {sid}}.Encode(), nil)
		r.RemoteAddr = client
		answer := httptest.NewRecorder()
		w.Hosts["localhost:8080"].ServeHTTP(answer, r)
		return answer.Code
	}
	signedIn := func(sid string) *httpbrowser.Browser {
		provider.Claims = func(claims map[string]any) { claims["sid"] = sid }
		b := w.browser()
		b.Choose(b.Login("organization=acme"), "alice")
		w.mint(b, "acme")
		return b
	}
	honest, neighbor := signedIn("sid-one"), signedIn("sid-two")
	for range 150 {
		frames("203.0.113.5", "guess")
	}
	for range 150 {
		frames("2001:db8:0:1::5", "guess")
	}
	if got := frames("198.51.100.7", "sid-one"); got != http.StatusOK {
		t.Errorf("the provider's frame: %d", got)
	}
	w.wants(honest.Post("/token", renews), http.StatusUnauthorized, api.SessionRevoked)
	if got := frames("203.0.113.5", "sid-two"); got != http.StatusTooManyRequests {
		t.Errorf("a good guess of the network that guessed: %d", got)
	}
	if got := frames("2001:db8:0:1:9::9", "sid-two"); got != http.StatusTooManyRequests {
		t.Errorf("a good guess of the /64 that guessed: %d", got)
	}
	for range 150 { // the provider sends it again
		if got := frames("198.51.100.7", "sid-one"); got != http.StatusOK {
			t.Fatalf("again: %d", got)
		}
	}
	w.mint(neighbor, "acme")
	if n := w.Count(`SELECT COUNT(*) FROM audit WHERE reason = 'provider_logout'`); n > 200 {
		t.Errorf("%d events: guesses are in the audit log", n)
	}
}
