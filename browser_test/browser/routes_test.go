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
			awaitAddress(t, tab, "/acme/notes", "acme")
			test(t, d, tab)
			example.NoErrors(t, tab)
		})
	}
}

// countMints is a script that counts the requests for tokens.
const countMints = `globalThis.mints = () => performance.getEntriesByType("resource").filter((e) => new URL(e.name).pathname === "/auth/token").length;`

// awaitAddress waits until a page is at an address and shows its organization.
func awaitAddress(t *testing.T, tab context.Context, path, organization string) {
	t.Helper()
	chrome.Await(t, tab, fmt.Sprintf(`location.pathname === %q && routes.state.status !== "switching"`, path))
	example.AwaitNotes(t, tab, organization)
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

// pushedRoute is the script of a router that does not know the routes of the client.
const pushedRoute = `history.pushState(null, "", %q); routes.follow();`

// TestRoutes_OrganizationFollows: only the first entry sends a request; back and
// forward between entered organizations do not.
func TestRoutes_OrganizationFollows(t *testing.T) {
	t.Parallel()
	onEitherHistory(t, "alice", func(t *testing.T, d *demo.Demo, tab context.Context) {
		before := minted(t, tab)
		chrome.Press(t, tab, "#globex-notes")
		awaitAddress(t, tab, "/globex/notes", "globex")
		if got := minted(t, tab) - before; got != 1 {
			t.Errorf("a first entry asked for %d tokens", got)
		}
		for range 2 {
			move(t, tab, `history.back()`)
			awaitAddress(t, tab, "/acme/notes", "acme")
			move(t, tab, `history.forward()`)
			awaitAddress(t, tab, "/globex/notes", "globex")
		}
		move(t, tab, fmt.Sprintf(pushedRoute, "/acme/other"))
		awaitAddress(t, tab, "/acme/other", "acme")
		chrome.Press(t, tab, "#welcome")
		awaitAddress(t, tab, "/welcome", "acme") // an address without an organization
		move(t, tab, `history.go(-2)`)
		awaitAddress(t, tab, "/globex/notes", "globex")
		if got := minted(t, tab) - before; got != 1 {
			t.Errorf("going back and forth asked for %d tokens", got-1)
		}
		chrome.Reload(t, tab)
		awaitAddress(t, tab, "/globex/notes", "globex")
	})
}

// TestP3ARefusedRouteRestoresTheOldOne, and reports why: whether a person pressed, a
// router pushed or replaced, or the organization is unavailable when the person goes
// back to it.
func TestP3ARefusedRouteRestoresTheOldOne(t *testing.T) {
	t.Parallel()
	onEitherHistory(t, "alice", func(t *testing.T, d *demo.Demo, tab context.Context) {
		for name, script := range map[string]string{
			"a press":        `document.querySelector("#nowhere-notes").click()`,
			"a pushed route": fmt.Sprintf(pushedRoute, "/nowhere/notes"),
			"a replaced one": `history.replaceState(null, "", "/nowhere/notes"); routes.follow();`,
			"go":             `routes.go("/nowhere/notes", { replace: true }).then((r) => globalThis.went = r.status)`,
		} {
			chrome.Eval[any](t, tab, `void document.body.removeAttribute("data-route")`)
			move(t, tab, script)
			chrome.Await(t, tab, `document.body.dataset.route === "stayed" && document.querySelector("#why")?.textContent === "organization_access_denied"`)
			awaitAddress(t, tab, "/acme/notes", "acme")
			if got := chrome.Eval[string](t, tab, `routes.state.result.status + " " + routes.state.organization`); got != "refused nowhere" {
				t.Errorf("%s: %s", name, got)
			}
		}
		chrome.Press(t, tab, "#welcome")
		awaitAddress(t, tab, "/welcome", "acme")
		if got := chrome.Eval[string](t, tab, `routes.state.status + went`); got != "settledrefused" {
			t.Errorf("after going on, the route is %s", got)
		}
		chrome.Go(t, tab, d.Origin+"/nowhere/notes") // where the page begins, there is no old route
		chrome.Await(t, tab, `tabard.state.status === "denied" && tabard.state.error.code === "organization_access_denied" && tabard.state.user.name === "Alice Martin" && routes.state.status === "denied"`)
		move(t, tab, `routes.go("/acme/notes")`)
		awaitAddress(t, tab, "/acme/notes", "acme")
	})
}

// TestP10GoingBackDoesNotEnterWhatThePersonLeft: an organization that was signed out of
// is not entered by its address, only by a press.
func TestP10GoingBackDoesNotEnterWhatThePersonLeft(t *testing.T) {
	t.Parallel()
	onEitherHistory(t, "alice", func(t *testing.T, d *demo.Demo, tab context.Context) {
		chrome.Eval[any](t, tab, `tabard.signOut({ scope: "organization" }).then(() => null)`)
		chrome.Await(t, tab, `tabard.state.status === "ended"`)
		move(t, tab, `routes.go("/globex/notes")`)
		awaitAddress(t, tab, "/globex/notes", "globex")
		move(t, tab, `history.back()`)
		chrome.Await(t, tab, `routes.state.status === "stayed"`)
		if got := chrome.Eval[string](t, tab, `routes.state.result.status + " " + routes.state.result.code`); got != "refused organization_session_expired" {
			t.Errorf("going back: %s", got)
		}
		awaitAddress(t, tab, "/globex/notes", "globex")
		chrome.Press(t, tab, "#acme-notes")
		awaitAddress(t, tab, "/acme/notes", "acme")
	})
}

// TestStepUp_ReturnsToRoute: the page keeps its route until the step-up is completed.
func TestStepUp_ReturnsToRoute(t *testing.T) {
	t.Parallel()
	onEitherHistory(t, "dana", func(t *testing.T, d *demo.Demo, tab context.Context) {
		move(t, tab, fmt.Sprintf(pushedRoute, "/lamna/notes"))
		chrome.Await(t, tab, `routes.state.status === "stayed" && location.pathname === "/acme/notes"`)
		if got := chrome.Eval[string](t, tab, `routes.state.result.status`); got != "step_up_required" {
			t.Fatalf("a route to a strict organization: %s", got)
		}
		move(t, tab, `routes.state.result.continue()`)
		confirm(t, tab)
		chrome.Await(t, tab, `location.pathname === "/lamna/notes" && tabard.state.organization?.slug === "lamna" && tabard.state.status === "active"`)
	})
}
