package browser_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/tabard-auth/tabard/browser_test/chrome"
	"github.com/tabard-auth/tabard/browser_test/demo"
	"github.com/tabard-auth/tabard/browser_test/wire"
)

// lacking are browsers that lack something, by the script that takes it away.
var lacking = map[string]string{
	"no Web Locks":                    `Object.defineProperty(Navigator.prototype, "locks", { get() {} });`,
	"Web Locks that never answer":     `LockManager.prototype.request = () => new Promise(() => {});`,
	"no BroadcastChannel":             `delete globalThis.BroadcastChannel;`,
	"no IndexedDB":                    `Object.defineProperty(globalThis, "indexedDB", { value: undefined });`,
	"localStorage blocked":            blocked("localStorage"),
	"localStorage full":               `Storage.prototype.setItem = new Proxy(Storage.prototype.setItem, { apply(f, area, args) { if (area === localStorage) throw new DOMException("full", "QuotaExceededError"); return Reflect.apply(f, area, args); } });`,
	"sessionStorage blocked":          blocked("sessionStorage"),
	"sessionStorage without any room": `Storage.prototype.setItem = new Proxy(Storage.prototype.setItem, { apply(f, area, args) { if (area === sessionStorage) throw new DOMException("full", "QuotaExceededError"); return Reflect.apply(f, area, args); } });`,
}

// blocked lets reading a storage area throw, as it does where people forbid it.
func blocked(area string) string {
	return fmt.Sprintf(`Object.defineProperty(globalThis, %q, { get() { throw new DOMException("blocked", "SecurityError"); } });`, area)
}

// TestP1ABrowserThatLacksSomethingServesEachTabStill: two tabs, two organisations, and
// a sign-out that reaches both. Where nothing can be remembered, a reload asks again.
func TestP1ABrowserThatLacksSomethingServesEachTabStill(t *testing.T) {
	d := demo.Start(t)
	browser := chrome.New(t)
	for name, script := range lacking {
		t.Run(name, func(t *testing.T) {
			first := chrome.Person(t, browser)
			second := chrome.Tab(t, first)
			tabs := map[string]context.Context{"acme": first, "globex": second}
			for _, tab := range tabs {
				chrome.Before(t, tab, script)
			}
			d.SignIn(t, first, "alice")
			for organization, tab := range tabs {
				d.Open(t, tab, organization)
			}
			remembers := !chrome.Eval[bool](t, first, `(() => { try { return sessionStorage.length === 0; } catch { return true; } })()`)
			for organization, tab := range tabs {
				chrome.Reload(t, tab)
				if remembers {
					demo.Wears(t, tab, organization)
				} else {
					demo.Screen(t, tab, "choose")
					d.Open(t, tab, organization)
				}
				if got := notes(t, tab, organization); got != 200 {
					t.Errorf("the API answers the tab of %s with %d", organization, got)
				}
			}
			chrome.Eval[any](t, first, `tabard.signOut().then(() => null)`)
			demo.Screen(t, first, "signed_out")
			demo.Screen(t, second, "signed_out")
		})
	}
}

// TestP1APrerenderedPageWaitsUntilItIsSeen: it asks for nothing and shows nothing of
// what the tab wore when it was made ready.
func TestP1APrerenderedPageWaitsUntilItIsSeen(t *testing.T) {
	w := wire.New(t)
	d := demo.Start(t)
	tab := chrome.New(t, chrome.Through(w.Address))
	chrome.WithoutPolicy(t, tab)
	d.SignIn(t, tab, "alice")
	d.Open(t, tab, "acme")
	id := tabID(t, tab)
	w.Forget()
	chrome.Eval[any](t, tab, `document.head.append(Object.assign(document.createElement("script"), {
		type: "speculationrules",
		textContent: JSON.stringify({ prerender: [{ urls: ["/?prerendered"], eagerness: "immediate" }] }),
	}))`)
	w.Await(t, "/?prerendered")
	chrome.Eval[any](t, tab, `tabard.switchOrganization("globex").then(() => null)`)
	demo.Wears(t, tab, "globex")
	if asked := w.Seen("/token"); len(asked) != 1 {
		t.Errorf("%d tokens were asked for, want that of the switch alone", len(asked))
	}
	chrome.Eval[any](t, tab, `void setTimeout(() => location.assign("/?prerendered"))`)
	chrome.Await(t, tab, `performance.getEntriesByType("navigation")[0].activationStart > 0`)
	demo.Wears(t, tab, "globex")
	if got := tabID(t, tab); got != id {
		t.Errorf("the id is %s, was %s", got, id)
	}
	awaitLocks(t, tab, id)
	if got := notes(t, tab, "globex"); got != 200 {
		t.Errorf("the API answers %d", got)
	}
	if asked := w.Seen("/token"); len(asked) != 1 {
		t.Errorf("%d tokens were asked for, want that of the switch alone", len(asked))
	}
}
