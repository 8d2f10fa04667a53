//go:build long

package browser

import (
	"context"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/demo"
)

// TestRestoredTabs_Fifty: of fifty tabs whose pages are loaded from the history while
// they are hidden, as a browser loads those that it restores, none has a module but the one
// that is looked at.
func TestRestoredTabs_Fifty(t *testing.T) {
	d := demo.Start(t)
	front := chrome.New(t, chromedp.Flag("disable-back-forward-cache", true))
	d.SignIn(t, front, "alice")
	d.Open(t, front, "acme")
	var hidden []context.Context
	for range 49 {
		tab := chrome.InFront(t, front)
		d.Open(t, tab, "acme")
		chrome.Go(t, tab, "about:blank")
		hidden = append(hidden, tab)
	}
	chrome.Show(t, front)
	for i, tab := range hidden {
		chrome.Back(t, tab)
		demo.AwaitActive(t, tab, "acme")
		if !chrome.Eval[bool](t, tab, `document.hidden && performance.getEntriesByType("navigation")[0].type === "back_forward"`) {
			t.Fatalf("tab %d is not loaded as a restored one", i)
		}
	}
	modules := 0
	for _, tab := range append(hidden, front) {
		if chrome.Eval[bool](t, tab, hasModule) {
			modules++
		}
	}
	if modules != 1 {
		t.Errorf("%d of fifty tabs have a module", modules)
	}
	chrome.Show(t, hidden[48])
	chrome.Await(t, hidden[48], hasModule+` && tabard.state.status === "active"`)
}
