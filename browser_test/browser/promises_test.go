package browser

import (
	"context"
	"fmt"
	"testing"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/demo"
)

// TestP1ATabKeepsItsOrganization: three tabs, three organizations, one sign-in.
func TestP1ATabKeepsItsOrganization(t *testing.T) {
	t.Parallel()
	p1ATabKeepsItsOrganization(t, demo.Start(t))
}

func p1ATabKeepsItsOrganization(t *testing.T, d *demo.Demo) {
	first := chrome.Guest(t)
	d.SignIn(t, first, "alice")
	demo.AwaitScreen(t, first, "choose")

	tabs := map[string]context.Context{"acme": first, "globex": chrome.Tab(t, first), "initech": chrome.Tab(t, first)}
	for organization, tab := range tabs {
		d.Open(t, tab, organization)
	}
	for range 2 {
		for organization, tab := range tabs {
			chrome.Reload(t, tab)
			demo.AwaitActive(t, tab, organization)
			if got := demo.Claim(t, tab, "org_slug"); got != organization {
				t.Fatalf("the tab of %s has a token of %s", organization, got)
			}
		}
	}
	t.Run("P5 a token of one organization opens no other's notes", func(t *testing.T) {
		for organization, tab := range tabs {
			for other := range tabs {
				want := 403
				if organization == other {
					want = 200
				}
				got := chrome.Eval[int](t, tab, fmt.Sprintf(`tabard.fetch("/api/organizations/org_%s/notes").then((r) => r.status)`, other))
				if got != want {
					t.Errorf("the tab of %s asks for the notes of %s: %d, want %d", organization, other, got, want)
				}
			}
		}
	})
}

// TestP2NoSecondSignIn: a person of one organization is never asked to choose one, and
// a person of several signs in once.
func TestP2NoSecondSignIn(t *testing.T) {
	t.Parallel()
	p2NoSecondSignIn(t, demo.Start(t))
}

func p2NoSecondSignIn(t *testing.T, d *demo.Demo) {
	bob := chrome.Guest(t)
	d.SignIn(t, bob, "bob")
	demo.AwaitActive(t, bob, "globex")
	if chrome.Eval[bool](t, bob, `document.querySelector("#switcher").shadowRoot.querySelector("button").checkVisibility({ visibilityProperty: true })`) {
		t.Error("a person with one organization is shown a choice")
	}

	alice := chrome.Person(t, bob)
	d.SignIn(t, alice, "alice")
	for _, organization := range []string{"acme", "globex", "initech"} {
		if got := chrome.Eval[string](t, alice, fmt.Sprintf(`tabard.switchOrganization(%q).then((r) => r.status)`, organization)); got != "switched" {
			t.Errorf("entering %s: %s", organization, got)
		}
		demo.AwaitActive(t, alice, organization)
	}
}

// TestP3ASwitchIsATransaction: back and forth, and refused.
func TestP3ASwitchIsATransaction(t *testing.T) {
	t.Parallel()
	p3ASwitchIsATransaction(t, demo.Start(t))
}

func p3ASwitchIsATransaction(t *testing.T, d *demo.Demo) {
	tab := chrome.Guest(t)
	d.SignIn(t, tab, "alice")
	for _, organization := range []string{"acme", "globex", "acme"} {
		chrome.Eval[any](t, tab, fmt.Sprintf(`tabard.switchOrganization(%q).then(() => null)`, organization))
		demo.AwaitActive(t, tab, organization)
	}
	before := chrome.Eval[string](t, tab, `tabard.getToken()`)
	got := chrome.Eval[string](t, tab, `tabard.switchOrganization("nowhere").then((r) => r.status + " " + r.code)`)
	if got != "refused organization_access_denied" {
		t.Errorf("a switch to nowhere: %s", got)
	}
	demo.AwaitActive(t, tab, "acme")
	if chrome.Eval[string](t, tab, `tabard.getToken()`) != before {
		t.Error("the refused switch cost the tab its token")
	}
	if got := chrome.Eval[int](t, tab, `tabard.fetch("/api/organizations/org_acme/notes").then((r) => r.status)`); got != 200 {
		t.Errorf("after a refused switch the API answers %d", got)
	}
}

// TestP10SignedOutIsOut: in every tab, and no later act restores the session.
func TestP10SignedOutIsOut(t *testing.T) {
	t.Parallel()
	p10SignedOutIsOut(t, demo.Start(t))
}

func p10SignedOutIsOut(t *testing.T, d *demo.Demo) {
	first := chrome.Guest(t)
	d.SignIn(t, first, "alice")
	second := chrome.Tab(t, first)
	d.Open(t, first, "acme")
	d.Open(t, second, "globex")
	third := chrome.Tab(t, first)
	d.Open(t, third, "acme")
	chrome.Go(t, third, "about:blank") // to come back to

	chrome.Eval[any](t, first, `tabard.signOut().then(() => null)`)
	for _, tab := range []context.Context{first, second} {
		demo.AwaitScreen(t, tab, "signed_out")
		if chrome.Eval[bool](t, tab, `document.querySelector("#note-list").children.length > 0`) {
			t.Error("a signed-out tab still holds notes")
		}
		chrome.Reload(t, tab)
		demo.AwaitScreen(t, tab, "signed_out")
	}
	chrome.Back(t, third)
	demo.AwaitScreen(t, third, "signed_out")
	if got := chrome.Eval[string](t, third, `tabard.getToken().then(() => "a token", (e) => e.code)`); got != "login_required" {
		t.Errorf("a tab that was gone back to has %s", got)
	}
}

// TestSignIn_TwoTabs: both attempts succeed.
func TestSignIn_TwoTabs(t *testing.T) {
	t.Parallel()
	twoTabsSignInAtTheSameTime(t, demo.Start(t))
}

func twoTabsSignInAtTheSameTime(t *testing.T, d *demo.Demo) {
	first := chrome.Guest(t)
	second := chrome.Tab(t, first)
	for _, tab := range []context.Context{first, second} {
		chrome.Go(t, tab, d.Origin)
		demo.AwaitScreen(t, tab, "signed_out")
		chrome.Press(t, tab, "#sign-in")
		chrome.Await(t, tab, `document.querySelector("#person-alice") !== null`)
	}
	for _, tab := range []context.Context{second, first} {
		chrome.Press(t, tab, "#person-alice")
		demo.AwaitScreen(t, tab, "choose")
	}
	for i, tab := range []context.Context{first, second} {
		d.Open(t, tab, []string{"acme", "globex"}[i])
		chrome.Reload(t, tab)
		demo.AwaitActive(t, tab, []string{"acme", "globex"}[i])
	}
}

// TestCopiedTab_WindowOpen: window.open copies sessionStorage.
func TestCopiedTab_WindowOpen(t *testing.T) {
	t.Parallel()
	_, tab := atAcme(t)
	other := chrome.Opened(t, tab, `void window.open(location.href)`)
	demo.AwaitActive(t, other, "acme")
	chrome.Eval[any](t, other, `tabard.switchOrganization("globex").then(() => null)`)
	demo.AwaitActive(t, other, "globex")
	for range 2 {
		chrome.Reload(t, tab)
		chrome.Reload(t, other)
		demo.AwaitActive(t, tab, "acme")
		demo.AwaitActive(t, other, "globex")
	}
}

// TestReload_WithoutModule: with every *.wasm blocked, a reloaded tab has its
// token, without a request.
func TestReload_WithoutModule(t *testing.T) {
	t.Parallel()
	reloadWithoutModule(t, demo.Start(t))
}

func reloadWithoutModule(t *testing.T, d *demo.Demo) {
	tab := chrome.Guest(t)
	d.SignIn(t, tab, "alice")
	d.Open(t, tab, "acme")
	before := chrome.Eval[string](t, tab, `tabard.getToken()`)
	chrome.Block(t, tab, "*://*:*/*.wasm")
	chrome.Reload(t, tab)
	chrome.Await(t, tab, `globalThis.tabard !== undefined`)
	if got := chrome.Eval[string](t, tab, `tabard.getToken()`); got != before {
		t.Error("the token is another one")
	}
	if asked := chrome.Eval[int](t, tab, `performance.getEntriesByType("resource").filter((e) => new URL(e.name).pathname === "/auth/token").length`); asked != 0 {
		t.Errorf("%d requests for a token", asked)
	}
}

// TestP8RenewalAfterExpiryLandsWhereTheTabIs: access tokens live ten seconds. Two tabs
// outlive theirs, and each gets a new one for its active organization.
func TestP8RenewalAfterExpiryLandsWhereTheTabIs(t *testing.T) {
	t.Parallel()
	p8RenewalAfterExpiryLandsWhereTheTabIs(t, demo.Start(t))
}

func p8RenewalAfterExpiryLandsWhereTheTabIs(t *testing.T, d *demo.Demo) {
	d.Apply(t, d.Workspace(t)+"\npolicy: {access_ttl: 10s}\n")
	first := chrome.Guest(t)
	d.SignIn(t, first, "alice")
	second := chrome.Tab(t, first)
	tabs := map[string]context.Context{"acme": first, "globex": second}
	for organization, tab := range tabs {
		d.Open(t, tab, organization)
		chrome.Eval[any](t, tab, `tabard.getToken().then((token) => void (globalThis.before = token))`)
	}
	for organization, tab := range tabs {
		chrome.Await(t, tab, `JSON.parse(atob(before.split(".")[1].replaceAll("-", "+").replaceAll("_", "/"))).exp < Date.now() / 1000`)
		if chrome.Eval[bool](t, tab, `tabard.getToken().then((token) => token === before)`) {
			t.Error("an expired token is handed out")
		}
		if got := demo.Claim(t, tab, "org_slug"); got != organization {
			t.Errorf("the tab of %s renewed into %s", organization, got)
		}
		demo.AwaitActive(t, tab, organization)
	}
}
