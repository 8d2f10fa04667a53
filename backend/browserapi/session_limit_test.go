package browserapi_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

// TestSessionLimit_EndsOldest: a sign-in in one browser too many ends the sessions of the
// browser that signed in longest ago, and that browser is told why.
func TestSessionLimit_EndsOldest(t *testing.T) {
	w := newBackend(t, nil)
	w.signsIn(directory.SignIn{MaxSessions: 2})
	first := w.signedIn("alice")
	w.Pass(time.Second)
	second := w.signedIn("alice")
	w.Pass(time.Second)
	other := w.signedIn("bob")
	w.mint(first, "acme")
	third := w.signedIn("alice")
	answer := first.Post("/token", renews)
	w.wants(answer, http.StatusUnauthorized, api.SessionRevoked)
	var e api.Error
	if answer.JSON(t, &e); e.Reason != api.ReasonSessionLimit || !strings.Contains(e.Description, "another browser") {
		t.Errorf("%+v", e)
	}
	for _, b := range []*httpbrowser.Browser{second, third, other} {
		w.mint(b, "acme")
	}
	if n := w.Count(`SELECT COUNT(*) FROM audit WHERE action = 'sign_out' AND reason = 'session_limit'`); n != 1 {
		t.Errorf("%d events", n)
	}
}

// TestSessionLimit_CountsBrowsers: another sign-in or another app in the same browser is
// no further browser, and sessions that have ended do not count.
func TestSessionLimit_CountsBrowsers(t *testing.T) {
	for _, choice := range []directory.AtLimit{directory.EndOldest, directory.RefuseSignIn} {
		w := newBackend(t, nil)
		w.signsIn(directory.SignIn{MaxSessions: 2, AtLimit: choice})
		one, two := w.signedIn("alice"), w.signedIn("alice")
		for range 3 {
			w.Pass(time.Second)
			w.signIn(one, "alice")
		}
		w.mint(one, "acme")
		w.mint(two, "acme")
		if got := two.Post("/logout", `{"scope":"session"}`); got.Status != http.StatusOK {
			t.Fatal(got.Body)
		}
		w.Pass(time.Second)
		three := w.signedIn("alice")
		w.mint(one, "acme")
		w.mint(three, "acme")
		w.Pass(25 * time.Hour)
		w.mint(w.signedIn("alice"), "acme")
		w.mint(w.signedIn("alice"), "acme")
	}
}

// TestSessionLimit_Refuses: where the workspace refuses, the sessions that there are go
// on, and the person gets a page that says so and leads on.
func TestSessionLimit_Refuses(t *testing.T) {
	w := newBackend(t, nil)
	w.signsIn(directory.SignIn{MaxSessions: 1, AtLimit: directory.RefuseSignIn})
	first := w.signedIn("alice")
	w.Pass(time.Second)
	second := w.browser()
	page := second.SignIn("alice")
	w.wants(page, http.StatusForbidden, api.SessionLimitReached)
	if links := linksOf(page); links["Sign in again"] == "" || links["Go to Web"] == "" || !strings.Contains(page.Body, "too many browsers") {
		t.Errorf("%s", page.Body)
	}
	if cookies := sessionCookies(second); len(cookies) != 0 {
		t.Errorf("the second browser keeps %v", cookies)
	}
	w.mint(first, "acme")
	if n := w.Count(`SELECT COUNT(*) FROM audit WHERE action = 'sign_in' AND outcome = 'refused' AND reason = 'session_limit'`); n != 1 {
		t.Errorf("%d events", n)
	}
	w.mint(w.signedIn("bob"), "acme")
	first.Post("/logout", `{"scope":"session"}`)
	w.Pass(time.Second)
	if landed := second.Choose(second.Follow(linksOf(page)["Sign in again"]), "alice"); landed.Status >= 400 && len(sessionCookies(second)) == 0 {
		t.Errorf("after the sign-out: %d %s", landed.Status, landed.Body)
	}
	w.mint(second, "acme")
}

// TestSessionLimit_AtOnce: of sign-ins at once as many remain as are allowed. The others
// are told so, on the page or at their next request.
func TestSessionLimit_AtOnce(t *testing.T) {
	for range 5 {
		for _, choice := range []directory.AtLimit{directory.EndOldest, directory.RefuseSignIn} {
			w := newBackend(t, nil)
			w.signsIn(directory.SignIn{MaxSessions: 2, AtLimit: choice})
			browsers, landed := make([]*httpbrowser.Browser, 12), make([]httpbrowser.Response, 12)
			var wg sync.WaitGroup
			for i := range browsers {
				browsers[i] = w.browser()
				wg.Go(func() { landed[i] = browsers[i].SignIn("alice") })
			}
			wg.Wait()
			live := 0
			for i, b := range browsers {
				switch answer := b.Post("/token", `{"organization":"acme","enter":true}`); {
				case answer.Status == http.StatusOK:
					live++
				case landed[i].Status == http.StatusForbidden:
					w.wants(landed[i], http.StatusForbidden, api.SessionLimitReached)
				default:
					w.wants(answer, http.StatusUnauthorized, api.SessionRevoked)
				}
			}
			if live != 2 {
				t.Errorf("%s: %d sessions are live", choice, live)
			}
		}
	}
}

// TestSessionLimit_TenantsApart: sign-ins at an organization's own provider neither end
// the person's other sessions nor are counted with them.
func TestSessionLimit_TenantsApart(t *testing.T) {
	w := newBackend(t, nil)
	w.connect("acme", directory.Provisioning{JustInTime: true, Roles: []string{"viewer"}})
	w.signsIn(directory.SignIn{MaxSessions: 1})
	whole, _ := w.signedInOn("alice")
	w.Change(`UPDATE organizations SET rules = '{"connection":"con_acme"}' WHERE slug = 'acme'`)
	w.enterBy(whole, "acme", "a.martin")
	w.mint(whole, "acme")
	for range 3 { // at acme's provider, as the person who is linked there
		w.Pass(time.Second)
		w.mint(w.begin("acme", "a.martin"), "acme")
	}
	w.mint(whole, "globex")
}

// TestSessionLimit_AppGone: sessions of an app that is disabled, renamed or no longer in the
// workspace open nothing, and their browser is not counted.
func TestSessionLimit_AppGone(t *testing.T) {
	for name, leave := range map[string]func(*directory.Desired){
		"disabled": func(d *directory.Desired) { d.Workspace.Apps[1].Disabled = true },
		"renamed":  func(d *directory.Desired) { d.Workspace.Apps[1].ID = "desktop" },
		"removed":  func(d *directory.Desired) { d.Workspace.Apps = d.Workspace.Apps[:1] },
	} {
		for _, choice := range []directory.AtLimit{directory.EndOldest, directory.RefuseSignIn} {
			t.Run(name+", "+string(choice), func(t *testing.T) {
				d := desired()
				d.Workspace.SignIn = directory.SignIn{MaxSessions: 2, AtLimit: choice}
				w := newBackendWith(t, d, nil)
				desk, web := w.Browser(sibling), w.browser()
				page := desk.Login("app=desk&return_to=" + sibling)
				desk.Step(publicURL + "/callback?" + w.Provider.SignIn(page.URL.String(), "alice").Encode())
				w.mint(desk, "acme")
				w.Pass(time.Second)
				w.signIn(web, "alice")
				leave(&d)
				w.Apply(d)
				w.Pass(2 * time.Minute)
				w.mint(w.signedIn("alice"), "acme")
				w.mint(web, "acme")
			})
		}
	}
}

// TestSessionLimit_LostStepUp: a session that a step-up began, and the one that it replaces,
// are of one browser, also while its answer is lost.
func TestSessionLimit_LostStepUp(t *testing.T) {
	d := ruled(map[string]policy.Rules{"acme": mfa})
	d.Workspace.SignIn = directory.SignIn{MaxSessions: 2, AtLimit: directory.RefuseSignIn}
	w := newBackendWith(t, d, nil)
	b := w.signedIn("alice")
	e := w.challenged(b.Post("/token", enters))
	lost := b.Copy()
	lost.SetCookie(browserCookie(lost), "") // it gets another value
	answersWith(w, "mfa")
	if landed := w.stepUp(lost, e, "alice"); len(sessionCookies(lost)) != 2 {
		t.Fatalf("%s: %s", landed.URL, landed.Body)
	}
	w.mint(b, "globex")
	w.Pass(2 * time.Minute)
	w.mint(w.signedIn("alice"), "globex")
}

// browserCookie is the name of the cookie that keeps the browser value.
func browserCookie(b *httpbrowser.Browser) string {
	for name := range b.Cookies() {
		if strings.HasPrefix(name, "__Host-Http-tabard-login.") {
			return name
		}
	}
	return ""
}

// TestSessionLimit_WithinASecond: of sign-ins one after the other the last one is beyond the
// limit, although times in seconds do not tell.
func TestSessionLimit_WithinASecond(t *testing.T) {
	for range 10 {
		w := newBackend(t, nil)
		w.signsIn(directory.SignIn{MaxSessions: 2, AtLimit: directory.RefuseSignIn})
		first, second, third := w.signedIn("alice"), w.signedIn("alice"), w.browser()
		w.wants(third.SignIn("alice"), http.StatusForbidden, api.SessionLimitReached)
		w.mint(first, "acme")
		w.mint(second, "acme")
		w = newBackend(t, nil)
		w.signsIn(directory.SignIn{MaxSessions: 1})
		first, second = w.signedIn("alice"), w.signedIn("alice")
		w.wants(first.Post("/token", renews), http.StatusUnauthorized, api.SessionRevoked)
		w.mint(second, "acme")
	}
}
