package upgrade

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync/atomic"
	"testing"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/upgrade/release"
	"github.com/tabard-auth/tabard/js"
)

// leftPage is the app's page. /left-behind is an empty page of the same origin that
// sets the browser's old cookies.
const leftPage = `<!doctype html><title>app</title><link rel="icon" href="data:,"><script type="module">
import { createClient } from "/auth/client/tabard.js";
globalThis.tabard = createClient();
</script>`

// serve serves the state of release 0.1 to a real browser, through the proxy that it
// returns, and counts requests for tokens.
func (u *upgraded) serve(mints *atomic.Int64) (proxy string) {
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		io.WriteString(w, leftPage)
	})
	mux.HandleFunc("/left-behind", func(w http.ResponseWriter, _ *http.Request) {
		for _, c := range u.Chromium.Cookies {
			http.SetCookie(w, &http.Cookie{
				Name: c.Name, Value: c.Value, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode,
				MaxAge: int(c.Ends - u.MadeAt),
			})
		}
		w.Header().Set("Content-Type", "text/html")
		io.WriteString(w, "<!doctype html><title>left behind</title>")
	})
	mux.Handle("/auth/client/", http.StripPrefix("/auth/client", js.Handler()))
	backend := u.Hosts["localhost:8080"]
	mux.HandleFunc("/auth/", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/auth/token" {
			mints.Add(1)
		}
		backend.ServeHTTP(w, r)
	})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.URL = &url.URL{Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery}
		mux.ServeHTTP(w, r)
	}))
	u.Cleanup(server.Close)
	return server.URL
}

// setClock makes a tab's pages use the fixture's time as the present.
func setClock(t *testing.T, tab context.Context, left *release.Left) {
	t.Helper()
	chrome.Before(t, tab, fmt.Sprintf(`{
  const Real = Date, ahead = Real.now() - %d;
  globalThis.Date = class Date extends Real {
    constructor(...parts) { super(...(parts.length ? parts : [Real.now() - ahead])); }
    static now() { return Real.now() - ahead; }
  };
}`, left.Now().UnixMilli()))
}

// restoreStorage restores localStorage and IndexedDB in a browser. The restored device key is
// not extractable, as in a browser of a person.
const restoreStorage = `(async (local, databases) => {
  for (const [key, value] of Object.entries(local)) localStorage.setItem(key, value);
  const algorithm = { name: "ECDSA", namedCurve: "P-256" };
  for (const { name, version, stores } of databases) {
    const all = [];
    for (const store of stores) for (const { key, value } of store.entries) {
      const { key_ops: _, ext: __, ...priv } = value.privateKey, { key_ops: ___, ext: ____, ...pub } = value.publicKey;
      all.push([store.name, key, {
        privateKey: await crypto.subtle.importKey("jwk", priv, algorithm, false, ["sign"]),
        publicKey: await crypto.subtle.importKey("jwk", pub, algorithm, true, ["verify"]),
      }]);
    }
    await new Promise((ok, no) => {
      const open = indexedDB.open(name, version);
      open.onupgradeneeded = () => { for (const { name, keyPath, autoIncrement } of stores) open.result.createObjectStore(name, { keyPath, autoIncrement }); };
      open.onerror = no;
      open.onsuccess = () => {
        const change = open.result.transaction(stores.map((s) => s.name), "readwrite");
        for (const [store, key, value] of all) change.objectStore(store).put(value, key);
        change.oncomplete = () => { open.result.close(); ok(); };
        change.onerror = no;
      };
    });
  }
  return true;
})`

// TestUpgrade_Tabs: a real page continues in its organization, with the token in its
// tab's storage and with the browser's cookie and key. It signs out at the end.
func TestUpgrade_Tabs(t *testing.T) {
	left := release.Read(t, "0.1", release.SQLite)
	u := openSQLite(t, left)
	var mints atomic.Int64
	tab := chrome.New(t, chrome.WithProxy(u.serve(&mints)))
	setClock(t, tab, left)
	chrome.Go(t, tab, leftOrigin+"/left-behind")
	chrome.Eval[bool](t, tab, restoreStorage+"("+text(t, left.Chromium.LocalStorage)+","+string(left.Chromium.IndexedDB)+")")
	for _, kept := range left.Chromium.Tabs {
		mints.Store(0)
		chrome.Go(t, tab, leftOrigin+"/left-behind")
		chrome.Eval[any](t, tab, `Object.entries(`+text(t, kept.SessionStorage)+`).forEach(([key, value]) => sessionStorage.setItem(key, value))`)
		chrome.Go(t, tab, leftOrigin)
		chrome.Await(t, tab, `globalThis.tabard?.state.status === "active" && tabard.state.organization.slug === "`+kept.Organization+`"`)
		if got := chrome.Eval[string](t, tab, `tabard.getToken()`); got != kept.Token || mints.Load() != 0 {
			t.Errorf("the tab at %s has another token, after %d requests:\n%s\n%s", kept.Organization, mints.Load(), got, kept.Token)
		}
	}
	chrome.Eval[any](t, tab, `sessionStorage.clear()`) // only the cookie and the key remain
	chrome.Go(t, tab, leftOrigin+"/?tabard_organization=acme")
	chrome.Await(t, tab, `globalThis.tabard?.state.status === "active" && tabard.state.organization.slug === "acme" && tabard.state.deviceBound`)
	if mints.Load() == 0 {
		t.Error("no token was minted")
	}
	if got := chrome.Eval[string](t, tab, `tabard.switchOrganization("initech").then((r) => r.status)`); got != "switched" {
		t.Errorf("initech: %s", got)
	}
	chrome.Eval[any](t, tab, `tabard.signOut({ scope: "session" }).then(() => null)`)
	chrome.Await(t, tab, `tabard.state.status === "signed_out"`)
}

func text(t *testing.T, value any) string {
	t.Helper()
	encoded, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(encoded)
}
