package browser

import (
	"context"
	"testing"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/demo"
)

// awaitReport waits until a tab shows the second app's report of an organization.
func awaitReport(t *testing.T, tab context.Context, organization string) {
	t.Helper()
	chrome.Await(t, tab, `globalThis.tabard?.state.status === "active" && tabard.state.organization.slug === "`+organization+`" &&
		document.body.dataset.screen === "active" && document.querySelector("#notes").textContent !== ""`)
}

// TestCrossApp_NoSecondSignIn: a person that is signed in to one app enters the other
// with the organization of the tab, until the sign-out in the first app.
func TestCrossApp_NoSecondSignIn(t *testing.T) {
	t.Parallel()
	d := demo.Start(t)
	first := chrome.Guest(t)
	d.SignIn(t, first, "alice")
	d.Open(t, first, "acme")
	second := chrome.Tab(t, first)
	d.Open(t, second, "globex")
	chrome.Press(t, first, "#open-reports")
	awaitReport(t, first, "acme")
	if got := demo.Claim(t, first, "aud"); got != d.Reports+"/api" {
		t.Errorf("the token is for %s", got)
	}
	if got := chrome.Eval[string](t, first, `location.href`); got != d.Reports+"/" {
		t.Errorf("the address is %s", got)
	}
	if !chrome.Eval[bool](t, first, `tabard.organizations().then((all) => all.length === 1)`) {
		t.Error("it opens more than one organization")
	}
	chrome.Press(t, second, "#open-reports")
	awaitReport(t, second, "globex")
	chrome.Reload(t, first)
	awaitReport(t, first, "acme")

	notes := chrome.Tab(t, first)
	d.Open(t, notes, "acme") // the first app's tabs are unchanged
	chrome.Eval[any](t, notes, `tabard.signOut({ scope: "session" }).then(() => null)`)
	demo.AwaitScreen(t, notes, "signed_out")
	for _, tab := range []context.Context{first, second} {
		chrome.Reload(t, tab)
		chrome.Await(t, tab, `tabard.getToken().then(() => false, () => true)`)
		chrome.Await(t, tab, `document.body.dataset.screen !== "active"`)
	}
}
