//go:build long

package browser

import (
	"context"
	"testing"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/demo"
	"github.com/tabard-auth/tabard/browser_test/kit/example"
)

// TestBeforeSwitch_RouterNeedNotAskAgain: a page that has a question and a router with
// blockers asks once.
func TestBeforeSwitch_RouterNeedNotAskAgain(t *testing.T) {
	t.Parallel()
	for wiring, entry := range wirings {
		t.Run(wiring, func(t *testing.T) {
			d, tab := example.Open(t, entry)
			example.SignIn(t, d, tab, "/acme/notes", "alice")
			for _, way := range []string{"the switcher", "switchOrganization", "go"} {
				chrome.Go(t, tab, d.Origin+"/acme/notes")
				awaitRoute(t, tab, "/acme/notes", "acme")
				chrome.Eval[any](t, tab, askOnce)
				chrome.Press(t, tab, "#draft")
				chrome.Key(t, tab, "x")
				asks[way](t, tab)
				chrome.Await(t, tab, `questions.length > 0`)
				chrome.Eval[any](t, tab, `void answer(true)`)
				chrome.Await(t, tab, `location.pathname.startsWith("/globex/") && tabard.state.organization.slug === "globex" && routes.state.status === "settled" && document.querySelector("#draft")`)
				if got := chrome.Eval[string](t, tab, `[questions.join(), document.querySelector("#stay") ? "asked again" : "once", document.querySelector("#draft").value].join(" ")`); got != "acme>globex once " {
					t.Errorf("%s: %s", way, got)
				}
			}
			example.NoErrors(t, tab)
		})
	}
}

// TestBeforeSwitch_NoThirdQuestion: a blocker that does not know the page's question asks a
// second time, and the console says how to ask once. When the person leaves, that is all.
func TestBeforeSwitch_NoThirdQuestion(t *testing.T) {
	t.Parallel()
	d, tab := example.Open(t, byNavigate)
	chrome.Before(t, tab, `globalThis.lines = []; console.debug = (line) => lines.push(line);`)
	example.SignIn(t, d, tab, "/acme/notes", "alice")
	for _, way := range []string{"the switcher", "switchOrganization", "go"} {
		chrome.Go(t, tab, d.Origin+"/acme/notes")
		awaitRoute(t, tab, "/acme/notes", "acme")
		chrome.Eval[any](t, tab, askOnce+secondBlocker)
		asks[way](t, tab)
		chrome.Await(t, tab, `questions.length === 1`)
		chrome.Eval[any](t, tab, `void answer(true)`)
		chrome.Await(t, tab, `router.state.blockers.get("another").state === "blocked" && routes.state.status === "stayed" && lines.some((line) => line.includes("routes.blocker"))`)
		awaitRoute(t, tab, "/acme/notes", "acme")
		chrome.Eval[any](t, tab, `void router.state.blockers.get("another").proceed()`)
		chrome.Await(t, tab, `location.pathname.startsWith("/globex/") && tabard.state.organization.slug === "globex" && routes.state.status === "settled"`)
		if got := chrome.Eval[string](t, tab, `questions.join()`); got != "acme>globex" {
			t.Errorf("%s: asked %s", way, got)
		}
	}
}

// TestBeforeSwitch_PressThatGoes: a link is asked about once, also where the page's own handler
// goes by the routes.
func TestBeforeSwitch_PressThatGoes(t *testing.T) {
	t.Parallel()
	onEitherHistory(t, "alice", func(t *testing.T, d *demo.Demo, tab context.Context) {
		inAcmeFromGlobex(t, d, tab)
		chrome.Press(t, tab, "#globex-notes")
		chrome.Await(t, tab, `questions.length === 1`)
		chrome.Eval[any](t, tab, `void answer(false)`)
		awaitAddress(t, tab, "/acme/notes", "acme")
		chrome.Press(t, tab, "#globex-notes")
		chrome.Await(t, tab, `questions.length === 2`)
		chrome.Eval[any](t, tab, `{ globalThis.asked = 0; const give = answer; globalThis.answer = undefined; give(true); }`)
		awaitAddress(t, tab, "/globex/notes", "globex")
		if got := chrome.Eval[int](t, tab, `questions.length`); got != 2 {
			t.Errorf("two presses were asked about %d times", got)
		}
	})
}
