package browser

import (
	"context"
	"testing"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/example"
)

// whereabouts are the address, the router's location, the tab's organization and the draft.
const whereabouts = `[location.pathname, router.state.location.pathname, tabard.state.organization?.slug, document.querySelector("#draft")?.value].join(" ")`

// inInitechFromAcme is in Initech by way of Acme and Globex, with a draft.
func inInitechFromAcme(t *testing.T, tab context.Context) {
	t.Helper()
	awaitRoute(t, tab, "/acme/notes", "acme")
	for _, slug := range []string{"globex", "initech"} {
		chrome.Press(t, tab, "#to-"+slug)
		awaitRoute(t, tab, "/"+slug+"/notes", slug)
	}
	chrome.Press(t, tab, "#draft")
	chrome.Key(t, tab, "x")
}

// twoBacks goes back twice before the page hears of the first.
const twoBacks = `void setTimeout(() => { history.back(); history.back(); })`

// asksAboutAcme is whether the router asks, at Initech's address, about going to Acme's.
const asksAboutAcme = `document.querySelector("#stay") && location.pathname === "/initech/notes" &&
	[...router.state.blockers.values()].some(({ state, location }) => state === "blocked" && location.pathname === "/acme/notes")`

// TestBeforeSwitch_TwoBacksAtOnce: where the page asks before its router does, there is one
// question as well.
func TestBeforeSwitch_TwoBacksAtOnce(t *testing.T) {
	t.Parallel()
	d, tab := example.Open(t, byNavigate)
	example.SignIn(t, d, tab, "/acme/notes", "alice")
	inInitechFromAcme(t, tab)
	chrome.Eval[any](t, tab, askAboutDraft)
	chrome.Eval[any](t, tab, twoBacks)
	chrome.Await(t, tab, `globalThis.answer`)
	chrome.Eval[any](t, tab, `void answer(false)`)
	chrome.Await(t, tab, `routes.state.status === "stayed"`)
	if got := chrome.Eval[string](t, tab, whereabouts+` + " " + questions + Boolean(document.querySelector("#stay"))`); got != "/initech/notes /initech/notes initech x 1false" {
		t.Errorf("after staying: %s", got)
	}
	chrome.Eval[any](t, tab, `{ globalThis.answer = undefined; `+twoBacks+` }`)
	chrome.Await(t, tab, `globalThis.answer`)
	chrome.Eval[any](t, tab, `void answer(true)`)
	chrome.Await(t, tab, `routes.state.status === "settled" && tabard.state.organization.slug !== "initech"`)
	if got := chrome.Eval[int](t, tab, `questions`); got != 2 {
		t.Errorf("asked %d times about two tries", got)
	}
}

// TestDrafts_AddressChangedPastTheRouter: the router asks also where a script that knows nothing
// of it changes the address.
func TestDrafts_AddressChangedPastTheRouter(t *testing.T) {
	t.Parallel()
	d, tab := example.Open(t, byNavigate)
	example.SignIn(t, d, tab, "/acme/notes", "alice")
	awaitRoute(t, tab, "/acme/notes", "acme")
	for _, method := range []string{"pushState", "replaceState"} {
		chrome.Press(t, tab, "#draft")
		chrome.Key(t, tab, "x")
		past := `history.` + method + `(null, "", "/globex/x")`
		chrome.Eval[any](t, tab, past)
		chrome.Await(t, tab, `document.querySelector("#stay")`)
		if got := chrome.Eval[string](t, tab, whereabouts); got != "/acme/notes /acme/notes acme x" {
			t.Fatalf("%s, while asked: %s", method, got)
		}
		chrome.Press(t, tab, "#stay")
		chrome.Await(t, tab, `!document.querySelector("#stay")`)
		if got := chrome.Eval[string](t, tab, whereabouts); got != "/acme/notes /acme/notes acme x" {
			t.Fatalf("%s, after staying: %s", method, got)
		}
		chrome.Press(t, tab, "#draft")
		chrome.Key(t, tab, "y") // which is asked about anew
		chrome.Eval[any](t, tab, past)
		chrome.Await(t, tab, `document.querySelector("#leave")`)
		chrome.Press(t, tab, "#leave")
		awaitRoute(t, tab, "/globex/x", "globex")
		if got := chrome.Eval[string](t, tab, whereabouts); got != "/globex/x /globex/x globex " {
			t.Fatalf("%s, after leaving: %s", method, got)
		}
		move(t, tab, `routes.go("/acme/notes")`)
		awaitRoute(t, tab, "/acme/notes", "acme")
	}
	example.NoErrors(t, tab)
}
