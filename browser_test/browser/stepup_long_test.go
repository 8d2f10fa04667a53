//go:build long

package browser

import (
	"testing"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/demo"
)

// TestStepUp_DoneInAnotherTab is noticed by the tab that waits for a window.
func TestStepUp_DoneInAnotherTab(t *testing.T) {
	t.Parallel()
	d := demo.Start(t)
	tab := chrome.Guest(t)
	exporting(t, d, tab)
	chrome.OpenedBy(t, tab, func() { chrome.Press(t, tab, "#note-confirm-window") })
	other := chrome.Tab(t, tab)
	d.Open(t, other, "acme")
	chrome.Press(t, other, "#note-export")
	chrome.Press(t, other, "#note-confirm-here")
	chrome.Press(t, other, "#second-factor-alice")
	demo.AwaitActive(t, other, "acme")
	chrome.Await(t, tab, exported)
}

// TestStepUp_CanceledInAWindow says so in the page, which offers it again.
func TestStepUp_CanceledInAWindow(t *testing.T) {
	t.Parallel()
	d := demo.Start(t)
	tab := chrome.Guest(t)
	exporting(t, d, tab)
	popup := chrome.OpenedBy(t, tab, func() { chrome.Press(t, tab, "#note-confirm-window") })
	chrome.Press(t, popup, "#cancel")
	chrome.Press(t, popup, "main a") // the page with the provider's error
	chrome.Await(t, tab, `document.querySelector("#note-problem").textContent.includes("access_denied") && document.querySelector("#note-confirm").checkVisibility()`)
	chrome.AwaitClosed(t, popup)
	demo.AwaitActive(t, tab, "acme")
}

// TestStepUp_WindowBlocked: a browser that opens no window leads to the code of that,
// and the page can be left instead.
func TestStepUp_WindowBlocked(t *testing.T) {
	t.Parallel()
	d := demo.Start(t)
	tab := chrome.Guest(t)
	chrome.AgreeToLeave(t, tab)
	exporting(t, d, tab)
	const ask = `tabard.fetch("/api/organizations/org_acme/notes/export").catch((error) => (globalThis.refused = error).continue({ popup: true })).catch((error) => (globalThis.blocked = error).code)`
	chrome.Eval[any](t, tab, `void (window.open = () => null)`)
	if got := chrome.Eval[string](t, tab, ask); got != "popup_blocked" {
		t.Fatalf("the error is %s", got)
	}
	chrome.Eval[any](t, tab, `void blocked.continue()`)
	chrome.Press(t, tab, "#second-factor-alice")
	demo.AwaitActive(t, tab, "acme")
}
