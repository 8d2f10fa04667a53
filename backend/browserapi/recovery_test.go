package browserapi_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/backend/page"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

// firstLink fails the test unless the answer is a page with a link. It returns the first
// link.
func firstLink(w *backend, got httpbrowser.Response, status int) string {
	w.Helper()
	first := links.FindStringSubmatch(got.Body)
	if got.Status != status || first == nil || !strings.HasPrefix(got.Header.Get("Content-Type"), "text/html") {
		w.Fatalf("%d leads nowhere: %s", got.Status, got.Body)
	}
	return strings.ReplaceAll(first[1], "&amp;", "&")
}

// leadsToSignIn fails the test unless the link leads to a sign-in that ends at the address.
func (w *backend) leadsToSignIn(b *httpbrowser.Browser, link, at string) {
	w.Helper()
	if landed := b.Choose(b.Follow(link), "alice"); landed.URL.String() != origin+at {
		w.Errorf("%s led to %s: %s", link, landed.URL, landed.Body)
	}
	w.mint(b, "acme")
}

// TestStranded_BackAfterSignIn presses Back and chooses again.
func TestStranded_BackAfterSignIn(t *testing.T) {
	w := newBackend(t, nil)
	b := w.browser()
	page := b.Login("return_to=/notes")
	if landed := b.Choose(page, "alice"); landed.URL.Path != "/notes" {
		t.Fatal(landed.URL)
	}
	before := b.Cookies()
	for range 3 { // again, with the form sent twice, and Forward to the callback
		again := b.Choose(page, "alice")
		if again.URL.String() != origin+"/notes" {
			t.Errorf("it led to %s: %s", again.URL, again.Body)
		}
	}
	w.mint(b, "acme")
	if len(sessionCookies(b)) != 1 || len(before) != len(b.Cookies()) {
		t.Errorf("the browser keeps %v", b.Cookies())
	}
}

func TestStranded_BareCallback(t *testing.T) {
	w := newBackend(t, nil)
	for name, address := range map[string]string{
		"bare": "/callback", "a strange state": "/callback?code=1&state=nonsense", "of a connection": "/callback/con_acme?state=1", "an error": "/callback?error=access_denied",
	} {
		b := w.browser()
		got := b.Open(publicURL + address)
		w.wants(got, http.StatusBadRequest, api.InvalidRequest)
		w.leadsToSignIn(b, firstLink(w, got, http.StatusBadRequest), "/")
		// A signed-in user returns to the app.
		for _, open := range []func(string) httpbrowser.Response{b.Open, b.With("Sec-Fetch-Site", "cross-site").Follow} {
			if landed := open(publicURL + address); landed.URL.String() != origin+"/" {
				t.Errorf("%s, signed in: %d %s", name, landed.Status, landed.URL)
			}
		}
		// After a sign-out the page asks to sign in.
		b.Post("/logout", `{"scope":"session"}`)
		firstLink(w, b.Open(publicURL+address), http.StatusBadRequest)
	}
}

func TestStranded_TooLate(t *testing.T) {
	w := newBackend(t, nil)
	b := w.browser()
	page := b.Login("return_to=/notes?a=1&organization=acme")
	w.Pass((login.AttemptLife + 15) * time.Second)
	got := b.Choose(page, "alice")
	if !strings.Contains(got.Body, "ten minutes") {
		t.Errorf("the page says %s", got.Body)
	}
	w.leadsToSignIn(b, firstLink(w, got, http.StatusBadRequest), "/notes?a=1")
	w.Pass(time.Minute)
	if landed := b.Choose(page, "alice"); landed.URL.String() != origin+"/notes?a=1" {
		t.Errorf("signed in since, it led to %s", landed.URL)
	}
}

func TestStranded_NoCookies(t *testing.T) {
	w := newBackend(t, nil)
	page := w.browser().Login("return_to=/notes")
	again := w.browser().Step(publicURL + "/callback?" + w.Provider.SignIn(page.URL.String(), "alice").Encode()).Header.Get("Location")
	got := w.browser().Step(publicURL + "/callback?" + w.Provider.SignIn(again, "alice").Encode())
	if !strings.Contains(got.Body, "does not store cookies") || !strings.Contains(got.Body, "localhost:8080") {
		t.Errorf("the page says %s", got.Body)
	}
	w.leadsToSignIn(w.browser(), firstLink(w, got, http.StatusBadRequest), "/notes")
}

func TestStranded_ProviderDown(t *testing.T) {
	w := newBackend(t, nil)
	away := func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusBadGateway) }
	b := w.browser()
	w.Provider.Endpoints = map[string]http.HandlerFunc{"/.well-known/openid-configuration": away}
	got := b.Login("return_to=/notes")
	retry := firstLink(w, got, http.StatusServiceUnavailable)
	if linksOf(got)["Go to Web"] == "" {
		t.Errorf("the page leads to %v", linksOf(got))
	}
	w.Provider.Endpoints = nil
	w.Restart() // a failure is remembered for a second of the server's clock
	w.leadsToSignIn(b, retry, "/notes")

	other := w.browser()
	page := other.Login("return_to=/notes")
	w.Provider.Endpoints = map[string]http.HandlerFunc{"/token": away}
	retry = firstLink(w, other.Choose(page, "alice"), http.StatusServiceUnavailable)
	w.Provider.Endpoints = nil
	if landed := other.Follow(retry); landed.URL.String() != origin+"/notes" {
		t.Errorf("it led to %s: %s", landed.URL, landed.Body)
	}
}

// TestStranded_Denied checks that the provider's message is shown as text, and is not
// part of the app's address, which anybody can forge.
func TestStranded_Denied(t *testing.T) {
	w := newBackend(t, nil)
	said := "You <b>may not</b> enter. " + strings.Repeat("x", 5000)
	w.Provider.Answer = func(v url.Values) {
		v.Del("code")
		v.Set("error", "access_denied")
		v.Set("error_description", said)
	}
	b := w.browser()
	got := b.Follow(w.callbackOf(b, "return_to=/notes?a=1&organization=acme"))
	again := firstLink(w, got, http.StatusForbidden)
	if !strings.Contains(got.Body, "You &lt;b&gt;may not&lt;/b&gt; enter.") || len(got.Body) > 10_000 {
		t.Errorf("%d bytes: %.3000s", len(got.Body), got.Body)
	}
	if back := linksOf(got)["Go to Web"]; back != origin+"/notes?a=1&tabard_error=access_denied" {
		t.Errorf("back leads to %s", back)
	}
	w.Provider.Answer = nil
	w.leadsToSignIn(b, again, "/notes?a=1")
	if api.AccessDenied.Action() != api.Retry {
		t.Error("the app is not told to try again")
	}
}

func TestStranded_Disabled(t *testing.T) {
	w := newBackend(t, nil)
	w.signedIn("alice")
	w.disable("alice")
	b := w.browser()
	got := b.SignIn("alice")
	again, err := url.Parse(firstLink(w, got, http.StatusForbidden))
	if err != nil || again.Query().Get("prompt") != "login" || !strings.Contains(got.Body, "is disabled") {
		t.Errorf("it leads to %s: %s", again, got.Body)
	}
}

// TestStranded_WrongLogin checks that the page for an invalid /login has links to the
// apps.
func TestStranded_WrongLogin(t *testing.T) {
	w := newBackend(t, nil)
	for _, query := range []string{"app=nope", "return_to=https://evil.example/", "app=web&app=web", "max_age=x", "organization=%zz", "organization=" + strings.Repeat("x", 100)} {
		if got := firstLink(w, w.browser().Login(query), http.StatusBadRequest); got != origin+"/" {
			t.Errorf("%s leads to %s", query, got)
		}
	}
	d := desired()
	d.Workspace.Apps = append([]directory.App{{ID: "far", Name: "Far", Origins: []string{"http://localhost:9200"}, Audience: "far"}}, d.Workspace.Apps[1])
	w.Apply(d)
	w.Restart()
	all := linksOf(w.Browser(sibling).Login("app=nope"))
	if all["Go to Far"] != "http://localhost:9200/" || all["Go to Desk"] != sibling+"/" {
		t.Errorf("it leads to %v", all)
	}
}

// TestStranded_Language checks an operator's texts in the browser's language.
func TestStranded_Language(t *testing.T) {
	w := newBackend(t, nil)
	d := desired()
	d.Workspace.Pages = page.Texts{"de": {"unknown_title": "Diese Anmeldung geht nicht weiter", "again": "Neu anmelden"}}
	w.Apply(d)
	w.Restart()
	got := w.browser().With("Accept-Language", "fr,de-AT;q=0.8,en;q=0.5").Open(publicURL + "/callback")
	if !strings.Contains(got.Body, `<html lang="de"`) || !strings.Contains(got.Body, "geht nicht weiter") || linksOf(got)["Neu anmelden"] == "" {
		t.Error(got.Body)
	}
	if !slices.Contains(got.Header.Values("Vary"), "Accept-Language") {
		t.Errorf("Vary is %q", got.Header.Values("Vary"))
	}
}

// TestStranded_AppBelowAPath: every way back leads to the app, whose origin another site has.
func TestStranded_AppBelowAPath(t *testing.T) {
	w := newBackend(t, nil)
	d := desired()
	d.Workspace.Apps[0].Path = "/app/"
	w.Apply(d)
	w.Restart()
	b := w.browser()
	for name, got := range map[string]httpbrowser.Response{
		"a bare callback": b.Open(publicURL + "/callback"), "a wrong app": b.Login("app=nope"), "a foreign link": b.Open(publicURL + "/login"),
	} {
		if back := linksOf(got)["Go to Web"]; back != origin+"/app/" {
			t.Errorf("%s leads back to %q", name, back)
		}
	}
	w.signIn(b, "alice")
	if landed := b.Open(publicURL + "/callback"); landed.URL.String() != origin+"/app/" {
		t.Errorf("signed in, it leads to %s", landed.URL)
	}
}

// TestStranded_RenamedApp renames the app while people are on their way in, and while their
// pages still have its former id.
func TestStranded_RenamedApp(t *testing.T) {
	w := newBackend(t, nil)
	begun, denied, open := w.browser(), w.browser(), w.browser()
	form, deniedForm := begun.Login("app=web&return_to=/notes"), denied.Login("app=web&return_to=/notes")
	d := desired()
	d.Workspace.Apps[0].ID, d.Workspace.Apps[0].Name = "portal", "Portal"
	w.Apply(d)
	late := open.Login("app=web&return_to=" + origin + "/notes") // the server has not read the workspace again
	for name, landed := range map[string]httpbrowser.Response{
		"begun before":               begun.Choose(form, "alice"),
		"begun since":                open.Choose(late, "alice"),
		"begun when that is known":   w.signedInBy(w.browser(), "app=web&return_to="+origin+"/notes"),
		"by the page of an old link": w.signedInBy(w.browser(), "app=portal&return_to=/notes"),
	} {
		if landed.URL.String() != origin+"/notes" {
			t.Errorf("%s: it led to %s: %s", name, landed.URL, landed.Body)
		}
	}
	w.mint(begun, "acme")
	w.mint(open, "acme")
	w.Provider.Answer = func(v url.Values) { v.Del("code"); v.Set("error", "access_denied"); v.Set("error_description", "no") }
	again := firstLink(w, denied.Choose(deniedForm, "alice"), http.StatusForbidden)
	w.Provider.Answer = nil
	w.leadsToSignIn(denied, again, "/notes")

	gone := w.browser()
	form = gone.Login("app=portal&return_to=/notes")
	d.Workspace.Apps = d.Workspace.Apps[1:]
	w.Apply(d)
	if got := firstLink(w, gone.Choose(form, "alice"), http.StatusBadRequest); got != sibling+"/" {
		t.Errorf("an app that is gone leads to %s", got)
	}
}

// signedInBy signs alice in by a login with a query.
func (w *backend) signedInBy(b *httpbrowser.Browser, query string) httpbrowser.Response {
	return b.Choose(b.Login(query), "alice")
}

// TestStranded_NoPage opens addresses that do not exist, or not by GET.
func TestStranded_NoPage(t *testing.T) {
	w := newBackend(t, nil)
	for path, status := range map[string]int{
		"/nothing": http.StatusNotFound, "/": http.StatusNotFound, "/connections/nope/callback?code=1&state=2": http.StatusNotFound,
		"/frontchannel-logout?sid=1": http.StatusNotFound, "/logout": http.StatusMethodNotAllowed, "/token": http.StatusMethodNotAllowed,
		"/backchannel-logout": http.StatusMethodNotAllowed,
	} {
		got := w.browser().Open(publicURL + path)
		if strings.Contains(got.Body, "moment") || strings.Contains(got.Body, "sign you in") || !strings.Contains(got.Body, "There is no page here") {
			t.Errorf("%s: %s", path, got.Body)
		}
		if first := firstLink(w, got, status); linksOf(got)["Go to Web"] != origin+"/" || strings.Contains(path, "callback") && first != publicURL+"/login" {
			t.Errorf("%s leads to %s", path, first)
		}
	}
	for _, path := range []string{"/backchannel-logout", "/backchannel-logout/con_acme", "/nothing", "/global-token-revocation"} {
		if got := w.browser().Submit(publicURL+path, url.Values{"logout_token": {"x"}}); strings.Contains(got.Body, "<html") || got.Code() == "" {
			t.Errorf("POST %s is answered by %d %s", path, got.Status, got.Body)
		}
	}
}

// TestStranded_UnreadableReturn begins at addresses that are none: the sign-in ends at the
// app's start, and a foreign origin stays refused.
func TestStranded_UnreadableReturn(t *testing.T) {
	w := newBackend(t, nil)
	for _, query := range []string{"return_to=%FF%FE", "app=web&return_to=%FF%FE", "return_to=notes/1", "app=web&return_to=%3Fa=b", "return_to=%23x", "return_to=http:/x", "return_to=%5Cx", "return_to=%00"} {
		b := w.browser()
		if landed := b.Choose(b.Login(query), "alice"); landed.URL.String() != origin+"/" {
			t.Errorf("%s led to %s: %s", query, landed.URL, landed.Body)
		}
	}
	for _, returnTo := range []string{"//evil.test", `/\evil.test`, `\\evil.test`, "https:evil.test", "javascript:alert(1)", "http://localhost:8080@evil.test/", "http:///evil.test"} {
		firstLink(w, w.browser().Login("app=web&return_to="+url.QueryEscape(returnTo)), http.StatusBadRequest)
	}
}
