package browser

import (
	"testing"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/demo"
	"github.com/tabard-auth/tabard/browser_test/kit/example"
)

// TestBeforeSwitch_EntryIsGone: a yes leads to the address of an entry also where the browser
// has the entry no more.
func TestBeforeSwitch_EntryIsGone(t *testing.T) {
	t.Parallel()
	d, tab := example.Open(t, byNavigate)
	example.SignIn(t, d, tab, "/globex/notes", "alice")
	writesDraft(t, tab)
	chrome.Eval[any](t, tab, askOnce+`; navigation.traverseTo = () => {
		const gone = Promise.reject(new DOMException("Invalid key", "InvalidStateError"));
		return { committed: gone, finished: gone };
	}; undefined`)
	chrome.Press(t, tab, "h1")
	move(t, tab, `history.back()`)
	chrome.Await(t, tab, `questions.length === 1 || document.querySelector("#leave")`)
	chrome.Eval[any](t, tab, `void (globalThis.answer ? answer(true) : document.querySelector("#leave").click())`)
	awaitRoute(t, tab, "/globex/notes", "globex")
	example.NoErrors(t, tab)
}

// TestBeforeSwitch_LinkToAnotherPage: a link that no router takes is asked about too.
func TestBeforeSwitch_LinkToAnotherPage(t *testing.T) {
	t.Parallel()
	d, tab := example.Open(t, wirings["the router's navigate"])
	example.SignIn(t, d, tab, "/acme/notes", "alice")
	awaitRoute(t, tab, "/acme/notes", "acme")
	chrome.Eval[any](t, tab, askOnce+`; document.querySelector("nav").insertAdjacentHTML("afterend", '<a id="plain" href="/globex/notes">Globex</a>'); undefined`)
	for _, agrees := range []string{"false", "true"} {
		chrome.Press(t, tab, "#plain")
		chrome.Await(t, tab, `globalThis.answer && location.pathname === "/acme/notes"`)
		move(t, tab, `{ const said = answer; answer = undefined; said(`+agrees+`); }`)
		chrome.Await(t, tab, `routes.state.status === "stayed" || !globalThis.questions`)
	}
	awaitRoute(t, tab, "/globex/notes", "globex")
}

// TestSwitcher_DoesNotCoverTheQuestion: its menu closes while the page asks.
func TestSwitcher_DoesNotCoverTheQuestion(t *testing.T) {
	t.Parallel()
	d, tab := example.Open(t, wirings["the router's navigate"])
	example.SignIn(t, d, tab, "/acme/notes", "alice")
	awaitRoute(t, tab, "/acme/notes", "acme")
	chrome.Eval[any](t, tab, askOnce)
	demo.Choose(t, tab, "globex")
	chrome.Await(t, tab, `questions.length === 1 && !document.querySelector("tabard-switcher").shadowRoot.querySelector(":popover-open")`)
	chrome.Eval[any](t, tab, `void answer(false)`)
	awaitRoute(t, tab, "/acme/notes", "acme")
}
