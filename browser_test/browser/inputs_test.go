package browser

import (
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/demo"
	"github.com/tabard-auth/tabard/browser_test/kit/example"
	"github.com/tabard-auth/tabard/browser_test/kit/faultproxy"
)

// TestInputs_AScriptOnEveryPrototype: only the backend's script runs, whichever
// properties another script has set on Object.prototype.
func TestInputs_AScriptOnEveryPrototype(t *testing.T) {
	t.Parallel()
	d := demo.Start(t)
	tab := chrome.Guest(t)
	chrome.Before(t, tab, `for (const [name, value] of Object.entries({ module: "/evil/module.json", organization: "globex", backend: "/evil", apis: ["https://evil.example"],
		access_token: "evil", session: "evil", error: "login_required" })) Object.defineProperty(Object.prototype, name, { value, writable: true, configurable: true });`)
	d.SignIn(t, tab, "alice")
	d.Open(t, tab, "acme")
	if got := chrome.Eval[bool](t, tab, `performance.getEntriesByType("resource").some((e) => e.name.includes("evil"))`); got {
		t.Error("the page loaded from a stranger's address")
	}
}

// TestInputs_Messages: no message that a script sends on the client's channel stops a
// module.
func TestInputs_Messages(t *testing.T) {
	t.Parallel()
	d := demo.Start(t)
	tab := chrome.Guest(t)
	chrome.Before(t, tab, example.KeepErrors)
	d.SignIn(t, tab, "alice")
	d.Open(t, tab, "acme")
	other := chrome.Tab(t, tab)
	d.Open(t, other, "globex")
	chrome.Eval[any](t, other, `(async () => {
		const channel = new BroadcastChannel("tabard:" + new URL("/auth", location.href));
		const cyclic = {}; cyclic.self = cyclic;
		for (const message of [10n, Object(10n), cyclic, [], null, undefined, 7, NaN, new ArrayBuffer(8), new Blob(["x"]), new Map([[10n, 10n]]), "x".repeat(1 << 24), "look again"]) channel.postMessage(message);
		for (const value of [10n, Symbol(), {}]) await tabard.endSession(value).catch(() => {});
		return null;
	})()`)
	chrome.Eval[any](t, other, `tabard.signOut().then(() => null)`) // the other tab's module hears of it
	chrome.Await(t, tab, `tabard.state.status === "signed_out"`)
	example.NoErrors(t, tab)
}

// TestInputs_ReplacedDeviceKey: a script has stored another value in its place. A
// session is bound nevertheless, to a key that the backend accepts.
func TestInputs_ReplacedDeviceKey(t *testing.T) {
	t.Parallel()
	d := demo.Start(t)
	browser := chrome.Guest(t)
	for name, value := range map[string]string{
		"a number": `10n`, "what looks like a pair": `{ publicKey: { type: "public" }, privateKey: { type: "private" } }`,
		"a pair of another curve":   `await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-384" }, false, ["sign", "verify"])`,
		"a pair that signs nothing": `await crypto.subtle.generateKey({ name: "ECDH", namedCurve: "P-256" }, false, ["deriveKey"])`,
	} {
		t.Run(name, func(t *testing.T) {
			tab := chrome.Person(t, browser)
			chrome.Go(t, tab, d.Origin)
			chrome.Await(t, tab, `document.body.dataset.screen === "signed_out"`)
			chrome.Eval[any](t, tab, `(async () => {
				const value = `+value+`;
				await new Promise((resolve, reject) => {
					const open = indexedDB.open("tabard", 1);
					open.onsuccess = () => {
						const keys = open.result.transaction("keys", "readwrite").objectStore("keys");
						const names = keys.getAllKeys();
						names.onsuccess = () => {
							if (names.result.length !== 1) reject(new Error("keys: " + names.result));
							keys.put(value, names.result[0]).onsuccess = () => (open.result.close(), resolve());
						};
					};
				});
				return null;
			})()`)
			d.SignIn(t, tab, "alice")
			d.Open(t, tab, "acme")
			chrome.Await(t, tab, `tabard.state.deviceBound`)
		})
	}
}

// TestInputs_WhatIsCheckedIsWhatRuns: if a server returns another wasm_exec.js for the
// first request, or for the one after that by which a page has seen the right one, that script
// is not run.
func TestInputs_WhatIsCheckedIsWhatRuns(t *testing.T) {
	t.Parallel()
	w := faultproxy.New(t)
	d := demo.Start(t)
	exec := assets(t)["wasm_exec.js"]
	var asked atomic.Int32
	judged := make(chan struct{}) // both ways, for each of the two addresses that a page knows
	tab := loading(t, w, d, exec, func(out http.ResponseWriter, r *http.Request) bool {
		script := readAsset(t, exec)
		n := asked.Add(1)
		if n == 7 {
			close(judged)
		}
		if n == 1 || n%2 == 0 {
			script += "\nglobalThis.stranger = true;"
		}
		return faultproxy.Answer(http.StatusOK, script, "Content-Type", "text/javascript", "Cache-Control", "no-store")(out, r)
	})
	awaitUnavailable(t, tab)
	awaitRequest(t, judged)
	if chrome.Eval[bool](t, tab, `"stranger" in globalThis`) {
		t.Error("a script ran unchecked")
	}
	w.SetAt(exec, nil)
	chrome.Await(t, tab, `tabard.state.status === "signed_out"`)
}
