package browser

import (
	"context"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/demo"
)

// TestP12_TwoPeopleInOneBrowser: alice and bob are signed in in one browser, each in tabs of
// their own. Nothing of one reaches the other's, over reloads, a switch of the account and
// the sign-out of one.
func TestP12_TwoPeopleInOneBrowser(t *testing.T) {
	t.Parallel()
	p12TwoPeopleInOneBrowser(t, demo.Start(t))
}

func p12TwoPeopleInOneBrowser(t *testing.T, d *demo.Demo) {
	alice, bob := signInTogether(t, d)
	subject := func(tab context.Context) string { return demo.Claim(t, tab, "sub") }
	a, b := subject(alice), subject(bob)
	if a == b {
		t.Fatal("both tabs act for one person")
	}
	stays := func(why string) {
		t.Helper()
		if subject(alice) != a || subject(bob) != b {
			t.Errorf("%s: a tab acts for the other person", why)
		}
	}
	for range 2 {
		chrome.Reload(t, alice)
		chrome.Reload(t, bob)
		chrome.Await(t, alice, `globalThis.tabard?.state.status === "active"`)
		chrome.Await(t, bob, `globalThis.tabard?.state.status === "active"`)
		stays("after a reload")
	}
	chrome.Eval[string](t, alice, `tabard.getToken({ forceRefresh: true })`)
	chrome.Eval[string](t, bob, `tabard.getToken({ forceRefresh: true })`)
	stays("renewed")
	if record := chrome.Eval[string](t, bob, `JSON.stringify(sessionStorage)`); strings.Contains(record, a) {
		t.Error("bob's tab keeps something of alice's")
	}

	other := chrome.Tab(t, alice)
	chrome.Go(t, other, d.Origin)
	chrome.Await(t, other, `globalThis.tabard?.state.status === "choose_account" && tabard.state.accounts.length === 2 && tabard.state.accounts.every(({ name }) => name)`)
	if got := chrome.Eval[string](t, other, `tabard.switchAccount("`+b+`").then(({ status }) => status)`); got != "switched" || subject(other) != b {
		t.Errorf("switched: %s, acts for %s", got, subject(other))
	}
	if got := chrome.Eval[string](t, other, `tabard.switchAccount("`+a+`").then(({ status }) => status)`); got != "switched" {
		t.Error(got)
	}
	chrome.Await(t, other, `tabard.state.status === "choose" && tabard.state.user.id === "`+a+`"`)

	chrome.Eval[any](t, other, `tabard.signOut().then(() => 0)`)
	chrome.Await(t, alice, `tabard.state.status === "signed_out"`)
	if subject(bob) != b {
		t.Error("alice's sign-out has reached bob's tab")
	}
	if got := chrome.Eval[string](t, alice, `tabard.accounts().then((all) => all.map(({ id }) => id).join())`); got != b {
		t.Errorf("alice's tab lists %s, want bob, %s", got, b)
	}
	chrome.Reload(t, bob)
	chrome.Await(t, bob, `globalThis.tabard?.state.status === "active"`)
	if subject(bob) != b {
		t.Error("bob's tab acts for somebody else")
	}
	chrome.Reload(t, alice)
	chrome.Await(t, alice, `globalThis.tabard?.state.status === "signed_out"`)
}

// signInTogether returns a tab of alice's and one of bob's in the same browser.
func signInTogether(t *testing.T, d *demo.Demo) (alice, bob context.Context) {
	d.Apply(t, strings.Replace(d.Workspace(t), "  - id: demo\n", "  - id: demo\n    accounts: several\n", 1))
	alice = chrome.Guest(t)
	d.SignIn(t, alice, "alice")
	d.Open(t, alice, "acme")
	bob = chrome.Tab(t, alice)
	chrome.Go(t, bob, d.Origin)
	chrome.Await(t, bob, `globalThis.tabard?.state.status === "choose"`) // as alice, the only one
	chrome.Eval[any](t, bob, `void tabard.signIn({ account: "another" })`)
	chrome.Press(t, bob, "#person-bob")
	chrome.Await(t, bob, `globalThis.tabard?.state.status === "active"`)
	return alice, bob
}
