//go:build long

package browser

import (
	"context"
	"testing"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/example"
)

// TestBeforeSwitch_AddressWaits: while the person is asked, address and router are at the
// organization of the draft, whichever of listener and router is the first to hear. A yes
// leads to the address that was wanted, a no leaves all as it was.
func TestBeforeSwitch_AddressWaits(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]string{
		"Navigation API": "", "History API": `Object.defineProperty(globalThis, "navigation", { value: undefined });`,
	} {
		t.Run(name, func(t *testing.T) {
			d, tab := example.Open(t, wirings["the router's navigate"])
			chrome.Before(t, tab, script)
			example.SignIn(t, d, tab, "/acme/notes", "alice")
			for _, way := range leaving {
				for _, agrees := range []bool{false, true} {
					chrome.Go(t, tab, d.Origin+"/globex/notes")
					awaitRoute(t, tab, "/globex/notes", "globex")
					move(t, tab, `routes.go("/acme/notes")`)
					awaitRoute(t, tab, "/acme/notes", "acme")
					chrome.Press(t, tab, "#remark")
					chrome.Key(t, tab, "x")
					chrome.Eval[any](t, tab, askOnce+addresses)
					way.leave(t, tab)
					const waits = `location.pathname === "/acme/notes" && router.state.location.pathname === "/acme/notes" && router.state.navigation.state === "idle"`
					chrome.Await(t, tab, `questions.length > 0 && `+waits)
					if got := chrome.Eval[bool](t, tab, `named.has("globex")`); way.ahead && script == "" && got {
						t.Errorf("%s: the address or the router was at Globex before the person agreed", way.name)
					}
					if agrees {
						chrome.Eval[any](t, tab, `void answer(true)`)
						awaitRoute(t, tab, "/globex/notes", "globex")
					} else {
						chrome.Eval[any](t, tab, `void answer(false)`)
						chrome.Await(t, tab, `routes.state.result?.code === "switch_declined" && `+waits)
						awaitRoute(t, tab, "/acme/notes", "acme")
					}
					want := map[bool]string{true: "1 ", false: "1 x"}[agrees]
					if got := chrome.Eval[string](t, tab, `[questions.length, document.querySelector("#remark").value].join(" ")`); got != want {
						t.Errorf("%s, agrees %v: questions and draft are %q, want %q", way.name, agrees, got, want)
					}
				}
			}
			example.NoErrors(t, tab)
		})
	}
}

// addresses keeps every organization that the page's address, or its router's, has named.
const addresses = `{ globalThis.named = new Set();
	const keep = (pathname) => named.add(pathname.split("/")[1]);
	(globalThis.navigation ?? globalThis).addEventListener(globalThis.navigation ? "currententrychange" : "popstate", () => keep(location.pathname));
	router.subscribe(({ location }) => keep(location.pathname)); }`

// leaving are the ways by which a router would change the address by itself. Those that are
// heard of before the router are ahead of it.
var leaving = []struct {
	name  string
	ahead bool
	leave func(*testing.T, context.Context)
}{
	{"a link", true, func(t *testing.T, tab context.Context) { chrome.Press(t, tab, "#to-globex") }},
	{"back", true, func(t *testing.T, tab context.Context) { chrome.Press(t, tab, "h1"); move(t, tab, `history.back()`) }},
	{"back by a script", false, func(t *testing.T, tab context.Context) { move(t, tab, `history.back()`) }},
	{"the router's navigate", false, func(t *testing.T, tab context.Context) { move(t, tab, `router.navigate("/globex/notes")`) }},
	{"a link that is pressed twice", true, func(t *testing.T, tab context.Context) {
		chrome.Press(t, tab, "#to-initech")
		chrome.Await(t, tab, `questions.length === 1`)
		chrome.Press(t, tab, "#to-globex")
	}},
}

// TestBeforeSwitch_EntryIsGone: a yes leads to the address of an entry also where the browser
// has the entry no more.
func TestBeforeSwitch_EntryIsGone(t *testing.T) {
	t.Parallel()
	d, tab := example.Open(t, byNavigate)
	example.SignIn(t, d, tab, "/globex/notes", "alice")
	writesDraft(t, tab)
	chrome.Eval[any](t, tab, askOnce+`; navigation.traverseTo = () => {
		const gone = Promise.reject(new DOMException("Invalid key", "InvalidStateError"));
		return { committed: gone, finished: gone };
	}; undefined`)
	chrome.Press(t, tab, "h1")
	move(t, tab, `history.back()`)
	chrome.Await(t, tab, `questions.length === 1 || document.querySelector("#leave")`)
	chrome.Eval[any](t, tab, `void (globalThis.answer ? answer(true) : document.querySelector("#leave").click())`)
	awaitRoute(t, tab, "/globex/notes", "globex")
	example.NoErrors(t, tab)
}

// TestBeforeSwitch_LinkToAnotherPage: a link that no router takes is asked about too.
func TestBeforeSwitch_LinkToAnotherPage(t *testing.T) {
	t.Parallel()
	d, tab := example.Open(t, wirings["the router's navigate"])
	example.SignIn(t, d, tab, "/acme/notes", "alice")
	awaitRoute(t, tab, "/acme/notes", "acme")
	chrome.Eval[any](t, tab, askOnce+`; document.querySelector("nav").insertAdjacentHTML("afterend", '<a id="plain" href="/globex/notes">Globex</a>'); undefined`)
	for _, agrees := range []string{"false", "true"} {
		chrome.Press(t, tab, "#plain")
		chrome.Await(t, tab, `globalThis.answer && location.pathname === "/acme/notes"`)
		move(t, tab, `{ const said = answer; answer = undefined; said(`+agrees+`); }`)
		chrome.Await(t, tab, `routes.state.status === "stayed" || !globalThis.questions`)
	}
	awaitRoute(t, tab, "/globex/notes", "globex")
}
