package browser

import (
	"context"
	"testing"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/demo"
)

// enter chooses an organization in a tab's menu, and confirms that it leads to a
// sign-in.
func enter(t *testing.T, tab context.Context, organization string) {
	t.Helper()
	demo.Choose(t, tab, organization)
	demo.Confirm(t, tab)
}

// TestP3AnOrganizationIsEnteredByItsOwnProvider: a person with a session needs one more
// sign-in, once and for all; the tab finishes its switch, and the other tabs keep their
// organizations.
func TestP3AnOrganizationIsEnteredByItsOwnProvider(t *testing.T) {
	t.Parallel()
	d := demo.Start(t)
	tab := chrome.Guest(t)
	d.SignIn(t, tab, "dana")
	d.Open(t, tab, "acme")
	person := demo.Claim(t, tab, "sub")
	other := chrome.Tab(t, tab)
	d.Open(t, other, "globex")

	enter(t, tab, "northwind")
	chrome.Press(t, tab, "#cancel")
	chrome.Press(t, tab, "main a") // the page with the provider's error
	demo.AwaitActive(t, tab, "acme")
	enter(t, tab, "northwind")
	chrome.Press(t, tab, `[id="person-d.novak"]`)
	demo.AwaitActive(t, tab, "northwind")
	if got := demo.Claim(t, tab, "sub") + " " + demo.Claim(t, tab, "org_slug"); got != person+" northwind" {
		t.Errorf("the token is of %s, want %s at northwind", got, person)
	}
	if got := demo.Notes(t, tab, "northwind"); got != 200 {
		t.Errorf("the API answers %d", got)
	}
	demo.AwaitActive(t, other, "globex")
	demo.Choose(t, tab, "acme")
	demo.AwaitActive(t, tab, "acme")
	demo.Choose(t, tab, "northwind") // no second sign-in
	demo.AwaitActive(t, tab, "northwind")
	chrome.Reload(t, tab)
	demo.AwaitActive(t, tab, "northwind")
	third := chrome.Tab(t, tab)
	d.Open(t, third, "northwind")

	again := chrome.Guest(t) // another browser: the link is already there, and belongs to the same person
	d.SignIn(t, again, "dana")
	d.Open(t, again, "acme")
	enter(t, again, "northwind")
	chrome.Press(t, again, `[id="person-n.owens"]`)
	demo.AwaitActive(t, again, "acme")
	chrome.Await(t, again, `tabard.state.error?.code === "identity_changed"`)
}

// TestConnection_PersonUnknownElsewhere: Nina, who is not in the
// directory, signs in by an organization's own provider and belongs to that
// organization only.
func TestConnection_PersonUnknownElsewhere(t *testing.T) {
	t.Parallel()
	d := demo.Start(t)
	tab := chrome.Guest(t)
	chrome.Go(t, tab, d.Origin)
	demo.AwaitScreen(t, tab, "signed_out")
	chrome.Press(t, tab, "#sign-in-northwind")
	chrome.Press(t, tab, `[id="person-n.owens"]`)
	demo.AwaitActive(t, tab, "northwind")
	if got := chrome.Eval[string](t, tab, `tabard.state.roles.join()`); got != "viewer" {
		t.Errorf("roles %s", got)
	}
	if got := chrome.Eval[string](t, tab, `tabard.switchOrganization("acme").then((r) => r.code)`); got != "organization_access_denied" {
		t.Errorf("acme: %s", got)
	}
	demo.AwaitActive(t, tab, "northwind")
}
