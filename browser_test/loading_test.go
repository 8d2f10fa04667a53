package browser_test

import (
	"context"
	"encoding/json"
	"mime"
	"net/http"
	"os"
	"path"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/browser_test/chrome"
	"github.com/tabard-auth/tabard/browser_test/demo"
	"github.com/tabard-auth/tabard/browser_test/wire"
)

// assets are the addresses of what the module is made of.
func assets(t *testing.T) map[string]string {
	t.Helper()
	var module struct{ Wasm, Exec struct{ URL string } }
	text, err := os.ReadFile("../js/dist/module.json")
	if err == nil {
		err = json.Unmarshal(text, &module)
	}
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{"the module": "/auth/client/" + module.Wasm.URL, "wasm_exec.js": "/auth/client/" + module.Exec.URL}
}

// loading opens the demo's page where an asset has a fate. What a caller is told stands
// in the page's "told", and how many modules were started in "started".
func loading(t *testing.T, w *wire.Wire, d *demo.Demo, asset string, fate wire.Fate) context.Context {
	t.Helper()
	tab := chrome.New(t, chrome.Through(w.Address))
	chrome.Before(t, tab, `
		AbortSignal.timeout = ((limit) => (ms) => limit.call(AbortSignal, ms / 20))(AbortSignal.timeout);
		globalThis.started = 0;
		WebAssembly.instantiate = new Proxy(WebAssembly.instantiate, { apply: (f, that, args) => (started++, Reflect.apply(f, that, args)) });`)
	w.SetAt(asset, fate)
	chrome.Go(t, tab, d.Origin)
	chrome.Await(t, tab, `globalThis.tabard`)
	chrome.Eval[any](t, tab, `void tabard.getToken().catch((e) => globalThis.told = e.code + " " + e.action)`)
	return tab
}

// unavailable waits until a page says that it could not load, and tries again.
func unavailable(t *testing.T, tab context.Context) {
	t.Helper()
	chrome.Await(t, tab, `tabard.state.status === "unavailable" && tabard.state.error.action === "retry"`)
	chrome.Await(t, tab, `globalThis.told === "temporarily_unavailable retry"`)
	if started := chrome.Eval[int](t, tab, `started`); started != 0 {
		t.Errorf("%d modules were started", started)
	}
}

// TestP6AModuleThatNeverArrivesLeavesNoTabStarting: a network that takes a request and
// never answers is a fault like others. The page's limits pass twenty times as fast.
func TestP6AModuleThatNeverArrivesLeavesNoTabStarting(t *testing.T) {
	w := wire.New(t)
	d := demo.Start(t)
	for name, asset := range assets(t) {
		t.Run(name, func(t *testing.T) {
			tab := loading(t, w, d, asset, wire.Hung)
			unavailable(t, tab)
			w.SetAt(asset, nil)
			chrome.Await(t, tab, `tabard.state.status === "signed_out"`)
		})
	}
}

// TestAModuleThatIsNotTheReleasesIsNeverRun, though it works: what the network adds to it
// here is a section without meaning, or an empty line.
func TestAModuleThatIsNotTheReleasesIsNeverRun(t *testing.T) {
	w := wire.New(t)
	d := demo.Start(t)
	added := map[string]string{"application/wasm": "\x00\x02\x01x", "text/javascript": "\n"}
	for name, asset := range assets(t) {
		t.Run(name, func(t *testing.T) {
			content, err := os.ReadFile("../js/dist/" + path.Base(asset))
			if err != nil {
				t.Fatal(err)
			}
			kind, _, _ := strings.Cut(mime.TypeByExtension(path.Ext(asset)), ";")
			tab := loading(t, w, d, asset, wire.Answer(http.StatusOK, string(content)+added[kind], "Content-Type", kind))
			unavailable(t, tab)
			w.SetAt(asset, nil)
			chrome.Await(t, tab, `tabard.state.status === "signed_out"`)
		})
	}
}
