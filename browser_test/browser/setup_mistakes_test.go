package browser

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/demo"
	"github.com/tabard-auth/tabard/browser_test/kit/example"
	"github.com/tabard-auth/tabard/browser_test/kit/faultproxy"
)

// attempt evaluates an expression and returns the error of its promise, or "fine".
const attempt = `(async () => %s)().then(() => "fine", (error) => [error.name, error.code, error.action, error.message].join(" "))`

// TestMistakes_Calls: a call that cannot be meant throws an error that names its cure, or says
// it on the console.
func TestMistakes_Calls(t *testing.T) {
	t.Parallel()
	d, tab := example.Open(t, "routes/main.ts")
	console := chrome.Watch(t, tab)
	example.SignIn(t, d, tab, "/acme/notes", "alice")
	awaitAddress(t, tab, "/acme/notes", "acme")
	for name, m := range map[string]struct{ call, error, line string }{
		"a text for a guard":          {call: `routes.blocker("draft")`, error: "TypeError", line: "routes.blocker takes a function"},
		"a value for a guard":         {call: `routes.blocker(true)`, error: "routes.blocker takes a function"},
		"another origin for a route":  {call: `routes.go("https://other.example/globex/notes")`, error: "location.assign"},
		"an address for a name":       {call: `tabard.switchOrganization("/globex/notes").then(({ description }) => { throw Error(description) })`, error: "name it by that alone"},
		"no name":                     {call: `tabard.switchOrganization(5)`, error: "must be an id or slug"},
		"a value to be asked":         {call: `tabard.beforeSwitch(true)`, error: "a listener must be a function"},
		"no listener":                 {call: `tabard.subscribe()`, error: "a listener must be a function"},
		"a misspelt step-up":          {call: `tabard.stepUp({ acr: "urn:tabard:mfa" })`, error: "stepUp has no option acr: it has acrValues"},
		"a text for a token":          {call: `tabard.getToken("https://files.example")`, error: "getToken takes an object, as in getToken({ audience:"},
		"an address of another":       {call: `tabard.signIn({ organization: "acme", returnTo: "/globex/notes" })`, error: "/globex/notes is an address of globex, for which the tab would act, not for acme"},
		"a request without CORS":      {call: `tabard.fetch("/api/organizations/org_acme/notes", { mode: "no-cors" }).then(({ status }) => { throw Error(status) })`, error: "401", line: "got no token, although one was sent"},
		"a text for an answer":        {call: `(stop => tabard.switchOrganization("globex").then(stop))(tabard.beforeSwitch(() => "Really leave?"))`, error: "fine", line: "answers true to leave or false to stay"},
		"a listener that switches":    {call: `(stop => tabard.switchOrganization("globex").then(stop))(tabard.beforeSwitch(() => tabard.switchOrganization("initech").then(() => true)))`, error: "fine", line: `switches to "initech" itself`},
		"an API that is not named":    {call: `tabard.fetch("http://127.0.0.1:1/notes")`, error: "Failed to fetch", line: "http://127.0.0.1:1 is none of the client's apis"},
		"no WebSocket":                {call: `tabard.connect("/api/organizations/org_acme/notes")`, error: "no WebSocket is there"},
		"a WebSocket elsewhere":       {call: `tabard.connect("https://other.example/live")`, error: "none of the client's apis"},
		"a switcher without a client": {call: `void document.body.append(document.createElement("tabard-switcher"))`, error: "fine", line: "<tabard-switcher> has no client"},
	} {
		got := chrome.Eval[string](t, tab, fmt.Sprintf(attempt, m.call))
		if !strings.Contains(got, m.error) {
			t.Errorf("%s: %s, want %s", name, got, m.error)
		}
		if m.line != "" && m.error != "TypeError" {
			awaitLine(t, console, m.line)
		}
	}
	awaitAddress(t, tab, "/acme/notes", "acme")
}

// TestMistakes_FetchWithoutCookies: a page whose fetch drops cookies is signed out after each
// sign-in. The second says why, and does not leave.
func TestMistakes_FetchWithoutCookies(t *testing.T) {
	t.Parallel()
	d, tab := example.Open(t, "routes/main.ts")
	chrome.Before(t, tab, replaced(`(input, init) => send(input, { ...init, credentials: "omit" })`))
	console := chrome.Watch(t, tab)
	chrome.Go(t, tab, d.Origin+"/acme/notes")
	chrome.Press(t, tab, "#sign-in")
	chrome.Press(t, tab, "#person-alice")
	chrome.Await(t, tab, `globalThis.tabard?.state.status === "signed_out"`)
	got := chrome.Eval[string](t, tab, fmt.Sprintf(attempt, `tabard.signIn()`))
	if !strings.HasPrefix(got, "TabardError fetch_replaced stop ") || !strings.Contains(got, "drops the cookie") {
		t.Errorf("the second sign-in: %s", got)
	}
	awaitLine(t, console, "tabard: fetch_replaced: a script of the page has replaced fetch, and its own drops the cookie: "+d.Origin+"/auth/session")
}

// TestMistakes_FetchOnABadNetwork: a script that replaces fetch and passes all on, as monitors
// do, is not blamed for what the network does to one of two requests. The sign-in goes on.
func TestMistakes_FetchOnABadNetwork(t *testing.T) {
	t.Parallel()
	d := demo.Start(t)
	network := faultproxy.New(t)
	browser := chrome.New(t, chrome.WithProxy(network.Address))
	busy := faultproxy.Answer(http.StatusServiceUnavailable, "busy")
	for name, faults := range map[string][]faultproxy.Fault{
		"the browser's is answered with 503": {busy, nil}, "the page's is": {nil, busy}, "the page's is lost": {nil, faultproxy.Lost, faultproxy.Lost},
	} {
		t.Run(name, func(t *testing.T) {
			tab := chrome.Person(t, browser)
			chrome.Before(t, tab, replaced(`(...request) => send(...request)`))
			d.SignIn(t, tab, "alice")
			chrome.Eval[any](t, tab, `tabard.signOut().then(() => null)`)
			demo.AwaitScreen(t, tab, "signed_out")
			asked := 0
			network.SetAt("/auth/session", func(w http.ResponseWriter, r *http.Request) bool {
				asked++
				return asked <= len(faults) && faults[asked-1] != nil && faults[asked-1](w, r)
			})
			defer network.SetAt("/auth/session", nil)
			chrome.Eval[any](t, tab, `void tabard.signIn().catch(({ code }) => (globalThis.refused = code))`)
			chrome.Await(t, tab, `location.origin !== "`+d.Origin+`" || globalThis.refused || tabard.state.status !== "signed_out"`)
			if got := chrome.Eval[string](t, tab, `globalThis.refused ?? ""`); got != "" || asked == 0 {
				t.Errorf("after %d questions: %s", asked, got)
			}
		})
	}
}

// TestMistakes_FetchWithoutOptions: a page whose fetch drops the method says so.
func TestMistakes_FetchWithoutOptions(t *testing.T) {
	t.Parallel()
	d, tab := example.Open(t, "routes/main.ts")
	chrome.Before(t, tab, replaced(`(input) => send(input, { cache: "no-store" })`))
	console := chrome.Watch(t, tab)
	chrome.Go(t, tab, d.Origin)
	awaitLine(t, console, "its own gets 405 invalid_request for POST "+d.Origin+"/auth/token, for which the browser gets 400 invalid_request")
}

// awaitLine waits for a line on a console that has a text.
func awaitLine(t *testing.T, console *chrome.Console, text string) {
	t.Helper()
	for began := time.Now(); time.Since(began) < 20*time.Second; <-time.After(50 * time.Millisecond) {
		for _, line := range console.Lines("") {
			if strings.Contains(line, text) {
				return
			}
		}
	}
	t.Errorf("%q is not on the console: %q", text, console.Lines(""))
}

// TestMistakes_FrameWithoutAnOrigin: a frame in a sandbox, whose document stands in an
// attribute, is told what it lacks.
func TestMistakes_FrameWithoutAnOrigin(t *testing.T) {
	t.Parallel()
	d := demo.Start(t)
	page := clientPage(ofTheDemo, "", nil)(t, d)
	tab := chrome.Guest(t)
	chrome.Go(t, tab, page)
	document := fmt.Sprintf(`<script type="module">const tell = (...words) => parent.postMessage(words.join(" "), "*");
		console.error = tell; onerror = (text) => tell("uncaught", text);
		const { createClient } = await import("%s/js/index.js"); createClient({ backend: "%s/auth" });</script>`, page, d.Origin)
	chrome.Eval[any](t, tab, fmt.Sprintf(`{ globalThis.told = []; onmessage = ({ data }) => told.push(data);
		const frame = document.createElement("iframe"); frame.sandbox = "allow-scripts"; frame.srcdoc = %q; document.body.append(frame); }`, document))
	chrome.Await(t, tab, `told.some((line) => line.includes("page_without_origin") && line.includes("allow-same-origin"))`)
	if got := chrome.Eval[string](t, tab, `told.filter((line) => line.startsWith("uncaught")).join()`); got != "" {
		t.Errorf("the frame says %s", got)
	}
}
