package browser

import (
	"testing"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/demo"
	"github.com/tabard-auth/tabard/browser_test/kit/example"
)

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
