//go:build long

package browser

import (
	"context"
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
