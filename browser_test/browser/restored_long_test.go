//go:build long

package browser

import (
	"context"
	"net/http"
	"testing"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/demo"
)

// TestRestoredTabs_AsManyAsLoad is TestRestoredTabs_OneModule for who leaves everything
// open: Chromium loads about twenty tabs by itself, and the others when they are looked at.
func TestRestoredTabs_AsManyAsLoad(t *testing.T) { oneModule(t, 20) }

// TestRestoredTabs_OneModule: of the tabs that a browser restores, the one that is looked
// at has a module. The others show their organization and serve its token, load a module
// when they are looked at, and hear of a sign-out before that.
func TestRestoredTabs_OneModule(t *testing.T) {
	t.Parallel()
	oneModule(t, 4)
}

// restored opens tabs of one person, closes the browser, and returns the tabs that it
// restores. None is in front.
func restored(t *testing.T, d *demo.Demo, n int) []context.Context {
	t.Helper()
	profile := t.TempDir()
	browser := chrome.Open(t, profile)
	d.SignIn(t, browser, "alice")
	d.Open(t, browser, "acme")
	for range n - 1 {
		d.Open(t, chrome.InFront(t, browser), "acme")
	}
	chrome.Close(t, browser)
	tabs := chrome.Restore(t, profile, d.Origin, n)
	for _, tab := range tabs {
		chrome.Await(t, tab, `document.hidden && globalThis.tabard`)
	}
	return tabs
}

func oneModule(t *testing.T, restoredTabs int) {
	t.Helper()
	d := demo.Start(t)
	tabs := restored(t, d, restoredTabs)
	front, hidden := tabs[0], tabs[1:]
	chrome.Show(t, front)
	demo.AwaitActive(t, front, "acme")
	chrome.Await(t, front, hasModule)
	for _, tab := range hidden {
		demo.AwaitActive(t, tab, "acme")
		if got := demo.Notes(t, tab, "acme"); got != http.StatusOK {
			t.Errorf("the API answers with %d", got)
		}
	}
	for i, tab := range hidden {
		if chrome.Eval[bool](t, tab, hasModule) {
			t.Errorf("hidden tab %d has a module", i)
		}
	}
	chrome.Show(t, hidden[0])
	chrome.Await(t, hidden[0], hasModule+` && tabard.state.status === "active"`)
	chrome.Eval[any](t, front, `tabard.signOut().then(() => null)`)
	for _, tab := range hidden[1:] {
		chrome.Await(t, tab, `tabard.state.status === "starting" && tabard.partition.key === ""`)
	}
	chrome.Show(t, hidden[1])
	demo.AwaitScreen(t, hidden[1], "signed_out")
}
