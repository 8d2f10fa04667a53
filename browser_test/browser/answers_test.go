package browser

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"

	"github.com/tabard-auth/tabard/backend/resource"
	"github.com/tabard-auth/tabard/backend/token"
	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/demo"
	"github.com/tabard-auth/tabard/browser_test/kit/example"
	"github.com/tabard-auth/tabard/browser_test/kit/program"
)

// notesAPI is an API on an origin of its own, whose one address has the notes of the
// token's organization, under an ETag that is the same for all of them.
func notesAPI(t *testing.T, origin func() string) *httptest.Server {
	t.Helper()
	notes := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "private, no-cache")
		w.Header().Set("ETag", `"v1"`)
		if r.Header.Get("If-None-Match") == `"v1"` {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		fmt.Fprint(w, resource.OrganizationFrom(r.Context()))
	})
	handler := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", origin())
		w.Header().Set("Access-Control-Allow-Headers", "Authorization")
		if r.Method == http.MethodOptions {
			return
		}
		verifier, err := token.NewVerifier(token.Config{
			Issuer: origin() + "/auth", Audience: origin() + "/api", Keys: token.NewKeySet(origin()+"/auth/.well-known/jwks.json", nil),
		})
		if err != nil {
			t.Error(err)
			return
		}
		guard, err := resource.NewGuard(verifier, resource.Config{})
		if err != nil {
			t.Error(err)
			return
		}
		if r.URL.Path == "/guarded" {
			guard.Protect(resource.Rule{}, notes).ServeHTTP(w, r)
			return
		}
		admitted, err := guard.Admit(r, resource.Rule{})
		if err != nil {
			resource.Refuse(w, err)
			return
		}
		if r.URL.Path == "/named" { // by another library, which leaves ETags as they are
			w.Header().Set("Access-Control-Expose-Headers", "Tabard-Organization")
			w.Header().Set("Tabard-Organization", resource.OrganizationFrom(admitted.Context()))
		}
		notes.ServeHTTP(w, admitted)
	}
	server := httptest.NewServer(http.HandlerFunc(handler))
	t.Cleanup(server.Close)
	return server
}

// withAPI opens a page of a client that asks the API, in Acme.
func withAPI(t *testing.T) (api string, tab context.Context) {
	t.Helper()
	var d *demo.Demo
	server := notesAPI(t, func() string { return d.Origin })
	folder := t.TempDir()
	program.Write(t, filepath.Join(folder, "index.html"), `<!doctype html><html lang="en"><meta charset="utf-8"><title>page</title><link rel="icon" href="data:,">
<button id="sign-in">Sign in</button><script type="module" src="/main.js"></script></html>`)
	program.Write(t, filepath.Join(folder, "main.js"), `import { createClient } from "/auth/client/tabard.js";
globalThis.tabard = createClient({ backend: "/auth", apis: ["`+server.URL+`"] });
document.getElementById("sign-in").onclick = () => tabard.signIn();
`)
	program.Write(t, filepath.Join(folder, "worker.js"), `addEventListener("activate", (event) => event.waitUntil(clients.claim()));
addEventListener("fetch", (event) => {
	if (event.request.url.startsWith("`+server.URL+`")) event.respondWith(answer(event.request));
});
async function answer(request) {
	const cache = await caches.open("notes");
	const known = await cache.match(request.url);
	if (known) return known;
	const response = await fetch(request);
	await cache.put(request.url, response.clone());
	return response;
}
`)
	d = demo.StartWith(t, folder)
	tab = chrome.Guest(t)
	example.SignIn(t, d, tab, "/", "alice")
	switchTo(t, tab, "acme")
	return server.URL, tab
}

// asked is the answer to a request by the client, or its error's code.
func asked(t *testing.T, tab context.Context, address, init string) string {
	t.Helper()
	return chrome.Eval[string](t, tab, fmt.Sprintf(`tabard.fetch(%q, %s).then((r) => r.text(), (e) => e.code)`, address, init))
}

// TestAnswers_OfTheBrowsersCache: the browser asks whether it may use what it has of an
// address, by an ETag that is the same in two organizations. No page gets the other's.
func TestAnswers_OfTheBrowsersCache(t *testing.T) {
	t.Parallel()
	api, tab := withAPI(t)
	for address, init := range map[string]string{"/guarded": `{ cache: "default" }`, "/named": `{}`, "/plain": `{}`} {
		for _, organization := range []string{"acme", "globex", "acme"} {
			switchTo(t, tab, organization)
			if got := asked(t, tab, api+address, init); got != "org_"+organization && !(address == "/plain" && got == "organization_unnamed") {
				t.Errorf("%s %s, in %s: %s", address, init, organization, got)
			}
		}
	}
}

// TestAnswers_OfAServiceWorker: a service worker that answers with what it keeps by
// address gets nothing of another organization to the page.
func TestAnswers_OfAServiceWorker(t *testing.T) {
	t.Parallel()
	api, tab := withAPI(t)
	chrome.Eval[any](t, tab, `navigator.serviceWorker.register("/worker.js").then(() => null)`)
	chrome.Await(t, tab, `navigator.serviceWorker.controller`)
	for _, step := range []struct{ organization, want string }{{"acme", "org_acme"}, {"acme", "org_acme"}, {"globex", "organization_mismatch"}, {"acme", "org_acme"}} {
		switchTo(t, tab, step.organization)
		if got := asked(t, tab, api+"/guarded", `{}`); got != step.want {
			t.Errorf("in %s: %s, want %s", step.organization, got, step.want)
		}
	}
}
