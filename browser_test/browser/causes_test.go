package browser

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/demo"
	"github.com/tabard-auth/tabard/browser_test/kit/ports"
)

// mistake is a setup in which sign-ins fail, and waiting does not help.
type mistake struct {
	// page returns the address of a page with the client; see clientPage.
	page func(t *testing.T, d *demo.Demo) string
	// script runs before the page's own.
	script     string
	noCookies  bool // the browser blocks cookies
	registered bool // the page's origin is in the workspace file
	worker     bool // the page has the service worker /worker.js
	code       string
	// line is a part of the console's text.
	line []string
}

// notFound is the page of a web server that has no such file.
func notFound(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html")
	w.WriteHeader(http.StatusNotFound)
	fmt.Fprint(w, "<h1>Not Found</h1>")
}

// shell is a development server's answer at every address that it does not know.
func shell(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html")
	fmt.Fprint(w, "<!doctype html><div id=app></div>")
}

// answered answers with a status and headers, given as name and value.
func answered(status int, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
	}
}

const (
	ofTheDemo = `{ backend: "/auth" }`
	strict    = "default-src 'none'; img-src data:; connect-src 'self'; script-src 'self'"
	noWasm    = `delete globalThis.WebAssembly;`
)

// demoPage is the demo's own page.
func demoPage(_ *testing.T, d *demo.Demo) string { return d.Origin }

// replaced is a script that replaces the page's fetch by one that calls the browser's as send.
func replaced(by string) string {
	return `{ const send = fetch; globalThis.fetch = ` + by + `; }`
}

// files returns handlers for the module's files in place of the backend's.
func files(t *testing.T, which string, answer http.HandlerFunc) at {
	t.Helper()
	return at{assets(t)[which]: answer}
}

func mistakes(t *testing.T) map[string]mistake {
	return map[string]mistake{
		"no WebAssembly":                   {page: demoPage, script: noWasm, code: "no_webassembly", line: []string{"Lockdown Mode"}},
		"a policy without WebAssembly":     {page: clientPage(ofTheDemo, strict, nil), code: "webassembly_blocked", line: []string{"'wasm-unsafe-eval'", "script-src"}},
		"cookies blocked":                  {page: demoPage, noCookies: true, code: "cookies_blocked", line: []string{"blocks cookies", "allow them"}},
		"a policy without the backend":     {page: clientPage(`{ backend: "DEMO/auth" }`, strict+" 'wasm-unsafe-eval'", nil), code: "connection_blocked", line: []string{"DEMO", "connect-src"}},
		"an origin that is not registered": {page: clientPage(ofTheDemo, "", nil), code: "origin_not_allowed", line: []string{"PAGE", "workspace file"}},
		"a path that answers with a page":  {page: clientPage(`{ backend: "/wrong" }`, "", at{"/wrong": shell}), code: "not_the_backend", line: []string{"/wrong/client/module.json", "200 (text/html)", "the client's backend"}},
		"a path at which nothing is":       {page: clientPage(`{ backend: "/wrong" }`, "", at{"/wrong": notFound}), code: "backend_not_found", line: []string{"/wrong/client/module.json", "404 (text/html)"}},
		"a fetch that parses answers":      {page: demoPage, script: replaced(`async (...request) => (await send(...request)).json()`), code: "fetch_replaced", line: []string{"DEMO/auth/session", "something else than a Response", "as they are"}},
		"a module that is not there":       {page: clientPage(ofTheDemo, "", files(t, "the module", notFound)), code: "module_not_found", line: []string{"module.", ".wasm", "404 (text/html)", "/client/"}},
	}
}

// TestCauses_SayWhatToChange: a fault that waiting does not mend has a code of its own and the
// action "stop", nothing is asked for ever, and one line on the console says what was
// asked, what came and what to change. TestCauses_OfProxiesAndPages has more mistakes.
func TestCauses_SayWhatToChange(t *testing.T) {
	t.Parallel()
	sayWhatToChange(t, mistakes(t))
}

func sayWhatToChange(t *testing.T, mistakes map[string]mistake) {
	t.Helper()
	d := demo.Start(t)
	browser := chrome.Guest(t)
	for name, m := range mistakes {
		t.Run(name, func(t *testing.T) {
			tab := chrome.Person(t, browser)
			if m.noCookies {
				chrome.BlockCookies(t, tab)
			}
			if m.script != "" {
				chrome.Before(t, tab, m.script)
			}
			console := chrome.Watch(t, tab)
			page := m.page(t, d)
			if m.registered {
				register(t, d, page)
			}
			if m.worker {
				chrome.Go(t, tab, page+"/worker.html")
				chrome.Await(t, tab, `navigator.serviceWorker.controller`)
			}
			chrome.Go(t, tab, page)
			chrome.Await(t, tab, fmt.Sprintf(`tabard.state.status === "unavailable" && tabard.state.error.code === %q && tabard.state.error.action === "stop"`, m.code))
			if got := chrome.Eval[string](t, tab, `tabard.getToken().catch((error) => error.code + " " + error.action)`); got != m.code+" stop" {
				t.Errorf("a caller is told %s", got)
			}
			checkLine(t, console, m, strings.NewReplacer("PAGE", page, "DEMO", d.Origin))
		})
	}
}

// checkLine checks the one line of the client on a console.
func checkLine(t *testing.T, console *chrome.Console, m mistake, addresses *strings.Replacer) {
	t.Helper()
	said := func() []string { return console.Lines(`error: "tabard:`, `error: tabard:`) }
	for began := time.Now(); len(said()) == 0 && time.Since(began) < 20*time.Second; <-time.After(50 * time.Millisecond) {
	}
	lines := said()
	if len(lines) != 1 {
		t.Fatalf("the console says %q", lines)
	}
	for _, part := range append([]string{m.code}, m.line...) {
		if !strings.Contains(lines[0], addresses.Replace(part)) {
			t.Errorf("%s\ndoes not name %s", lines[0], addresses.Replace(part))
		}
	}
}

// TestCauses_ProxyOnAnotherPort: the page is on a registered origin, but a proxy there
// passes requests on to a backend whose public URL has another port. The state and the
// console name both addresses.
func TestCauses_ProxyOnAnotherPort(t *testing.T) {
	t.Parallel()
	d := demo.Start(t)
	page := strings.Replace(clientPage(ofTheDemo, "", nil)(t, d), "127.0.0.1", "localhost", 1)
	register(t, d, page)
	tab := chrome.Guest(t)
	console := chrome.Watch(t, tab)
	chrome.Go(t, tab, page)
	chrome.Await(t, tab, `tabard.state.status === "signed_out"`)
	chrome.Eval[any](t, tab, `void tabard.signIn()`)
	chrome.Press(t, tab, "#person-alice")
	chrome.Await(t, tab, `globalThis.tabard?.state.error?.code === "public_url_mismatch" && tabard.state.error.action === "stop"`)
	checkLine(t, console, mistake{code: "public_url_mismatch", line: []string{"PAGE/auth", "DEMO/auth", "public URL"}}, strings.NewReplacer("PAGE", page, "DEMO", d.Origin))
}

// TestCauses_NothingAnswers: a backend that is not there may start yet. The page waits for
// it, and the console names the address without an answer.
func TestCauses_NothingAnswers(t *testing.T) {
	t.Parallel()
	d := demo.Start(t)
	tab := chrome.Guest(t)
	console := chrome.Watch(t, tab)
	options := fmt.Sprintf(`{ backend: "http://127.0.0.1:%d/auth" }`, ports.Hold(t))
	chrome.Go(t, tab, clientPage(options, "", nil)(t, d))
	checkLine(t, console, mistake{code: "backend_unreachable", line: []string{"/auth/client/module.json", "start the backend"}}, strings.NewReplacer())
	if got := chrome.Eval[string](t, tab, `tabard.getToken().catch((error) => error.code + " " + error.action)`); got != "temporarily_unavailable retry" {
		t.Errorf("a caller is told %s", got)
	}
}

// TestCauses_StrictDynamic: the policy that trusts what a trusted script loads lets the
// client work.
func TestCauses_StrictDynamic(t *testing.T) {
	t.Parallel()
	d := demo.Start(t)
	tab := chrome.Guest(t)
	console := chrome.Watch(t, tab)
	address := setup{options: ofTheDemo, policy: "script-src 'nonce-abc' 'strict-dynamic' 'wasm-unsafe-eval'; object-src 'none'", nonce: "abc"}.serve(t, d)
	register(t, d, address)
	chrome.Go(t, tab, address)
	chrome.Await(t, tab, `tabard.state.status === "signed_out"`)
	if lines := console.Lines("error: ", "warning: ", "exception: "); len(lines) != 0 {
		t.Errorf("on the console: %q", lines)
	}
}
