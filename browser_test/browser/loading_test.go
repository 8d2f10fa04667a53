package browser

import (
	"context"
	"encoding/json"
	"mime"
	"net/http"
	"os"
	"path"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/demo"
	"github.com/tabard-auth/tabard/browser_test/kit/faultproxy"
)

// assets returns the addresses of the module's files.
func assets(t *testing.T) map[string]string {
	t.Helper()
	var module struct{ Wasm, Exec struct{ URL string } }
	text, err := os.ReadFile("../../js/dist/module.json")
	if err == nil {
		err = json.Unmarshal(text, &module)
	}
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{"the module": "/auth/client/" + module.Wasm.URL, "wasm_exec.js": "/auth/client/" + module.Exec.URL}
}

// loading opens the demo's page with a fault for one asset. The page's "told" holds the
// answer to a caller, and "started" the number of modules that were started.
func loading(t *testing.T, w *faultproxy.Proxy, d *demo.Demo, asset string, fate faultproxy.Fault) context.Context {
	t.Helper()
	tab := chrome.New(t, chrome.WithProxy(w.Address))
	chrome.Before(t, tab, `
		globalThis.setTimeout = ((set) => (f, ms, ...args) => set(f, ms < 20_000 ? ms : ms / 20, ...args))(setTimeout);
		globalThis.faults = [];
		console.error = (...words) => faults.push(words.join(" "));
		globalThis.started = 0;
		WebAssembly.instantiate = new Proxy(WebAssembly.instantiate, { apply: (f, that, args) => (started++, Reflect.apply(f, that, args)) });`)
	w.SetAt(asset, fate)
	chrome.Go(t, tab, d.Origin)
	chrome.Await(t, tab, `globalThis.tabard`)
	chrome.Eval[any](t, tab, `void tabard.getToken().catch((e) => globalThis.told = e.code + " " + e.action)`)
	return tab
}

// readAsset returns an asset's content.
func readAsset(t *testing.T, asset string) string {
	t.Helper()
	text, err := os.ReadFile("../../js/dist/" + path.Base(asset))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// awaitLoaded waits until a page has its module, and checks that there was no fault on
// the way.
func awaitLoaded(t *testing.T, tab context.Context) {
	t.Helper()
	chrome.Await(t, tab, `tabard.state.status === "signed_out" && globalThis.told === "login_required sign_in"`)
	if faults := chrome.Eval[[]string](t, tab, `faults`); len(faults) != 0 {
		t.Errorf("there were faults: %q", faults)
	}
}

// awaitUnavailable waits until a page reports that the module could not be loaded, and
// tries again.
func awaitUnavailable(t *testing.T, tab context.Context) {
	t.Helper()
	chrome.Await(t, tab, `tabard.state.status === "unavailable" && tabard.state.error.action === "retry"`)
	chrome.Await(t, tab, `globalThis.told === "temporarily_unavailable retry"`)
	if started := chrome.Eval[int](t, tab, `started`); started != 0 {
		t.Errorf("%d modules were started", started)
	}
}

// TestP6AModuleThatNeverArrivesLeavesNoTabStarting: a network that accepts a request
// and never answers is a fault like others. The page's timeouts are twenty times
// shorter here.
func TestP6AModuleThatNeverArrivesLeavesNoTabStarting(t *testing.T) {
	t.Parallel()
	w := faultproxy.New(t)
	d := demo.Start(t)
	for name, asset := range assets(t) {
		t.Run(name, func(t *testing.T) {
			tab := loading(t, w, d, asset, faultproxy.Hung)
			awaitUnavailable(t, tab)
			w.SetAt(asset, nil)
			chrome.Await(t, tab, `tabard.state.status === "signed_out"`)
		})
	}
}

// TestP6AModuleThatComesSlowlyIsLetCome: for longer than a page waits for a module of
// which no byte arrives, and it is loaded once.
func TestP6AModuleThatComesSlowlyIsLetCome(t *testing.T) {
	t.Parallel()
	w := faultproxy.New(t)
	d := demo.Start(t)
	module := assets(t)["the module"]
	tab := loading(t, w, d, module, faultproxy.Dribble(16, 250*time.Millisecond, readAsset(t, module), "Content-Type", "application/wasm"))
	awaitLoaded(t, tab)
	if asked := len(w.Seen(module)); asked != 1 {
		t.Errorf("the module was asked for %d times", asked)
	}
}

// TestP6AnImportThatNeverEndsIsGivenUp: wasm_exec.js is never answered but to the second
// request, which a page sends to see whether it can import it. The page does not wait for
// imports that it has given up.
func TestP6AnImportThatNeverEndsIsGivenUp(t *testing.T) {
	t.Parallel()
	w := faultproxy.New(t)
	d := demo.Start(t)
	exec := assets(t)["wasm_exec.js"]
	var asked atomic.Int32
	again := make(chan struct{})
	tab := loading(t, w, d, exec, func(out http.ResponseWriter, r *http.Request) bool {
		n := asked.Add(1)
		if n == 3 {
			close(again)
		}
		if n != 2 {
			return faultproxy.Hung(out, r)
		}
		return faultproxy.Answer(http.StatusOK, readAsset(t, exec), "Content-Type", "text/javascript", "Cache-Control", "no-store")(out, r)
	})
	awaitUnavailable(t, tab)
	awaitRequest(t, again)
	awaitUnavailable(t, tab)
	w.SetAt(exec, nil)
	chrome.Await(t, tab, `tabard.state.status === "signed_out"`)
}

// awaitRequest waits for a request that a test marks.
func awaitRequest(t *testing.T, came <-chan struct{}) {
	t.Helper()
	select {
	case <-came:
	case <-time.After(30 * time.Second):
		t.Fatal("the page asked no more")
	}
}

// TestModule_ExecAskedForOnce: the backend's own wasm_exec.js is on its way once, for a second
// request would hold up the start.
func TestModule_ExecAskedForOnce(t *testing.T) {
	t.Parallel()
	w := faultproxy.New(t)
	d := demo.Start(t)
	exec := assets(t)["wasm_exec.js"]
	awaitLoaded(t, loading(t, w, d, exec, faultproxy.Answer(http.StatusOK, readAsset(t, exec), "Content-Type", "text/javascript", "Cache-Control", "no-store")))
	if asked := len(w.Seen(exec)); asked != 1 {
		t.Errorf("wasm_exec.js was asked for %d times", asked)
	}
}

// TestAModuleThatIsNotTheReleasesIsNeverRun, even if it works: here the network adds a
// custom section, or an empty line.
func TestAModuleThatIsNotTheReleasesIsNeverRun(t *testing.T) {
	t.Parallel()
	w := faultproxy.New(t)
	d := demo.Start(t)
	added := map[string]string{"application/wasm": "\x00\x02\x01x", "text/javascript": "\n"}
	for name, asset := range assets(t) {
		t.Run(name, func(t *testing.T) {
			kind, _, _ := strings.Cut(mime.TypeByExtension(path.Ext(asset)), ";")
			tab := loading(t, w, d, asset, faultproxy.Answer(http.StatusOK, readAsset(t, asset)+added[kind], "Content-Type", kind))
			awaitUnavailable(t, tab)
			w.SetAt(asset, nil)
			chrome.Await(t, tab, `tabard.state.status === "signed_out"`)
		})
	}
}
