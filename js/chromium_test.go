package js_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"github.com/tabard-auth/tabard/browser_test/chrome"
)

func TestModuleAndFaceInChromium(t *testing.T) {
	backend, server := newApp(t, http.HandlerFunc(app))
	tab := chrome.New(t)

	chrome.Go(t, tab, server.URL)
	await(t, tab, "signed_out")

	chrome.Eval[any](t, tab, `void tabard.signIn()`)
	await(t, tab, "choose")
	if n := chrome.Eval[int](t, tab, `tabard.state.organizations.length`); n != 2 {
		t.Errorf("%d organisations to choose from, want 2", n)
	}

	if got := chrome.Eval[string](t, tab, `tabard.switchOrganization("acme").then((r) => r.status)`); got != "switched" {
		t.Fatalf("entering Acme: %s", got)
	}
	first := chrome.Eval[string](t, tab, `tabard.getToken()`)
	if got := chrome.Eval[string](t, tab, `tabard.fetch("/api/echo").then((r) => r.text())`); got != "Bearer "+first {
		t.Errorf("the API saw %q, want the token %q", got, first)
	}
	backend.mints()

	t.Run("P1 a reload keeps the organisation and asks nobody", func(t *testing.T) {
		chrome.Reload(t, tab)
		if got := chrome.Eval[string](t, tab, `tabard.getToken()`); got != first {
			t.Errorf("token %q, want %q", got, first)
		}
		await(t, tab, "active")
		if mints := backend.mints(); len(mints) > 0 {
			t.Errorf("the reload minted for %v", mints)
		}
	})
	t.Run("P3 a refused switch leaves the tab as it was", func(t *testing.T) {
		if got := chrome.Eval[string](t, tab, `tabard.switchOrganization("initech").then((r) => r.status + " " + r.code)`); got != "refused organization_access_denied" {
			t.Errorf("the switch: %s", got)
		}
		if got := chrome.Eval[string](t, tab, `tabard.getToken()`); got != first {
			t.Errorf("token %q, want %q", got, first)
		}
	})
	t.Run("P1 another tab wears another organisation", func(t *testing.T) {
		other := chrome.Tab(t, tab)
		chrome.Go(t, other, server.URL+"/?tabard_organization=globex")
		await(t, other, "active")
		for _, tab := range []context.Context{tab, other} {
			chrome.Reload(t, tab)
		}
		if got := chrome.Eval[string](t, other, `tabard.state.organization.slug + location.search`); got != "globex" {
			t.Errorf("the other tab is %q, want globex and a clean address", got)
		}
		if got := chrome.Eval[string](t, tab, `tabard.state.organization.slug`); got != "acme" {
			t.Errorf("the first tab wears %q, want acme", got)
		}
	})
	t.Run("a reload with the module blocked still has its token", func(t *testing.T) {
		blocked := chrome.Tab(t, tab)
		chrome.Go(t, blocked, server.URL+"/?tabard_organization=acme")
		await(t, blocked, "active")
		token := chrome.Eval[string](t, blocked, `tabard.getToken()`)
		backend.mints()
		chrome.Block(t, blocked, "*://*:*/*.wasm")
		chrome.Reload(t, blocked)
		if got := chrome.Eval[string](t, blocked, `tabard.getToken()`); got != token {
			t.Errorf("token %q, want %q", got, token)
		}
		if mints := backend.mints(); len(mints) > 0 {
			t.Errorf("minted for %v", mints)
		}
	})
	t.Run("a module that dies is started again and nothing is lost", func(t *testing.T) {
		backend.mints()
		// The module exits as a panic does: from inside, while it is called.
		chrome.Eval[any](t, tab, `{
			const go = instances.at(-1), { exports } = go._inst, { resume } = exports;
			go._inst = { exports: { ...exports, resume() { go.importObject.gojs["runtime.wasmExit"](exports.getsp()); } } };
			tabard.getToken().catch((e) => window.died = e.code + " " + e.action);
		}`)
		chrome.Await(t, tab, `window.died && instances.length === 2`)
		if got := chrome.Eval[string](t, tab, `window.died`); got != "temporarily_unavailable retry" {
			t.Errorf("the call under way: %s", got)
		}
		if got := chrome.Eval[string](t, tab, `tabard.getToken()`); got != first {
			t.Errorf("token %q, want %q", got, first)
		}
		if mints := backend.mints(); len(mints) > 0 {
			t.Errorf("the restart minted for %v", mints)
		}
	})
	t.Run("the page is left as it was", func(t *testing.T) {
		if got := chrome.Eval[string](t, tab, `[typeof process, typeof __tabard, ...violations, ...rejections].join()`); got != "undefined,undefined" {
			t.Errorf("globals, violations and unhandled errors: %s", got)
		}
	})
	t.Run("P10 going back shows nothing after a sign-out", func(t *testing.T) {
		back := chrome.Tab(t, tab)
		chrome.Go(t, back, server.URL+"/?tabard_organization=acme")
		await(t, back, "active")
		chrome.Go(t, back, server.URL+"/api/echo")
		chrome.Eval[any](t, tab, `tabard.signOut().then(() => 1)`)
		chrome.Eval[any](t, back, `void history.back()`)
		await(t, back, "signed_out")
		if got := chrome.Eval[string](t, back, `tabard.getToken().catch((e) => e.code)`); got != "login_required" {
			t.Errorf("the token: %s", got)
		}
		chrome.Eval[any](t, tab, `void tabard.signIn()`)
		await(t, tab, "active")
	})
	t.Run("P10 a sign-out reaches the other tabs", func(t *testing.T) {
		other := chrome.Tab(t, tab)
		chrome.Go(t, other, server.URL+"/?tabard_organization=globex")
		await(t, other, "active")
		chrome.Eval[any](t, other, `tabard.signOut().then(() => 1)`)
		await(t, tab, "signed_out")
		chrome.Reload(t, tab)
		await(t, tab, "signed_out")
	})
}

func await(t *testing.T, tab context.Context, status string) {
	t.Helper()
	chrome.Await(t, tab, fmt.Sprintf(`window.tabard?.state.status === %q`, status))
}
