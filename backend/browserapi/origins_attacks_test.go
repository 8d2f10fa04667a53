package browserapi_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

// TestOrigins_OneOrganization checks that a page at the origin of an organization mints,
// lists and ends nothing of another, whatever it names and with the browser's first session.
func TestOrigins_OneOrganization(t *testing.T) {
	w := newMany(t)
	acme := w.at(originOf("acme"))
	w.signInAt(acme, originOf("acme"), "alice")
	w.mint(acme, "acme")
	globex := w.handOver(acme, "globex")
	w.mint(globex, "globex")
	for _, body := range []string{
		`{"organization":"globex","enter":true}`, `{"organization":"org_globex","enter":true}`, `{"organization":"initech"}`, `{"organization":"org_acme2"}`,
	} {
		w.wants(acme.Post("/token", body), http.StatusForbidden, api.OrganizationAccessDenied)
		w.wants(acme.With("Host", "globex.app.example.com").With("X-Forwarded-Host", "globex.app.example.com").Post("/token", body), http.StatusForbidden, api.OrganizationAccessDenied)
	}
	w.wants(acme.Post("/lend", `{"organization":"globex"}`), http.StatusForbidden, api.OrganizationAccessDenied)
	w.wants(acme.Post("/logout", `{"scope":"organization","organization":"globex"}`), http.StatusForbidden, api.OrganizationAccessDenied)
	for _, page := range []*httpbrowser.Browser{acme, globex} {
		var listed api.SessionResponse
		page.Get("/session").JSON(t, &listed)
		if len(listed.Organizations) != 1 || listed.Next != "" {
			t.Errorf("lists %+v", listed.Organizations)
		}
	}
	var minted api.TokenResponse
	acme.Post("/token", `{}`).JSON(t, &minted) // the origin names it
	if minted.Organization.ID != "org_acme" {
		t.Errorf("%+v", minted.Organization)
	}
	w.mint(globex, "globex") // untouched
}

// TestOrigins_UnknownLabel checks that an origin whose label is no enabled organization's
// slug is none of the app's: no answer is readable there, and no sign-in returns there.
func TestOrigins_UnknownLabel(t *testing.T) {
	w := newMany(t)
	good := w.at(originOf("acme"))
	w.signInAt(good, originOf("acme"), "alice")
	w.mint(good, "acme")
	for _, origin := range []string{originOf("hooli"), originOf("nobody"), originOf("a.b"), "https://acme.example.com", "http://acme.app.example.com"} {
		b := w.at(origin, good)
		for _, got := range []httpbrowser.Response{b.Post("/token", `{"organization":"acme"}`), b.Get("/session"), b.Fetch(http.MethodOptions, "/token", "")} {
			if got.Code() != string(api.OriginNotAllowed) || got.Header.Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("%s: %d %s %v", origin, got.Status, got.Body, got.Header)
			}
		}
		if got := good.Step(manyURL + "/login?app=web&return_to=" + url.QueryEscape(origin+"/")); got.Status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", origin, got.Status, got.Header.Get("Location"))
		}
	}
	got := good.Post("/token", `{"organization":"acme"}`)
	if got.Header.Get("Access-Control-Allow-Origin") != originOf("acme") || !strings.Contains(got.Header.Get("Vary"), "Origin") {
		t.Errorf("%v", got.Header)
	}
	w.Change(`UPDATE organizations SET disabled_at = 1 WHERE slug = 'acme'`)
	w.wants(good.Post("/token", `{"organization":"acme"}`), http.StatusForbidden, api.OriginNotAllowed)
}

// TestOrigins_StolenCookies checks that all cookies of a browser, with a device key of the
// thief's own and any headers, open nothing and join nothing.
func TestOrigins_StolenCookies(t *testing.T) {
	w := newMany(t)
	home := w.at(manyHome)
	w.signInAt(home, manyHome, "alice")
	w.mint(home, "acme")
	acme := w.handOver(home, "acme")
	w.mint(acme, "acme")
	w.led(home, "globex") // a code is under way
	for _, origin := range []string{manyHome, originOf("acme"), originOf("globex")} {
		thief := w.at(origin, home.Copy())
		for _, path := range []string{"/token", "/handover/origin", "/lend"} {
			for _, b := range []*httpbrowser.Browser{thief, w.withoutKey(thief), thief.With("Origin", originOf("initech"))} {
				if got := b.Post(path, `{"organization":"globex"}`); got.Status < 400 || len(w.sessionsSet(got)) > 0 {
					t.Errorf("%s %s: %d %s", origin, path, got.Status, got.Body)
				}
			}
		}
		if got := thief.Post("/handover/join", `{"code":"`+strings.Repeat("A", 300)+`"}`); got.Status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", origin, got.Status, got.Body)
		}
		w.Provider.AlwaysPrompt = true
		w.signInElsewhere(thief, origin)
		w.Provider.AlwaysPrompt = false
	}
	if n := w.Count(`SELECT COUNT(*) FROM sessions WHERE holder = 'joined' AND user_id = '` + w.userID("alice") + `'`); n != 1 {
		t.Errorf("%d sessions joined the victim's", n)
	}
	w.mint(home, "acme")
	w.mint(acme, "acme")
}

// signInElsewhere signs the thief in as bob, whose session must join nobody's.
func (w *many) signInElsewhere(thief *httpbrowser.Browser, origin string) {
	w.Helper()
	thief.Choose(thief.Begin(manyURL+"/login?app=web&join=1&return_to="+url.QueryEscape(origin+"/")), "bob")
	thief.Post("/token", `{"organization":"acme","enter":true}`)
}

// TestOrigins_TakenOverHost checks that pages of a tenant's host neither begin a sign-in
// that returns elsewhere, nor see or end the person's sessions elsewhere.
func TestOrigins_TakenOverHost(t *testing.T) {
	w := newMany(t)
	other := w.at(manyHome)
	w.signInAt(other, manyHome, "alice") // another browser
	elsewhere := w.mint(other, "acme").Session
	acme := w.at(originOf("acme"))
	w.signInAt(acme, originOf("acme"), "alice")
	w.mint(acme, "acme")
	var listed api.SessionsResponse
	acme.Get("/sessions").JSON(t, &listed)
	if len(listed.Sessions) != 1 || !listed.Sessions[0].Current {
		t.Errorf("%+v", listed.Sessions)
	}
	w.wants(acme.Fetch(http.MethodDelete, "/sessions/"+elsewhere, ""), http.StatusNotFound, api.NotFound)
	for _, to := range []string{manyHome, originOf("globex"), ""} {
		got := acme.Post("/login?app=web&return_to="+url.QueryEscape(to+"/x")+map[bool]string{true: "&organization=globex"}[to == ""], "{}")
		if got.Status != http.StatusForbidden {
			t.Errorf("%s: %d %s", to, got.Status, got.Body)
		}
	}
	page := w.at(originOf("acme"), acme)
	got := page.Step(manyURL + "/login?app=web&return_to=" + url.QueryEscape(originOf("globex")+"/"))
	if got.Status != http.StatusOK || got.Header.Get("Location") != "" { // a page that asks
		t.Errorf("%d %v", got.Status, got.Header)
	}
	if got := acme.Post("/logout", `{"scope":"everywhere"}`); got.Status != http.StatusOK {
		t.Errorf("%d %s", got.Status, got.Body)
	}
	w.mint(other, "acme") // in another browser, at an origin of its own
}

// TestP2Origins_SilentNavigationReplacesNobody checks that a page that joins by a navigation,
// where its script could not ask, lands as the browser's person or not at all, also if the
// cookies of the other origins did not come with it.
func TestP2Origins_SilentNavigationReplacesNobody(t *testing.T) {
	for _, parameters := range []string{"&join=1", ""} {
		w := newMany(t)
		home := w.at(manyHome)
		w.signInAt(home, manyHome, "alice")
		w.mint(home, "acme")
		w.Provider.AlwaysPrompt = true
		w.Pass(2 * time.Second)
		for person, want := range map[string]int{"bob": http.StatusUnauthorized, "nobody-yet": http.StatusUnauthorized, "alice": http.StatusOK} {
			acme := w.at(originOf("acme"), home)
			begun := acme.Step(manyURL + "/login?app=web&prompt=none&return_to=" + url.QueryEscape(originOf("acme")+"/") + parameters)
			landed := acme.Follow(manyURL + "/callback?" + w.Provider.SignIn(begun.Header.Get("Location"), person).Encode())
			if got := landed.URL.Query().Get(api.ParamError); (got == string(api.AccountMismatch)) != (want != http.StatusOK) {
				t.Errorf("%s: %s", person, landed.URL)
			}
			if got := acme.Post("/token", `{"organization":"acme"}`); got.Status != want {
				t.Errorf("%s: %d %s", person, got.Status, got.Body)
			}
			w.mint(home, "acme")
		}
	}
}

// TestOrigins_LeadToNoOtherApp checks that an organization whose origin is another app's is
// served at the app's own page, and that no code leads to the other app.
func TestOrigins_LeadToNoOtherApp(t *testing.T) {
	b := newBackend(t, nil)
	d := desired()
	d.Workspace.Apps[0].Origins = []string{manyHome, "https://:organization.example.com"}
	d.Workspace.Apps[1].Origins = []string{"https://globex.example.com"}
	b.Apply(d)
	w := &many{b}
	w.restart()
	home := w.at(manyHome)
	w.signInAt(home, manyHome, "alice")
	w.mint(home, "acme")
	if led := w.led(home, "acme"); led.Origin != "https://acme.example.com" || led.Code == "" {
		t.Errorf("%+v", led)
	}
	if led := w.led(home, "globex"); led.Origin != manyHome || led.URL != manyHome+"/?tabard_organization=globex" {
		t.Errorf("%+v", led)
	}
}
