package browser

import (
	"context"
	"fmt"
	"testing"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/demo"
	"github.com/tabard-auth/tabard/browser_test/kit/example"
)

// onEitherHistory runs a test on the example of routes with the Navigation API, and
// without it, as in browsers that have the History API alone.
func onEitherHistory(t *testing.T, person string, test func(*testing.T, *demo.Demo, context.Context)) {
	for name, script := range map[string]string{
		"Navigation API": `if (!globalThis.navigation) throw new Error("no Navigation API");`,
		"History API":    `Object.defineProperty(globalThis, "navigation", { value: undefined });`,
	} {
		t.Run(name, func(t *testing.T) {
			d, tab := example.Open(t, "routes/main.ts")
			chrome.Before(t, tab, script+countMints)
			example.SignIn(t, d, tab, "/acme/notes", person)
			at(t, tab, "/acme/notes", "acme")
			test(t, d, tab)
			example.NoComplaints(t, tab)
		})
	}
}

// countMints counts the requests for tokens.
const countMints = `globalThis.mints = () => performance.getEntriesByType("resource").filter((e) => e.name.endsWith("/auth/token")).length;`

// at waits until a page is at an address and shows its organization.
func at(t *testing.T, tab context.Context, path, organization string) {
	t.Helper()
	chrome.Await(t, tab, fmt.Sprintf(`location.pathname === %q && routes.state.status !== "switching"`, path))
	example.Reads(t, tab, organization)
}

func minted(t *testing.T, tab context.Context) int {
	t.Helper()
	return chrome.Eval[int](t, tab, `mints()`)
}

// move runs a script that changes the route: a press, a router's pushState, back.
func move(t *testing.T, tab context.Context, script string) {
	t.Helper()
	chrome.Eval[any](t, tab, "void setTimeout(() => {"+script+"})")
}

// pushed is the script of a router that does not know the routes of the client.
const pushed = `history.pushState(null, "", %q); routes.follow();`

// TestTheOrganizationFollowsTheRoute: only a first entry asks; back and forward between
// organizations that were entered take no request.
func TestTheOrganizationFollowsTheRoute(t *testing.T) {
	t.Parallel()
	onEitherHistory(t, "alice", func(t *testing.T, d *demo.Demo, tab context.Context) {
		before := minted(t, tab)
		chrome.Press(t, tab, "#globex-notes")
		at(t, tab, "/globex/notes", "globex")
		if got := minted(t, tab) - before; got != 1 {
			t.Errorf("a first entry asked for %d tokens", got)
		}
		for range 2 {
			move(t, tab, `history.back()`)
			at(t, tab, "/acme/notes", "acme")
			move(t, tab, `history.forward()`)
			at(t, tab, "/globex/notes", "globex")
		}
		move(t, tab, fmt.Sprintf(pushed, "/acme/other"))
		at(t, tab, "/acme/other", "acme")
		chrome.Press(t, tab, "#welcome")
		at(t, tab, "/welcome", "acme") // which names no organization
		move(t, tab, `history.go(-2)`)
		at(t, tab, "/globex/notes", "globex")
		if got := minted(t, tab) - before; got != 1 {
			t.Errorf("going back and forth asked for %d tokens", got-1)
		}
		chrome.Reload(t, tab)
		at(t, tab, "/globex/notes", "globex")
	})
}

// TestP3ARefusedRouteRestoresTheOldOne, and says why: whether a person pressed, a router
// pushed or replaced, or the organization is gone when they come back to it.
func TestP3ARefusedRouteRestoresTheOldOne(t *testing.T) {
	t.Parallel()
	onEitherHistory(t, "alice", func(t *testing.T, d *demo.Demo, tab context.Context) {
		for name, script := range map[string]string{
			"a press":        `document.querySelector("#nowhere-notes").click()`,
			"a pushed route": fmt.Sprintf(pushed, "/nowhere/notes"),
			"a replaced one": `history.replaceState(null, "", "/nowhere/notes"); routes.follow();`,
			"go":             `routes.go("/nowhere/notes", { replace: true }).then((r) => globalThis.went = r.status)`,
		} {
			chrome.Eval[any](t, tab, `void document.body.removeAttribute("data-route")`)
			move(t, tab, script)
			chrome.Await(t, tab, `document.body.dataset.route === "stayed" && document.querySelector("#why")?.textContent === "organization_access_denied"`)
			at(t, tab, "/acme/notes", "acme")
			if got := chrome.Eval[string](t, tab, `routes.state.result.status + " " + routes.state.organization`); got != "refused nowhere" {
				t.Errorf("%s: %s", name, got)
			}
		}
		chrome.Press(t, tab, "#welcome")
		at(t, tab, "/welcome", "acme")
		if got := chrome.Eval[string](t, tab, `routes.state.status + went`); got != "settledrefused" {
			t.Errorf("after going on, the route is %s", got)
		}
		chrome.Go(t, tab, d.Origin+"/nowhere/notes") // where the page begins, there is no old route
		chrome.Await(t, tab, `tabard.state.status === "ended" && tabard.state.error.code === "organization_access_denied"`)
		move(t, tab, `routes.go("/acme/notes")`)
		at(t, tab, "/acme/notes", "acme")
	})
}

// TestP10GoingBackDoesNotEnterWhatThePersonLeft: an organization that was signed out of
// is not entered by its address, but by a press.
func TestP10GoingBackDoesNotEnterWhatThePersonLeft(t *testing.T) {
	t.Parallel()
	onEitherHistory(t, "alice", func(t *testing.T, d *demo.Demo, tab context.Context) {
		chrome.Eval[any](t, tab, `tabard.signOut({ scope: "organization" }).then(() => null)`)
		chrome.Await(t, tab, `tabard.state.status === "ended"`)
		move(t, tab, `routes.go("/globex/notes")`)
		at(t, tab, "/globex/notes", "globex")
		move(t, tab, `history.back()`)
		chrome.Await(t, tab, `routes.state.status === "stayed"`)
		if got := chrome.Eval[string](t, tab, `routes.state.result.status + " " + routes.state.result.code`); got != "refused organization_session_expired" {
			t.Errorf("going back: %s", got)
		}
		at(t, tab, "/globex/notes", "globex")
		chrome.Press(t, tab, "#acme-notes")
		at(t, tab, "/acme/notes", "acme")
	})
}

// TestTheLastRouteWins: routes that come while a switch is under way overtake it, and so
// does a return to where the tab is.
func TestTheLastRouteWins(t *testing.T) {
	t.Parallel()
	onEitherHistory(t, "alice", func(t *testing.T, d *demo.Demo, tab context.Context) {
		held := chrome.Hold(t, tab, "*/auth/token")
		move(t, tab, fmt.Sprintf(pushed, "/globex/notes"))
		chrome.Await(t, tab, `routes.state.status === "switching"`)
		move(t, tab, fmt.Sprintf(pushed, "/initech/notes"))
		chrome.Await(t, tab, `routes.state.organization === "initech"`)
		for held.Count() < 2 {
			chrome.Await(t, tab, `true`)
		}
		move(t, tab, `history.go(-2)`)
		at(t, tab, "/acme/notes", "acme")
		held.Release(t)
		chrome.Await(t, tab, `tabard.inOrganization("initech").getToken()`)
		at(t, tab, "/acme/notes", "acme")
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

// TestTheRouteFollowsTheTab: where the tab is switched by something else, the address
// goes to that organization; where it is signed out, the address stays.
func TestTheRouteFollowsTheTab(t *testing.T) {
	t.Parallel()
	onEitherHistory(t, "alice", func(t *testing.T, d *demo.Demo, tab context.Context) {
		switchTo(t, tab, "globex")
		at(t, tab, "/globex/", "globex")
		move(t, tab, `history.back()`)
		at(t, tab, "/acme/notes", "acme")
		chrome.Eval[any](t, tab, `tabard.signOut().then(() => null)`)
		chrome.Await(t, tab, `document.querySelector("#sign-in")`)
		if got := chrome.Eval[string](t, tab, `location.pathname`); got != "/acme/notes" {
			t.Errorf("signed out, the page is at %s", got)
		}
	})
}

// TestAStepUpLeadsToTheRouteThatAskedForIt: the page stays where it was until it is met.
func TestAStepUpLeadsToTheRouteThatAskedForIt(t *testing.T) {
	t.Parallel()
	onEitherHistory(t, "dana", func(t *testing.T, d *demo.Demo, tab context.Context) {
		move(t, tab, fmt.Sprintf(pushed, "/lamna/notes"))
		chrome.Await(t, tab, `routes.state.status === "stayed" && location.pathname === "/acme/notes"`)
		if got := chrome.Eval[string](t, tab, `routes.state.result.status`); got != "step_up_required" {
			t.Fatalf("a route to a strict organization: %s", got)
		}
		move(t, tab, `routes.state.result.continue()`)
		confirm(t, tab)
		chrome.Await(t, tab, `location.pathname === "/lamna/notes" && tabard.state.organization?.slug === "lamna" && tabard.state.status === "active"`)
	})
}

// TestAStepUpOfASwitchLeadsToItsOrganization: the tab is in it afterward, whichever
// organization the address named before.
func TestAStepUpOfASwitchLeadsToItsOrganization(t *testing.T) {
	t.Parallel()
	onEitherHistory(t, "dana", func(t *testing.T, d *demo.Demo, tab context.Context) {
		move(t, tab, `tabard.switchOrganization("org_lamna").then((result) => result.status === "step_up_required" && result.continue())`)
		confirm(t, tab)
		chrome.Await(t, tab, `location.pathname === "/lamna/" && tabard.state.organization?.slug === "lamna" && tabard.state.status === "active"`)
	})
}
