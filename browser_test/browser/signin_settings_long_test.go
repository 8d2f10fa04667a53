//go:build long

package browser

import (
	"context"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/demo"
)

// TestStaySignedIn_WithoutAChoice is TestStaySignedIn_PersonsChoice of people who do not
// choose, or may not.
func TestStaySignedIn_WithoutAChoice(t *testing.T) {
	t.Parallel()
	staysSignedIn(t, map[string]staying{
		"says nothing":   {"{session_cookie: true, stay_signed_in: true}", "{}", "signed_out"},
		"may not choose": {"{session_cookie: true}", "{ staySignedIn: true }", "signed_out"},
	})
}

// TestSessionLimit_RefusesTheThird: where the limit refuses, the newest browser is refused on a
// page that leads on.
func TestSessionLimit_RefusesTheThird(t *testing.T) {
	t.Parallel()
	d, keeper, signIn := limitedBrowsers(t)
	signsIn(t, d, "{max_sessions: 2, at_limit: refuse}")
	first, second := signIn(), signIn()
	third := chrome.Person(t, keeper)
	chrome.Go(t, third, d.Origin)
	chrome.Press(t, third, "#sign-in")
	chrome.Press(t, third, "#person-alice")
	chrome.Await(t, third, `document.body.innerText.includes("too many browsers")`)
	if all := sessionCookies(t, d, third); len(all) != 0 {
		t.Errorf("the refused browser keeps %+v", all)
	}
	for _, tab := range []context.Context{first, second} {
		if got := mintAnew(t, tab); got != "minted" {
			t.Errorf("another browser: %s", got)
		}
	}
	chrome.Eval[any](t, first, `tabard.signOut().then(() => null)`)
	demo.AwaitScreen(t, first, "signed_out")
	chrome.Eval[any](t, third, `[...document.links].find((a) => a.innerText === "Sign in again").click()`)
	chrome.Await(t, third, `globalThis.tabard?.state.status === "choose"`)
	d.Open(t, third, "acme")
	if got := mintAnew(t, third); got != "minted" {
		t.Errorf("after the sign-out elsewhere: %s", got)
	}
}

// TestSessionCookie_EndsWithTheBrowser: a session whose cookie has no Max-Age ends when the
// browser is closed.
func TestSessionCookie_EndsWithTheBrowser(t *testing.T) {
	t.Parallel()
	d, profile, tab := signedInForNow(t)
	d.Open(t, tab, "acme")
	endsWithBrowser(t, d, tab)
	awaitCookieOnDisk(t, profile)
	chrome.Close(t, tab)
	anew := startsAgain(t, d, profile)
	if got := chrome.Eval[string](t, anew, `tabard.state.status`); got != "signed_out" {
		t.Errorf("the browser came back %s", got)
	}
	if all := sessionCookies(t, d, anew); len(all) != 0 {
		t.Errorf("the session's cookies: %+v", all)
	}
}

// TestSessionCookie_ComesBackWithItsTabs: a browser that comes back with its tabs, after it was
// closed and after a crash, keeps such cookies for them. There the session goes on until
// the server ends it.
func TestSessionCookie_ComesBackWithItsTabs(t *testing.T) {
	t.Parallel()
	d, profile, tab := signedInForNow(t)
	d.Open(t, tab, "acme")
	d.Open(t, chrome.Tab(t, tab), "globex")
	chrome.Close(t, tab)

	closed := byOrganization(t, chrome.Restore(t, profile, d.Origin, 2))
	if got := mintAnew(t, closed["acme"]); got != "minted" {
		t.Errorf("after it was closed, a mint is answered with %s", got)
	}
	endsWithBrowser(t, d, closed["acme"])
	chrome.Eval[any](t, closed["globex"], `tabard.switchOrganization("initech").then(() => null)`)
	awaitOnDisk(t, profile, `"organization":"org_initech"`)
	chrome.Kill(t, closed["globex"])

	crashed := byOrganization(t, chrome.Restore(t, profile, d.Origin, 2))["initech"]
	if got := mintAnew(t, crashed); got != "minted" {
		t.Errorf("after the crash, a mint is answered with %s", got)
	}
	endsWithBrowser(t, d, crashed)
	d.Tabard(t, "sessions", "end", "--all", "--yes")
	if got := mintAnew(t, crashed); got != "session_revoked" {
		t.Errorf("a mint of the ended session is answered with %s", got)
	}
	demo.AwaitScreen(t, crashed, "signed_out")
}

// TestSessionLimit_ThreeBrowsers: in one browser too many the oldest session ends and its page
// says why. TestSessionLimit_RefusesTheThird has the other setting.
func TestSessionLimit_ThreeBrowsers(t *testing.T) {
	t.Parallel()
	d, _, signIn := limitedBrowsers(t)
	signsIn(t, d, "{max_sessions: 2, at_limit: oldest}")
	first, second, third := signIn(), signIn(), signIn()
	if got := mintAnew(t, first); got != "session_revoked" {
		t.Errorf("the first browser: %s", got)
	}
	demo.AwaitScreen(t, first, "signed_out")
	if got := chrome.Eval[string](t, first, `document.getElementById("sign-in-problem").innerText`); !strings.Contains(got, "another browser") {
		t.Errorf("the first browser says %q", got)
	}
	for _, tab := range []context.Context{second, third} {
		if got := mintAnew(t, tab); got != "minted" {
			t.Errorf("another browser: %s", got)
		}
	}
	chrome.Press(t, first, "#sign-in") // the provider knows the person, and the second browser is the oldest now
	demo.AwaitActive(t, first, "acme")
	if got := mintAnew(t, second); got != "session_revoked" {
		t.Errorf("the second browser: %s", got)
	}
}

// TestStaySignedIn_PersonsChoice: a person whose workspace lets them choose stays signed in
// over the end of the browser, and another one does not. TestStaySignedIn_WithoutAChoice has
// further settings.
func TestStaySignedIn_PersonsChoice(t *testing.T) {
	t.Parallel()
	staysSignedIn(t, map[string]staying{
		"stays":            {"{session_cookie: true, stay_signed_in: true}", "{ staySignedIn: true }", "choose"},
		"a shared machine": {"{}", "{ staySignedIn: false }", "signed_out"},
	})
}
