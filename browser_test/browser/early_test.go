package browser

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/demo"
	"github.com/tabard-auth/tabard/browser_test/kit/faultproxy"
)

// hasModule reports whether a page has loaded the module.
const hasModule = `performance.getEntriesByType("resource").some((e) => e.name.endsWith(".wasm"))`

// TestModule_FetchedBeforeTheCall: a page that imports the backend's file, and does not
// call it yet, loads the module already.
func TestModule_FetchedBeforeTheCall(t *testing.T) {
	t.Parallel()
	d := demo.Start(t)
	tab := chrome.Guest(t)
	chrome.Go(t, tab, d.Origin+"/style.css")
	chrome.Eval[any](t, tab, `import("/auth/client/tabard.js").then(() => null)`)
	chrome.Await(t, tab, hasModule)
}

// TestSignIn_BeforeTheModule: whoever is not signed in sees so and signs in while the
// module is on its way. The session is bound to the device key, and the tab enters the
// organization that was asked for.
func TestSignIn_BeforeTheModule(t *testing.T) {
	t.Parallel()
	w := faultproxy.New(t)
	d := demo.Start(t)
	browser := chrome.New(t, chrome.WithProxy(w.Address))
	var proven atomic.Int32
	w.SetAt("/auth/login", func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("DPoP") != "" {
			proven.Add(1)
		}
		return false
	})
	for _, c := range []struct {
		name     string
		before   func(t *testing.T, d *demo.Demo, tab context.Context) // somebody was signed in
		requests int
	}{
		{"a new browser", nil, 1}, {"after a sign-out", signedOut, 1}, {"after a session that ended", sessionEnded, 1},
		{"after a session whose cookie went", cookieForgotten, 1}, {"with a nonce in proofs", signedOut, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.requests == 2 { // the server reads it when somebody is signed in
				d.Apply(t, d.Workspace(t)+"\nproof_nonce: true\n")
			}
			tab := chrome.Person(t, browser)
			if c.before != nil {
				d.SignIn(t, tab, "dana")
				d.Open(t, tab, "acme")
				c.before(t, d, tab)
			}
			w.Forget()
			proven.Store(0)
			held := chrome.Hold(t, tab, "*.wasm")
			chrome.Go(t, tab, d.Origin)
			demo.AwaitScreen(t, tab, "signed_out")
			chrome.Eval[any](t, tab, `void tabard.signIn({ organization: "globex", prompt: "login" })`)
			chrome.Press(t, tab, "#person-alice")
			chrome.Await(t, tab, `globalThis.tabard?.state.status === "starting"`)
			held.Release(t)
			demo.AwaitActive(t, tab, "globex")
			if begun := w.Seen("/auth/login"); len(begun) != c.requests || int(proven.Load()) != c.requests {
				t.Errorf("the sign-in began with %d requests, %d with a proof, want %d", len(begun), proven.Load(), c.requests)
			}
			if !chrome.Eval[bool](t, tab, `tabard.state.deviceBound`) {
				t.Error("the session has no device key")
			}
			if note := chrome.Eval[string](t, tab, `sessionStorage.getItem(Object.keys(sessionStorage).find((name) => name.endsWith(":left"))) ?? ""`); note != "" {
				t.Errorf("the note is still there: %s", note)
			}
		})
	}
}

func signedOut(t *testing.T, _ *demo.Demo, tab context.Context) {
	chrome.Eval[any](t, tab, `tabard.signOut().then(() => null)`)
}

// sessionEnded ends the sessions at the backend, which the browser does not know: its epoch
// names one.
func sessionEnded(t *testing.T, d *demo.Demo, tab context.Context) {
	d.Tabard(t, "sessions", "end", "--all", "--yes")
	tokensExpired(t, d, tab)
}

// cookieForgotten makes the browser forget the session, as it does at the session's end.
func cookieForgotten(t *testing.T, d *demo.Demo, tab context.Context) {
	chrome.ForgetCookies(t, tab, d.Origin)
	tokensExpired(t, d, tab)
}

// tokensExpired takes the tab to a page without the client, and its tokens away.
func tokensExpired(t *testing.T, d *demo.Demo, tab context.Context) {
	chrome.Go(t, tab, d.Origin+"/style.css")
	const script = `(() => {
		for (const key of Object.keys(sessionStorage).filter((key) => /^tabard:[^ ]*\/auth$/.test(key))) {
			const record = JSON.parse(sessionStorage.getItem(key));
			sessionStorage.setItem(key, JSON.stringify({ ...record, held: [] }));
		}
		return Object.keys(localStorage).some((key) => key.endsWith(":epoch") && !localStorage.getItem(key).startsWith("."));
	})()`
	if !chrome.Eval[bool](t, tab, script) {
		t.Fatal("the browser knows of no session")
	}
}

// TestSignIn_InAWindowBeforeTheModule: a window for a sign-in does not wait for the module of the
// page that opened it, whose tab goes on signed in once the module is there.
func TestSignIn_InAWindowBeforeTheModule(t *testing.T) {
	t.Parallel()
	d := demo.Start(t)
	tab := chrome.Person(t, chrome.New(t))
	held := chrome.Hold(t, tab, "*.wasm")
	chrome.Go(t, tab, d.Origin)
	demo.AwaitScreen(t, tab, "signed_out")
	chrome.Eval[any](t, tab, `{ globalThis.given = { organization: "globex", prompt: "login" }; }; `+signInWindow)
	popup := chrome.OpenedBy(t, tab, func() { chrome.Press(t, tab, "#in-window") })
	chrome.Press(t, popup, "#person-alice")
	chrome.AwaitClosed(t, popup)
	if got := chrome.Eval[string](t, tab, `String(globalThis.signedIn) + " " + tabard.state.status`); got != "undefined signed_out" || held.Count() == 0 {
		t.Errorf("%s with %d requests for the module held", got, held.Count())
	}
	held.Release(t)
	chrome.Await(t, tab, `globalThis.signedIn === "yes"`)
	demo.AwaitActive(t, tab, "globex")
	if got := chrome.Eval[string](t, tab, `[tabard.state.deviceBound, document.querySelector("#typed").value].join()`); got != "true,unsaved" {
		t.Errorf("the session's device key, and what was typed: %s", got)
	}
}

// TestSignIn_SlowNetwork: at 400 kbit/s and 400 ms a page offers the sign-in long before
// the module is there.
func TestSignIn_SlowNetwork(t *testing.T) {
	t.Parallel()
	page := t.TempDir()
	const html = `<!doctype html><title>page</title><link rel=icon href=data:,><script type=module>
		import { createClient } from "/auth/client/tabard.js";
		window.tabard = createClient({ backend: "/auth" });
		window.shown = new Promise((resolve) => tabard.subscribe(({ status }) => status === "signed_out" && resolve(performance.now())));
	</script>`
	if err := os.WriteFile(filepath.Join(page, "index.html"), []byte(html), 0o600); err != nil {
		t.Fatal(err)
	}
	d := demo.StartWith(t, page)
	tab := chrome.Guest(t)
	chrome.Slow(t, tab, 50_000, 400)
	chrome.Go(t, tab, d.Origin)
	after := chrome.Eval[float64](t, tab, `shown`)
	if chrome.Eval[bool](t, tab, hasModule) {
		t.Error("the page waited for the module")
	}
	t.Logf("signed_out after %v", time.Duration(after)*time.Millisecond)
}

// TestP6_EarlyQuestion: a page says that nobody is signed in only where the backend does.
func TestP6_EarlyQuestion(t *testing.T) {
	t.Parallel()
	w := faultproxy.New(t)
	d := demo.Start(t)
	tab := chrome.New(t, chrome.WithProxy(w.Address))
	d.SignIn(t, tab, "alice")
	d.Open(t, tab, "acme")
	chrome.Eval[any](t, tab, `localStorage.clear()`)
	w.Forget()
	chrome.Before(t, tab, `globalThis.statuses = []; Object.defineProperty(globalThis, "tabard", { configurable: true, set(client) {
		Object.defineProperty(globalThis, "tabard", { value: client });
		statuses.push(client.state.status);
		client.subscribe(({ status }) => statuses.push(status));
	} });`)
	held := chrome.Hold(t, tab, "*.wasm")
	chrome.Go(t, tab, d.Origin+"/?tabard_organization=acme")
	w.Await(t, "/auth/session")
	held.Release(t)
	demo.AwaitActive(t, tab, "acme")
	if got := chrome.Eval[bool](t, tab, `statuses.includes("signed_out")`); got {
		t.Error("the page said that nobody is signed in")
	}
}
