//go:build long

package browser

import (
	"context"
	"testing"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/example"
)

// TestDrafts_StayByHistory is TestDrafts_Stay with routes on the History API.
func TestDrafts_StayByHistory(t *testing.T) {
	t.Parallel()
	onDraft(t, byHistory, staysWithDraft)
}

// TestDrafts_LeaveByHistory is TestDrafts_Leave with routes on the History API.
func TestDrafts_LeaveByHistory(t *testing.T) {
	t.Parallel()
	onDraft(t, byHistory, leavesDraft)
}

// TestBeforeSwitch_OneQuestionByHistory is TestBeforeSwitch_OneQuestion with routes on the
// History API.
func TestBeforeSwitch_OneQuestionByHistory(t *testing.T) {
	t.Parallel()
	onDraft(t, byHistory, askedOnce)
}

// TestDrafts_BackByTheHistoryAPI: in browsers without the Navigation API a blocker is asked
// before the tab follows Back, too.
func TestDrafts_BackByTheHistoryAPI(t *testing.T) {
	t.Parallel()
	for wiring, entry := range wirings {
		t.Run(wiring, func(t *testing.T) {
			d, tab := example.Open(t, entry)
			chrome.Before(t, tab, posts+`Object.defineProperty(globalThis, "navigation", { value: undefined });`)
			example.SignIn(t, d, tab, "/globex/notes", "alice")
			for _, test := range []func(*testing.T, context.Context, func(*testing.T, context.Context)){staysWithDraft, leavesDraft} {
				chrome.Go(t, tab, d.Origin+"/globex/notes")
				writesDraft(t, tab)
				test(t, tab, exits["back"])
			}
			example.NoErrors(t, tab)
		})
	}
}

// TestDrafts_StayIsReported: the routes report that the switch did not happen.
func TestDrafts_StayIsReported(t *testing.T) {
	t.Parallel()
	for wiring, entry := range wirings {
		t.Run(wiring, func(t *testing.T) {
			d, tab := example.Open(t, entry)
			example.SignIn(t, d, tab, "/acme/notes", "alice")
			awaitRoute(t, tab, "/acme/notes", "acme")
			chrome.Press(t, tab, "#draft")
			chrome.Key(t, tab, "x")
			for _, call := range []string{`tabard.switchOrganization("globex")`, `routes.go("/globex/notes")`} {
				got := chrome.Eval[string](t, tab, call+`.then(({ status, code }) => [status, code, routes.state.status, routes.state.result?.code].join(" "))`)
				if got != "overtaken navigation_blocked stayed navigation_blocked" {
					t.Errorf("%s: %s", call, got)
				}
			}
			example.NoErrors(t, tab)
		})
	}
}

// TestDrafts_TwoBacksAtOnce: React Router loses its way where Back comes twice before it has
// answered once. The person is asked about where they would be, and either answer counts.
func TestDrafts_TwoBacksAtOnce(t *testing.T) {
	t.Parallel()
	for wiring, entry := range wirings {
		t.Run(wiring, func(t *testing.T) {
			d, tab := example.Open(t, entry)
			example.SignIn(t, d, tab, "/acme/notes", "alice")
			inInitechFromAcme(t, tab)
			for range 2 {
				chrome.Eval[any](t, tab, twoBacks)
				chrome.Await(t, tab, asksAboutAcme)
				chrome.Press(t, tab, "#stay")
				chrome.Await(t, tab, `!document.querySelector("#stay")`)
				if got := chrome.Eval[string](t, tab, whereabouts); got != "/initech/notes /initech/notes initech x" {
					t.Fatalf("after staying: %s", got)
				}
			}
			chrome.Eval[any](t, tab, twoBacks)
			chrome.Await(t, tab, asksAboutAcme)
			chrome.Press(t, tab, "#leave")
			awaitRoute(t, tab, "/acme/notes", "acme")
			if got := chrome.Eval[string](t, tab, whereabouts); got != "/acme/notes /acme/notes acme " {
				t.Errorf("after leaving: %s", got)
			}
			example.NoErrors(t, tab)
		})
	}
}

// besides are what pages have beside the form whose router asks.
var besides = map[string]string{
	"nothing":                     ``,
	"a layout without the name":   `globalThis.unnamed = true;`,
	"a listener with no question": `addEventListener("load", () => globalThis.tabard?.beforeSwitch(() => {}));`,
}

// TestDrafts_TypedWhileALoaderRuns: the router asked before its loader ran. What is typed
// meanwhile is asked about before the tab goes, although the page is hidden as soon as the router is ahead.
func TestDrafts_TypedWhileALoaderRuns(t *testing.T) {
	t.Parallel()
	for beside, script := range besides {
		t.Run(beside, func(t *testing.T) {
			typedWhileAhead(t, script, func(tab context.Context) {
				held := chrome.Hold(t, tab, "*/api/organizations/org_globex/*")
				chrome.Press(t, tab, "#to-globex")
				chrome.Await(t, tab, `router.state.navigation.state === "loading"`)
				chrome.Press(t, tab, "#draft")
				chrome.Key(t, tab, "x")
				held.Release(t)
			})
		})
	}
}

// TestDrafts_RedirectOfAnAction: a router asks nothing about where an action leads. The page asks
// before the tab goes.
func TestDrafts_RedirectOfAnAction(t *testing.T) {
	t.Parallel()
	for beside, script := range besides {
		t.Run(beside, func(t *testing.T) {
			typedWhileAhead(t, script, func(tab context.Context) {
				chrome.Press(t, tab, "#draft")
				chrome.Key(t, tab, "x")
				chrome.Press(t, tab, "#create")
			})
		})
	}
}

// typedWhileAhead takes the router ahead of a question about a draft. The person stays, and then leaves.
func typedWhileAhead(t *testing.T, script string, goes func(context.Context)) {
	t.Helper()
	d, tab := example.Open(t, "../test/loaders.tsx")
	chrome.Before(t, tab, script)
	example.SignIn(t, d, tab, "/acme/notes", "alice")
	awaitRoute(t, tab, "/acme/notes", "acme")
	goes(tab)
	chrome.Await(t, tab, `document.querySelector("#stay")?.checkVisibility()`)
	chrome.Press(t, tab, "#stay")
	chrome.Await(t, tab, `!document.querySelector("#stay")`)
	if got := chrome.Eval[string](t, tab, whereabouts+` + " " + document.querySelector("#draft").checkVisibility()`); got != "/acme/notes /acme/notes acme x true" {
		t.Errorf("after staying: %s", got)
	}
	chrome.Press(t, tab, "#to-globex")
	chrome.Press(t, tab, "#leave")
	awaitRoute(t, tab, "/globex/notes", "globex")
	if got := chrome.Eval[string](t, tab, whereabouts); got != "/globex/notes /globex/notes globex " {
		t.Errorf("after leaving: %s", got)
	}
	example.NoErrors(t, tab)
}

// TestDrafts_FollowCalledTooEarly: a page that calls follow at each event of its router
// also calls it while a blocker asks. The tab stays until the router has reached its
// address.
func TestDrafts_FollowCalledTooEarly(t *testing.T) {
	t.Parallel()
	d, tab := example.Open(t, byNavigate)
	chrome.Before(t, tab, posts)
	example.SignIn(t, d, tab, "/globex/notes", "alice")
	awaitRoute(t, tab, "/globex/notes", "globex")
	move(t, tab, `routes.go("/acme/notes")`)
	awaitRoute(t, tab, "/acme/notes", "acme")
	chrome.Press(t, tab, "#draft")
	chrome.Key(t, tab, "x")
	chrome.Eval[any](t, tab, `{ globalThis.worn = new Set(); tabard.subscribe(({ organization }) => worn.add(organization?.slug)); }`)
	move(t, tab, `history.back()`)
	chrome.Await(t, tab, `document.querySelector("#stay") && location.pathname === "/acme/notes"`)
	chrome.Press(t, tab, "#stay")
	chrome.Press(t, tab, "#add")
	chrome.Await(t, tab, `posted.length > 0`)
	if got := chrome.Eval[string](t, tab, `posted.join() + " " + worn.has("globex")`); got != "acme acme 201 false" {
		t.Errorf("posted %s", got)
	}
	chrome.Press(t, tab, "#draft")
	chrome.Key(t, tab, "x")
	move(t, tab, `history.back()`)
	chrome.Press(t, tab, "#leave")
	awaitRoute(t, tab, "/globex/notes", "globex")
	example.NoErrors(t, tab)
}

// TestDrafts_EventIsStopped: the tab follows Back, and the navigation after
// it, even if another script stops the event's propagation.
func TestDrafts_EventIsStopped(t *testing.T) {
	t.Parallel()
	d, tab := example.Open(t, byNavigate)
	chrome.Before(t, tab, `addEventListener("popstate", (event) => globalThis.keeps && event.stopImmediatePropagation());`)
	example.SignIn(t, d, tab, "/globex/notes", "alice")
	awaitRoute(t, tab, "/globex/notes", "globex")
	move(t, tab, `routes.go("/acme/notes")`)
	awaitRoute(t, tab, "/acme/notes", "acme")
	move(t, tab, `globalThis.keeps = true; history.back()`)
	chrome.Await(t, tab, `tabard.state.organization?.slug === "globex"`)
	if !chrome.Eval[bool](t, tab, `history.go === History.prototype.go`) {
		t.Error("the page's history is not its own again")
	}
}
