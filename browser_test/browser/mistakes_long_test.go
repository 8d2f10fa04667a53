//go:build long

package browser

import (
	"bytes"
	"compress/gzip"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/demo"
	"github.com/tabard-auth/tabard/browser_test/kit/example"
)

// sent answers with a file's content, whatever a proxy has made of it.
func sent(mediaType string, content []byte, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", mediaType)
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.Write(content)
	}
}

// built returns a built file by its path at the backend.
func built(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("../../js/dist", strings.TrimPrefix(path, "/auth/client/")))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// compressed returns content that was compressed a number of times.
func compressed(content []byte, times int) []byte {
	for range times {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		w.Write(content)
		w.Close()
		content = b.Bytes()
	}
	return content
}

// before serves a page of the demo's site whose backend is on another port, behind a proxy.
func before(proxy func(next http.Handler) http.HandlerFunc) func(*testing.T, *demo.Demo) string {
	return func(t *testing.T, d *demo.Demo) string {
		t.Helper()
		other := httptest.NewServer(proxy(forwarder(t, d.Origin)))
		t.Cleanup(other.Close)
		return clientPage(`{ backend: "`+other.URL+`/auth" }`, "", nil)(t, d)
	}
}

// noOptions answers the browser's OPTIONS requests itself.
func noOptions(next http.Handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodOptions {
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		next.ServeHTTP(w, r)
	}
}

// onlyReading answers POST requests itself.
func onlyReading(t *testing.T, d *demo.Demo) string {
	t.Helper()
	next := forwarder(t, d.Origin)
	return clientPage(ofTheDemo, "", at{"/auth/": func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		next.ServeHTTP(w, r)
	}})(t, d)
}

// without drops headers of requests.
func without(names ...string) func(*testing.T, *demo.Demo) string {
	return func(t *testing.T, d *demo.Demo) string {
		t.Helper()
		next := forwarder(t, d.Origin)
		return clientPage(ofTheDemo, "", at{"/auth/": func(w http.ResponseWriter, r *http.Request) {
			for _, name := range names {
				r.Header.Del(name)
			}
			next.ServeHTTP(w, r)
		}})(t, d)
	}
}

// anotherOrigin adds CORS headers to those that the backend sets, as a proxy does that is told to.
func anotherOrigin(next http.Handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Access-Control-Allow-Origin", "*")
		next.ServeHTTP(w, r)
	}
}

// mistakesOfProxies are those of what stands between page and backend.
func mistakesOfProxies(t *testing.T) map[string]mistake {
	module, exec := assets(t)["the module"], assets(t)["wasm_exec.js"]
	const manifest = "/auth/client/module.json"
	whole := built(t, module)
	login := answered(http.StatusFound, "Location", "https://login.example/")
	return map[string]mistake{
		"a proxy that asks for a password": {page: clientPage(ofTheDemo, "", at{"/auth/": answered(http.StatusUnauthorized, "WWW-Authenticate", `Basic realm="staging"`)}), code: "password_before_backend", line: []string{manifest, "401", "without a password"}},
		"a proxy that asks for a login":    {page: clientPage(ofTheDemo, "", at{"/auth/": login}), code: "backend_redirected", line: []string{manifest, "another host", "by the backend"}},
		"a proxy that adds a slash":        {page: clientPage(ofTheDemo, "", at{manifest + "/": notFound, manifest: answered(http.StatusPermanentRedirect, "Location", manifest+"/")}), code: "backend_redirected", line: []string{manifest, "redirected to PAGE" + manifest + "/", "as it is"}},
		"a network that asks for a login":  {page: clientPage(ofTheDemo, "", at{"/auth/": answered(http.StatusNetworkAuthenticationRequired)}), code: "not_the_backend", line: []string{manifest, "511", "sign in to this network"}},
		"a module that is cut off":         {page: clientPage(ofTheDemo, "", at{module: sent("application/wasm", whole[:len(whole)/2])}), code: "module_damaged", line: []string{module, "neither cut nor change"}},
		"a module compressed twice":        {page: clientPage(ofTheDemo, "", at{module: sent("application/wasm", compressed(whole, 2), "Content-Encoding", "gzip")}), code: "compressed_twice", line: []string{module, "compressed twice"}},
		"module.json compressed twice":     {page: clientPage(ofTheDemo, "", at{manifest: sent("application/json", compressed(built(t, manifest), 2), "Content-Encoding", "gzip")}), code: "compressed_twice", line: []string{manifest, "compressed twice"}},
		"a proxy that changes scripts":     {page: clientPage(ofTheDemo, "", at{exec: sent("text/javascript", append(built(t, exec), "// minified"...))}), code: "module_damaged", line: []string{exec, "neither cut nor change"}},
		"a script of another type":         {page: clientPage(ofTheDemo, "", at{exec: sent("text/plain", built(t, exec), "X-Content-Type-Options", "nosniff")}), code: "module_wrong_type", line: []string{exec, "text/plain", "text/javascript"}},
		"a proxy that answers OPTIONS":     {page: before(noOptions), registered: true, code: "preflight_blocked", line: []string{"OPTIONS", "/auth/token", "pass it on"}},
		"a proxy that lets only GET pass":  {page: onlyReading, code: "not_the_backend", line: []string{"POST PAGE/auth/token", "405 (text/html)"}},
		"a proxy that adds CORS headers":   {page: before(anotherOrigin), registered: true, code: "cors_blocked", line: []string{manifest, "PAGE", "Access-Control"}},
		"a proxy that drops Origin":        {page: without("Origin", "Sec-Fetch-Site"), registered: true, code: "origin_not_allowed", line: []string{"PAGE/auth", "no Origin", "the proxy pass it on"}},
		"a proxy that drops other headers": {page: without("Tabard-Client"), registered: true, code: "invalid_request", line: []string{"PAGE/auth", "Tabard-Client", "the proxy pass it on"}},
	}
}

// rewritten is the demo behind a proxy that changes the path of requests to the backend.
func rewritten(t *testing.T, d *demo.Demo) string {
	t.Helper()
	return clientPage(ofTheDemo, "", at{"/auth/": forwarder(t, d.Backend+"/elsewhere").ServeHTTP})(t, d)
}

// mistakesOfSetups are further mistakes of the kinds that mistakes has.
func mistakesOfSetups(t *testing.T) map[string]mistake {
	const manifest = "/auth/client/module.json"
	other := sent("application/json", []byte(`{"hello":"world"}`))
	return map[string]mistake{
		"such an origin of another host": {page: clientPage(`{ backend: "DEMO/auth" }`, "", nil), code: "origin_not_allowed", line: []string{"PAGE", "DEMO", "workspace file"}},
		"a proxy that strips the path":   {page: rewritten, code: "path_not_found", line: []string{manifest, "404 (application/json)", "pass the path on"}},
		"a gate before the backend":      {page: clientPage(ofTheDemo, "", at{"/auth/": answered(http.StatusForbidden)}), code: "not_the_backend", line: []string{manifest, "403"}},
		"a page for the module":          {page: clientPage(ofTheDemo, "", files(t, "the module", shell)), code: "module_not_found", line: []string{".wasm", "200 (text/html)"}},
		"wasm_exec.js that is not there": {page: clientPage(ofTheDemo, "", files(t, "wasm_exec.js", notFound)), code: "module_not_found", line: []string{"exec.", "404 (text/html)"}},
		"only the client is passed on":   {page: clientPage(`{ backend: "/auth" }`, "", at{"/auth/token": shell, "/auth/session": shell}), code: "not_the_backend", line: []string{"/auth/session", "200 (text/html)"}},
		"another server's JSON":          {page: clientPage(ofTheDemo, "", at{manifest: other}), code: "not_the_backend", line: []string{manifest, "names no module"}},
	}
}

// mistakesOfFetch are those of scripts that replace the page's fetch.
func mistakesOfFetch() map[string]mistake {
	kind := func(by string, line ...string) mistake {
		return mistake{page: demoPage, script: replaced(by), code: "fetch_replaced", line: append(line, "a script of the page has replaced fetch", "DEMO/auth")}
	}
	return map[string]mistake{
		"a fetch that reads answers":         kind(`async (...request) => { const answer = await send(...request); await answer.text(); return answer; }`, "has read the body", "clone()"),
		"a fetch that gives nothing":         kind(`(...request) => void send(...request)`, "gives nothing"),
		"a fetch that throws":                kind(`async () => { throw new TypeError("no token yet"); }`, "fails at DEMO/auth/session (TypeError: no token yet)", "answers the browser with 401"),
		"a fetch for requests, not for text": kind(`(request, init) => send(request.url, init)`, "asks for DEMO/undefined in the place of DEMO/auth/session"),
	}
}

// mistakesOfPages are those of the page: the client's options, the policy, a service worker.
func mistakesOfPages() map[string]mistake {
	const (
		wasm   = " 'wasm-unsafe-eval'"
		shells = `onfetch = (event) => {
			if (new URL(event.request.url).pathname.startsWith("/auth/")) event.respondWith(new Response("<div id=app></div>", { headers: { "Content-Type": "text/html" } }));
		};`
		old = `onfetch = (event) => {
			if (event.request.url.endsWith("/module.json")) event.respondWith(Response.json({ wasm: { url: "module.old.wasm", integrity: "sha256-" }, exec: { url: "exec.old.js", integrity: "sha256-" } }));
		};`
	)
	silent := func(t *testing.T, d *demo.Demo) string {
		other := httptest.NewServer(http.HandlerFunc(shell))
		t.Cleanup(other.Close)
		return clientPage(`{ backend: "`+other.URL+`/auth" }`, "", nil)(t, d)
	}
	tls := func(t *testing.T, d *demo.Demo) string {
		return clientPage(`{ backend: "`+strings.Replace(d.Origin, "http:", "https:", 1)+`/auth" }`, "", nil)(t, d)
	}
	worker := func(script string) func(*testing.T, *demo.Demo) string {
		return setup{options: ofTheDemo, worker: script}.serve
	}
	return map[string]mistake{
		"another server's port":             {page: silent, code: "cors_blocked", line: []string{"/auth/client/module.json", "PAGE", "the backend that answers"}},
		"https where the backend has http":  {page: tls, code: "wrong_protocol", line: []string{"https://", "does not answer, but DEMO/auth/client/module.json does"}},
		"an address without a protocol":     {page: clientPage(`{ backend: "localhost:8080/auth" }`, "", nil), code: "wrong_protocol", line: []string{"localhost:8080/auth/client/module.json", "https://, http:// or /"}},
		"an address of a file":              {page: clientPage(`{ backend: "/auth/client" }`, "", nil), code: "backend_not_found", line: []string{"/auth/client/client/module.json", "a backend is at PAGE/auth"}},
		"an address of an endpoint":         {page: clientPage(`{ backend: "/auth/login" }`, "", nil), code: "path_not_found", line: []string{"/auth/login/client/module.json", "a backend is at PAGE/auth"}},
		"no path":                           {page: clientPage(`{ backend: "/" }`, "", at{"/client/": shell}), code: "not_the_backend", line: []string{"PAGE/client/module.json", "a backend is at PAGE/auth"}},
		"a base address":                    {page: setup{options: `{ backend: "auth" }`, head: `<base href="/app/">`, front: at{"/app/": notFound}}.serve, code: "backend_not_found", line: []string{"PAGE/app/auth/client/module.json", "<base href> is PAGE/app/", "a backend is at PAGE/auth"}},
		"a policy without the script":       {page: clientPage(`{ backend: "DEMO/auth" }`, "connect-src DEMO; script-src 'self'"+wasm, nil), code: "script_blocked", line: []string{"DEMO/auth/client/exec.", "script-src"}},
		"a policy of nonces alone":          {page: setup{options: ofTheDemo, policy: "script-src 'nonce-abc'" + wasm, nonce: "abc"}.serve, code: "script_blocked", line: []string{"PAGE/auth/client/exec.", "add PAGE to its script-src"}},
		"a page in a sandbox":               {page: clientPage(ofTheDemo, "sandbox allow-scripts", nil), code: "page_without_origin", line: []string{"PAGE/", "allow-same-origin"}},
		"a service worker with a shell":     {page: worker(shells), worker: true, code: "not_the_backend", line: []string{"module.json", "text/html", "the service worker PAGE/worker.js"}},
		"a service worker with old answers": {page: worker(old), worker: true, code: "module_not_found", line: []string{"module.old.wasm", "404", "service worker"}},
	}
}

// TestCauses_OfProxiesAndPages is TestCauses_SayWhatToChange with more mistakes.
func TestCauses_OfProxiesAndPages(t *testing.T) {
	t.Parallel()
	all := mistakesOfProxies(t)
	maps.Copy(all, mistakesOfPages())
	maps.Copy(all, mistakesOfSetups(t))
	maps.Copy(all, mistakesOfFetch())
	sayWhatToChange(t, all)
}

// TestMistakes_Options: an organization that can be none is denied with what it has to be, and
// an API may be named without a list.
func TestMistakes_Options(t *testing.T) {
	t.Parallel()
	d := demo.StartWith(t, example.Page(t, "../test/options.ts", ""))
	for options, named := range map[string]string{
		`{ backend: "/auth", organization: () => "acme" }`:          "[not a text]",
		`{ backend: "/auth", organization: 5 }`:                     "[not a text]",
		`{ backend: "/auth", organization: "/acme/notes" }`:         "/acme/notes",
		`{ backend: "/auth", apis: "/", organization: "org_acme" }`: "",
	} {
		tab := chrome.Guest(t)
		chrome.Before(t, tab, `globalThis.options = `+options)
		example.SignIn(t, d, tab, "/", "alice")
		chrome.Await(t, tab, `["denied", "active"].includes(tabard.state.status)`)
		got := chrome.Eval[string](t, tab, `[tabard.state.named, tabard.state.error?.description].join(" ")`)
		if want := strings.TrimSpace(named + " an organization has an id or slug"); named != "" && !strings.HasPrefix(got, want) {
			t.Errorf("%s: %s, want %s", options, got, want)
		}
		if named == "" && got != " " {
			t.Errorf("%s: %s", options, got)
		}
	}
}
