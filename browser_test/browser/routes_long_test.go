//go:build long

package browser

import (
	"context"
	"fmt"
	"testing"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/demo"
)

// TestRoutes_LastOneWins: a route that comes during a switch supersedes it, and so does
// a return to the active organization's address.
func TestRoutes_LastOneWins(t *testing.T) {
	t.Parallel()
	onEitherHistory(t, "alice", func(t *testing.T, d *demo.Demo, tab context.Context) {
		held := chrome.Hold(t, tab, "*/auth/token*")
		move(t, tab, fmt.Sprintf(pushedRoute, "/globex/notes"))
		chrome.Await(t, tab, `routes.state.status === "switching"`)
		move(t, tab, fmt.Sprintf(pushedRoute, "/initech/notes"))
		chrome.Await(t, tab, `routes.state.organization === "initech"`)
		for held.Count() < 2 {
			chrome.Await(t, tab, `true`)
		}
		move(t, tab, `history.go(-2)`)
		awaitAddress(t, tab, "/acme/notes", "acme")
		held.Release(t)
		chrome.Await(t, tab, `tabard.inOrganization("initech").getToken()`)
		awaitAddress(t, tab, "/acme/notes", "acme")
		if got := chrome.Eval[string](t, tab, `routes.state.status`); got != "settled" {
			t.Errorf("the route is %s", got)
		}

		move(t, tab, `routes.go("/globex/notes").then((r) => globalThis.first = r.status); routes.go("/initech/notes").then((r) => globalThis.second = r.status)`)
		chrome.Await(t, tab, `globalThis.first && globalThis.second`)
		if got := chrome.Eval[string](t, tab, `first + " " + second + " " + location.pathname + " " + tabard.state.organization.slug`); got != "overtaken switched /initech/notes initech" {
			t.Errorf("two at a time: %s", got)
		}
	})
}

// TestRoutes_FollowTheTab: if another script switches the tab, the address changes to
// that organization; if the tab is signed out, the address stays.
func TestRoutes_FollowTheTab(t *testing.T) {
	t.Parallel()
	onEitherHistory(t, "alice", func(t *testing.T, d *demo.Demo, tab context.Context) {
		switchTo(t, tab, "globex")
		awaitAddress(t, tab, "/globex/", "globex")
		move(t, tab, `history.back()`)
		awaitAddress(t, tab, "/acme/notes", "acme")
		chrome.Eval[any](t, tab, `tabard.signOut().then(() => null)`)
		chrome.Await(t, tab, `document.querySelector("#sign-in")`)
		if got := chrome.Eval[string](t, tab, `location.pathname`); got != "/acme/notes" {
			t.Errorf("signed out, the page is at %s", got)
		}
	})
}

// TestStepUp_OfASwitch: the tab is in it afterward, whichever
// organization the address named before.
func TestStepUp_OfASwitch(t *testing.T) {
	t.Parallel()
	onEitherHistory(t, "dana", func(t *testing.T, d *demo.Demo, tab context.Context) {
		move(t, tab, `tabard.switchOrganization("org_lamna").then((result) => result.status === "step_up_required" && result.continue())`)
		confirm(t, tab)
		chrome.Await(t, tab, `location.pathname === "/lamna/" && tabard.state.organization?.slug === "lamna" && tabard.state.status === "active"`)
	})
}
