//go:build long

package browser

import (
	"context"
	"testing"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/demo"
)

// TestConsole_NothingStandsOnItAfterAVisit: neither an error nor a hint of the browser's,
// in two tabs, from the first visit over a choice, a switch, a step-up and an organization
// that is left to the sign-out.
func TestConsole_NothingStandsOnItAfterAVisit(t *testing.T) {
	t.Parallel()
	d := demo.Start(t)
	tab := chrome.New(t)
	console := chrome.Watch(t, tab)
	d.SignIn(t, tab, "dana")
	chrome.Press(t, tab, `#choices [data-organization="acme"] .menu-row`)
	demo.AwaitActive(t, tab, "acme")
	chrome.Await(t, tab, `document.querySelectorAll("#note-list li").length > 0`)
	demo.Choose(t, tab, "globex")
	demo.AwaitActive(t, tab, "globex")
	other := chrome.Opened(t, tab, `tabard.openTab("acme")`)
	second := chrome.Watch(t, other)
	demo.AwaitActive(t, other, "acme")
	chrome.Show(t, tab) // a page behind another never paints
	demo.Choose(t, tab, "lamna")
	demo.Confirm(t, tab)
	confirm(t, tab)
	demo.AwaitActive(t, tab, "lamna")
	chrome.Press(t, tab, "#person")
	chrome.Press(t, tab, "#sign-out-organization")
	demo.AwaitScreen(t, tab, "ended")
	chrome.Eval[any](t, other, `tabard.signOut().then(() => null)`)
	for _, each := range []context.Context{tab, other} {
		demo.AwaitScreen(t, each, "signed_out")
	}
	if lines := append(console.Lines(""), second.Lines("")...); len(lines) != 0 {
		t.Errorf("on the console: %q", lines)
	}
}
