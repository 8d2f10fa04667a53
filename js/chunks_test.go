package js_test

import (
	"net/http"
	"testing"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
)

// TestChunks_LiveTab: a live tab loads the client and none of its chunks.
func TestChunks_LiveTab(t *testing.T) {
	_, _, tab, _ := inAcme(t)
	gives(t, tab, `tabard.switchOrganization("globex").then((r) => r.status)`, "switched")
	gives(t, tab, `tabard.fetch("/api/echo").then((r) => String(r.status))`, "200")
	chrome.Reload(t, tab)
	await(t, tab, "active")
	const loaded = `performance.getEntriesByType("resource").map((e) => e.name.match(/client\/([a-z]+)\.js$/)?.[1]).filter(Boolean).join()`
	gives(t, tab, loaded, "tabard")
}

// TestChunks_NotLoaded: a call whose chunk cannot be loaded is refused with a code, and
// changes nothing.
func TestChunks_NotLoaded(t *testing.T) {
	_, server := newApp(t, http.HandlerFunc(app))
	tab := chrome.Guest(t)
	chrome.Block(t, tab, "*://*:*/*/calls.js")
	chrome.Go(t, tab, server.URL)
	await(t, tab, "signed_out")
	gives(t, tab, `tabard.signIn().catch((e) => e.name + " " + e.code + " " + e.action)`, "TabardError temporarily_unavailable retry")

	_, _, tab, token := inAcme(t)
	chrome.Block(t, tab, "*://*:*/*/calls.js")
	for _, call := range []string{
		`signOut()`, `signOut({ scope: "organization" })`, `sessions()`, `endSession("ses_1")`, `stepUp()`,
	} {
		gives(t, tab, `tabard.`+call+`.catch((e) => e.code + " " + e.action)`, "temporarily_unavailable retry")
	}
	chrome.Eval[any](t, tab, `{ globalThis.stop = tabard.beforeSwitch(() => true); }`)
	gives(t, tab, `tabard.switchOrganization("globex").then((r) => [r.status, r.code].join(" "))`, "unavailable temporarily_unavailable")
	gives(t, tab, `tabard.getToken()`, token)
	gives(t, tab, `tabard.state.status + " " + tabard.state.organization.slug`, "active acme")
	chrome.Eval[any](t, tab, `stop()`)
	for chunk, call := range map[string]string{
		"stepup": `stepUp()`, "acting": `proof("/api/echo")`, "ending": `signOut()`, "lend": `lend()`, "connect": `connect("/api/live")`, "question": `switchOrganization("globex")`,
		"window": `stepUp({ popup: true })`, "signin": `signIn({ popup: true })`,
	} {
		t.Run(chunk, func(t *testing.T) {
			_, _, tab, _ := inAcme(t)
			chrome.Block(t, tab, "*://*:*/*/"+chunk+".js")
			chrome.Eval[any](t, tab, `{ tabard.beforeSwitch(() => true); globalThis.opened = []; const open = window.open; window.open = (...given) => (opened.push(open(...given)), opened.at(-1)); }`)
			want := "temporarily_unavailable retry"
			if chunk == "question" {
				want = "switch_declined stop" // and nothing has changed
			}
			gives(t, tab, `tabard.`+call+`.then((r) => r, (e) => e).then((e) => e.code + " " + e.action)`, want)
			await(t, tab, "active")
			if !chrome.Eval[bool](t, tab, `opened.every((popup) => !popup || popup.closed)`) {
				t.Error("an empty window stays open")
			}
		})
	}
	gives(t, tab, `tabard.switchOrganization("globex").then((r) => r.status)`, "switched")
}
