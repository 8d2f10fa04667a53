package browserapi_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

// TestEndingOthers_UnknownTimeIsConfirmed: people of a provider that does not say when they
// authenticated end their other sessions after they have come back from it within the last
// fifteen minutes by this server's clock, having been asked there. No rule about age is
// satisfied by that, and no token says it.
func TestEndingOthers_UnknownTimeIsConfirmed(t *testing.T) {
	for name, device := range map[string]*httpbrowser.Device{"without a key": nil, "with a key": httpbrowser.NewDevice(t)} {
		for what := range others(t, newBackend(t, nil).signedIn("alice"), newBackend(t, nil).signedIn("alice")) {
			t.Run(what+", "+name, func(t *testing.T) {
				w := newBackend(t, nil)
				w.rule(map[string]policy.Rules{"globex": {AuthenticationAge: 300}})
				withoutAuthTime(w.Provider)
				own, other := w.browser(), w.signedIn("alice")
				if device != nil {
					own = own.On(device)
				}
				w.signIn(own, "alice")
				w.mint(own, "acme")
				w.mint(other, "acme")
				end := others(t, own, other)[what]
				e := w.challenged(end())
				asked := own.Begin(e.LoginURL + "&return_to=/")
				if query := asked.URL.Query(); query.Get("prompt") != "login" || query.Get("max_age") != "900" {
					t.Errorf("the provider is asked %v", query)
				}
				w.stepUp(own, e, "alice")
				minted := w.mint(own, "acme")
				if claims := w.claims(minted); claims.AuthTime != 0 || minted.OrganizationSession.AuthTime != 0 {
					t.Errorf("a token says %+v", claims)
				}
				w.challenged(own.Post("/token", `{"organization":"globex","enter":true}`))

				w.Pass(15*time.Minute + time.Second) // too long ago
				e = w.challenged(end())
				w.mint(other, "acme")
				w.stepUp(own, e, "alice")
				w.Pass(14 * time.Minute)
				if got := end(); got.Status != http.StatusOK {
					t.Errorf("%d %s", got.Status, got.Body)
				}
				w.wants(other.Post("/token", renews), http.StatusUnauthorized, api.SessionRevoked)
			})
		}
	}
}

// TestConfirm_ProvesNothingElse: who answers is the person, in an attempt that told the
// provider to ask; an authentication that is too old, where the provider says when it was,
// confirms nothing.
func TestConfirm_ProvesNothingElse(t *testing.T) {
	confirmURL := func(w *backend, own *httpbrowser.Browser) api.Error {
		return w.challenged(own.Post("/logout", `{"scope":"everywhere"}`))
	}
	t.Run("somebody else", func(t *testing.T) {
		w := newBackend(t, nil)
		withoutAuthTime(w.Provider)
		own := w.signedIn("alice")
		if landed := w.stepUp(own, confirmURL(w, own), "bob"); refusedWith(landed) != api.IdentityChanged {
			t.Errorf("%s", landed.URL)
		}
		confirmURL(w, own)
	})
	t.Run("nobody was asked", func(t *testing.T) {
		w := newBackend(t, nil)
		withoutAuthTime(w.Provider)
		own := w.signedIn("alice")
		for _, change := range []func(url.Values){
			func(q url.Values) { q.Del("prompt") }, func(q url.Values) { q.Set("prompt", "none") }, func(q url.Values) { q.Del("confirm") },
		} {
			e := confirmURL(w, own)
			address, err := url.Parse(e.LoginURL)
			if err != nil {
				t.Fatal(err)
			}
			query := address.Query()
			change(query)
			address.RawQuery = query.Encode()
			e.LoginURL = address.String()
			w.stepUp(own, e, "alice")
			confirmURL(w, own)
		}
	})
	t.Run("an old authentication", func(t *testing.T) {
		w := newBackend(t, nil)
		withoutAuthTime(w.Provider)
		own := w.signedIn("alice")
		e := confirmURL(w, own)
		w.Provider.Claims = func(c map[string]any) { c["auth_time"] = w.Now().Unix() - 3600 }
		w.stepUp(own, e, "alice")
		confirmURL(w, own)
	})
	t.Run("another session", func(t *testing.T) {
		w := newBackend(t, nil)
		withoutAuthTime(w.Provider)
		one, two := w.signedIn("alice"), w.signedIn("alice")
		w.stepUp(one, confirmURL(w, one), "alice")
		confirmURL(w, two)
	})
}

// TestEndingOthers_OfATenantsPeople are asked at their own provider.
func TestEndingOthers_OfATenantsPeople(t *testing.T) {
	w := newBackend(t, nil)
	p := w.connect("acme", directory.Provisioning{JustInTime: true, Roles: []string{"viewer"}})
	withoutAuthTime(p)
	own, other := w.begin("acme", "nina"), w.begin("acme", "nina")
	e := w.challenged(own.Post("/logout", `{"scope":"everywhere"}`))
	page := own.Begin(e.LoginURL)
	if page.URL.Host != "login.acme.example" {
		t.Fatalf("they are asked at %s", page.URL)
	}
	own.Choose(page, "nina")
	if got := own.Post("/logout", `{"scope":"everywhere"}`); got.Status != http.StatusOK {
		t.Errorf("%d %s", got.Status, got.Body)
	}
	w.wants(other.Post("/token", renews), http.StatusUnauthorized, api.SessionRevoked)
}
