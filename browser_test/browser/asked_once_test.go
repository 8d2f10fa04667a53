package browser

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/demo"
	"github.com/tabard-auth/tabard/browser_test/kit/example"
)

// TestDrafts_PastTheRouterAfterStay: the person stayed. A script that then changes the address past
// the router is asked about, although nothing was typed since.
func TestDrafts_PastTheRouterAfterStay(t *testing.T) {
	t.Parallel()
	d, tab := example.Open(t, byNavigate)
	example.SignIn(t, d, tab, "/acme/notes", "alice")
	awaitRoute(t, tab, "/acme/notes", "acme")
	chrome.Press(t, tab, "#draft")
	chrome.Key(t, tab, "x")
	stay := func(after string) {
		t.Helper()
		chrome.Await(t, tab, `document.querySelector("#stay")`)
		chrome.Press(t, tab, "#stay")
		chrome.Await(t, tab, `!document.querySelector("#stay")`)
		if got := chrome.Eval[string](t, tab, whereabouts); got != "/acme/notes /acme/notes acme x" {
			t.Fatalf("%s: %s", after, got)
		}
	}
	for _, asked := range []string{`router.navigate("/globex/notes")`, `tabard.switchOrganization("globex")`, `router.navigate("/")`} {
		for _, method := range []string{"pushState", "replaceState"} {
			move(t, tab, asked)
			stay(asked)
			chrome.Eval[any](t, tab, `history.`+method+`(null, "", "/globex/notes")`)
			stay(asked + ", " + method)
		}
	}
	chrome.Eval[any](t, tab, `history.pushState(null, "", "/globex/notes")`)
	chrome.Press(t, tab, "#leave")
	awaitRoute(t, tab, "/globex/notes", "globex")
	if got := chrome.Eval[string](t, tab, whereabouts); got != "/globex/notes /globex/notes globex " {
		t.Errorf("after leaving: %s", got)
	}
	example.NoErrors(t, tab)
}

// TestDrafts_TypedWhileAsked: the person types on while the router asks, and leaves: the answer
// is about all of it.
func TestDrafts_TypedWhileAsked(t *testing.T) {
	t.Parallel()
	for wiring, entry := range wirings {
		t.Run(wiring, func(t *testing.T) { onDraft(t, entry, typesWhileAsked) })
	}
}

func typesWhileAsked(t *testing.T, tab context.Context, leave func(*testing.T, context.Context)) {
	leave(t, tab)
	chrome.Await(t, tab, `document.querySelector("#leave")`)
	chrome.Press(t, tab, "#draft")
	chrome.Key(t, tab, "x")
	chrome.Eval[any](t, tab, `{ globalThis.asked = 0; router.subscribe(({ blockers }) => [...blockers.values()].some(({ state }) => state === "blocked") && asked++); }`)
	chrome.Press(t, tab, "#leave")
	chrome.Await(t, tab, `tabard.state.organization.slug === "globex" && location.pathname.startsWith("/globex/") && document.querySelector("#draft")?.value === ""`)
	if got := chrome.Eval[int](t, tab, `asked`); got != 0 {
		t.Errorf("asked again, %d times", got)
	}
}

// TestDrafts_TypedAfterLeaving: what is typed after the answer, while a loader runs, is asked about,
// also if something else is pressed since.
func TestDrafts_TypedAfterLeaving(t *testing.T) {
	t.Parallel()
	d, tab := example.Open(t, "../test/loaders.tsx")
	example.SignIn(t, d, tab, "/acme/notes", "alice")
	awaitRoute(t, tab, "/acme/notes", "acme")
	chrome.Press(t, tab, "#draft")
	chrome.Key(t, tab, "x")
	held := chrome.Hold(t, tab, "*/api/organizations/org_globex/*")
	chrome.Press(t, tab, "#to-globex")
	chrome.Press(t, tab, "#leave")
	chrome.Await(t, tab, `router.state.navigation.state === "loading"`)
	chrome.Press(t, tab, "#draft")
	chrome.Key(t, tab, "y")
	chrome.Press(t, tab, "nav")
	held.Release(t)
	chrome.Await(t, tab, `document.querySelector("#stay")`)
	chrome.Press(t, tab, "#stay")
	chrome.Await(t, tab, `!document.querySelector("#stay")`)
	if got := chrome.Eval[string](t, tab, whereabouts); got != "/acme/notes /acme/notes acme xy" {
		t.Errorf("after staying: %s", got)
	}
	example.NoErrors(t, tab)
}

// pressThatSwitches adds a link whose handler goes in its own way.
const pressThatSwitches = `{ const a = Object.assign(document.createElement("a"), { id: "mine", href: "/globex/notes", textContent: "Globex" });
	a.onclick = (event) => { event.preventDefault(); goes(); };
	document.body.prepend(a); }`

// TestBeforeSwitch_PressThatSwitches: a link is asked about once, also where its handler
// switches the client or goes to the organization by its id; and twice where it goes to another.
func TestBeforeSwitch_PressThatSwitches(t *testing.T) {
	t.Parallel()
	onEitherHistory(t, "alice", func(t *testing.T, d *demo.Demo, tab context.Context) {
		for handler, want := range map[string]string{
			`tabard.switchOrganization("globex")`:                      "acme>globex",
			`tabard.switchOrganization("org_globex")`:                  "acme>globex",
			`routes.go("/org_globex/notes")`:                           "acme>globex",
			`Promise.resolve().then(() => routes.go("/globex/notes"))`: "acme>globex",
			`tabard.switchOrganization("initech")`:                     "acme>globex,acme>initech",
		} {
			inAcmeFromGlobex(t, d, tab)
			chrome.Eval[any](t, tab, `tabard.organizations().then(() => null)`)
			chrome.Eval[any](t, tab, `{ globalThis.goes = () => void `+handler+`; }`+pressThatSwitches)
			chrome.Press(t, tab, "#mine")
			chrome.Await(t, tab, `questions.length === 1`)
			chrome.Eval[any](t, tab, `{ const give = answer; globalThis.answer = undefined; give(true); }`)
			chrome.Await(t, tab, `globalThis.answer || tabard.state.organization.slug === "globex"`)
			chrome.Eval[any](t, tab, `void globalThis.answer?.(true)`)
			chrome.Await(t, tab, `tabard.state.organization.slug !== "acme" && routes.state.status === "settled"`)
			if got := chrome.Eval[string](t, tab, `questions.join()`); got != want {
				t.Errorf("%s: asked %s", handler, got)
			}
		}
	})
}

// TestOpenTab_AddressOfAnotherOrganization: the address goes first, so that a new tab is refused
// one of another organization. Without an address it begins where its organization does.
func TestOpenTab_AddressOfAnotherOrganization(t *testing.T) {
	t.Parallel()
	d, tab := example.Open(t, "routes/main.ts")
	example.SignIn(t, d, tab, "/acme/notes", "alice")
	awaitAddress(t, tab, "/acme/notes", "acme")
	const caught = `(() => { try { return String(%s); } catch (error) { return error.name + ": " + error.message; } })()`
	chrome.Eval[any](t, tab, `tabard.organizations().then(() => null)`)
	for _, call := range []string{
		`tabard.openTab("globex", "/acme/notes")`, `tabard.openTab("org_globex", new URL("/acme/notes", location.href))`, `tabard.openTab("acme", "/org_globex/notes")`,
	} {
		got := chrome.Eval[string](t, tab, fmt.Sprintf(caught, call))
		if !strings.HasPrefix(got, "TypeError: ") || !strings.Contains(got, " is an address of ") {
			t.Errorf("%s: %s", call, got)
		}
	}
	for call, want := range map[string][2]string{
		`tabard.openTab("globex")`:                      {"/globex/", "globex"},
		`tabard.openTab("org_globex", "/globex/notes")`: {"/globex/notes", "globex"},
		`tabard.openTab("globex", "/org_globex/notes")`: {"/org_globex/notes", "globex"},
		`tabard.openTab("globex", "/welcome")`:          {"/welcome", "globex"},
		`tabard.openTab("acme")`:                        {"/acme/notes", "acme"},
	} {
		other := chrome.OpenedBy(t, tab, func() { chrome.Eval[any](t, tab, `void `+call) })
		chrome.Await(t, other, fmt.Sprintf(`globalThis.tabard?.state.status === "active" && location.pathname === %q && tabard.state.organization.slug === %q`, want[0], want[1]))
		chrome.Show(t, tab)
	}
	example.NoErrors(t, tab)
}
