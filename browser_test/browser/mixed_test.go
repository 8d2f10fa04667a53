package browser

import (
	"context"
	"fmt"
	"testing"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/demo"
	"github.com/tabard-auth/tabard/browser_test/kit/example"
)

// between are the ways from a page of one organization to the same page of another.
var between = []struct {
	way  string
	goes func(*testing.T, context.Context, string)
}{
	{"a link", func(t *testing.T, tab context.Context, to string) { chrome.Press(t, tab, "#settings-of-"+to) }},
	{"the switcher", func(t *testing.T, tab context.Context, to string) { demo.Choose(t, tab, to) }},
	{"switchOrganization", func(t *testing.T, tab context.Context, to string) {
		move(t, tab, fmt.Sprintf(`tabard.switchOrganization(%q)`, to))
	}},
	{"go", func(t *testing.T, tab context.Context, to string) {
		move(t, tab, fmt.Sprintf(`routes.go("/%s/settings")`, to))
	}},
	{"back", func(t *testing.T, tab context.Context, _ string) { move(t, tab, `history.back()`) }},
}

// fields are what the forms of a page hold.
const fields = `["given", "typed", "kept", "failed"].map((id) => document.getElementById(id)?.value).join()`

// TestP1_APageIsOfOneOrganization: a router's address and the tab do not change in the same
// render. No page has the tab of one organization and the address or the data of another, and no
// form holds what was loaded, kept or typed for another.
func TestP1_APageIsOfOneOrganization(t *testing.T) {
	t.Parallel()
	d, tab := example.Open(t, "../test/settings.tsx")
	example.SignIn(t, d, tab, "/globex/notes", "alice")
	awaitRoute(t, tab, "/globex/notes", "globex")
	move(t, tab, `router.navigate("/globex/settings")`)
	at := func(way, slug string) {
		t.Helper()
		chrome.Await(t, tab, fmt.Sprintf(`location.pathname === "/%s/settings" && tabard.state.organization?.slug === %[1]q && routes.state.status === "settled" && document.querySelector("#given")?.checkVisibility() && router.state.navigation.state === "idle"`, slug))
		want := fmt.Sprintf("name of %s,name of %[1]s,draft of %[1]s,", slug)
		if got := chrome.Eval[string](t, tab, fields); got != want {
			t.Errorf("%s: the forms of %s hold %s", way, slug, got)
		}
		if got := chrome.Eval[string](t, tab, `mixed.splice(0).join("; ")`); got != "" {
			t.Errorf("%s: %s", way, got)
		}
	}
	at("signing in", "globex")
	for range 3 {
		for _, leave := range between {
			chrome.Press(t, tab, "#settings-of-acme")
			at("a link", "acme")
			chrome.Press(t, tab, "#failed")
			chrome.Key(t, tab, "x")
			chrome.Press(t, tab, "#fail")
			chrome.Await(t, tab, `router.state.actionData !== null && router.state.navigation.state === "idle"`)
			leave.goes(t, tab, "globex")
			at(leave.way, "globex")
		}
	}
	example.NoErrors(t, tab)
}

// TestDrafts_SavedBeforeTheSwitch: a form that saves by itself saves what was typed last before the
// tab leaves, in its own organization, whichever way the person goes. Where it cannot, the tab stays.
func TestDrafts_SavedBeforeTheSwitch(t *testing.T) {
	t.Parallel()
	d, tab := example.Open(t, "../test/settings.tsx")
	chrome.Before(t, tab, posts+answers)
	example.SignIn(t, d, tab, "/globex/notes", "alice")
	awaitRoute(t, tab, "/globex/notes", "globex")
	move(t, tab, `router.navigate("/globex/settings")`)
	for _, leave := range between {
		chrome.Press(t, tab, "#settings-of-acme")
		chrome.Await(t, tab, `location.pathname === "/acme/settings" && document.querySelector("#given")?.value === "name of acme" && document.querySelector("#autosaved")?.checkVisibility()`)
		chrome.Press(t, tab, "#autosaved")
		chrome.Key(t, tab, "x")
		chrome.Eval[any](t, tab, `void answers.push(() => new Response("", { status: 503 }))`)
		leave.goes(t, tab, "globex")
		chrome.Await(t, tab, `answers.length === 0 && ["stayed", "settled"].includes(routes.state.status)`)
		if got := chrome.Eval[string](t, tab, `[tabard.state.organization.slug, document.querySelector("#autosaved").value].join()`); got != "acme,x" {
			t.Errorf("%s, not saved: %s", leave.way, got)
		}
		leave.goes(t, tab, "globex")
		chrome.Await(t, tab, `location.pathname === "/globex/settings" && document.querySelector("#given")?.value === "name of globex" && document.querySelector("#autosaved")?.checkVisibility()`)
		if got := chrome.Eval[string](t, tab, `posted.splice(0).join() + ";" + document.querySelector("#autosaved").value`); got != "acme acme 201;" {
			t.Errorf("%s: posted %s", leave.way, got)
		}
	}
}

// TestDrafts_SavedBeforeThePage: such a form saves what was typed last for another page of its organization,
// and for a reload.
func TestDrafts_SavedBeforeThePage(t *testing.T) {
	t.Parallel()
	d, tab := example.Open(t, "../test/settings.tsx")
	chrome.Before(t, tab, posts)
	example.SignIn(t, d, tab, "/acme/notes", "alice")
	awaitRoute(t, tab, "/acme/notes", "acme")
	types := func(text string) {
		t.Helper()
		move(t, tab, `router.navigate("/acme/settings")`)
		chrome.Await(t, tab, `document.querySelector("#autosaved")?.checkVisibility()`)
		chrome.Press(t, tab, "#autosaved")
		chrome.Key(t, tab, text)
	}
	types("x")
	move(t, tab, `router.navigate("/acme/notes")`)
	chrome.Await(t, tab, `posted.join() === "acme acme 201"`)
	types("y")
	chrome.Go(t, tab, d.Origin+"/acme/notes")
	awaitRoute(t, tab, "/acme/notes", "acme")
	chrome.Await(t, tab, `tabard.fetch("/api/organizations/org_acme/notes").then((answer) => answer.json()).then(({ notes }) => ["x", "y"].every((typed) => notes.some(({ text }) => text === typed)))`)
	example.NoErrors(t, tab)
}

// TestP1_DialogOfThePageThatIsLeft: a dialog that a page shows elsewhere in the document is not seen, and
// takes nothing, while the tab is on its way to another organization.
func TestP1_DialogOfThePageThatIsLeft(t *testing.T) {
	t.Parallel()
	d, tab := example.Open(t, "../test/settings.tsx")
	example.SignIn(t, d, tab, "/acme/notes", "alice")
	awaitRoute(t, tab, "/acme/notes", "acme")
	move(t, tab, `router.navigate("/acme/settings")`)
	chrome.Press(t, tab, "#dialog-open")
	chrome.Await(t, tab, `document.querySelector("#dialog")?.checkVisibility()`)
	held := chrome.Hold(t, tab, "*/auth/token*")
	chrome.Press(t, tab, "#to-initech")
	chrome.Await(t, tab, `document.body.innerText.includes("Opening initech") && !document.querySelector("#dialog").checkVisibility()`)
	held.Release(t)
	awaitRoute(t, tab, "/initech/notes", "initech")
	example.NoErrors(t, tab)
}

// TestForms_KeepBesideALoader: a page that reads its loader's data, and is left for one of another route
// whose organization does not let the person in, is there again with what was typed.
func TestForms_KeepBesideALoader(t *testing.T) {
	t.Parallel()
	d, tab := example.Open(t, "../test/settings.tsx")
	example.SignIn(t, d, tab, "/acme/notes", "alice")
	awaitRoute(t, tab, "/acme/notes", "acme")
	move(t, tab, `router.navigate("/acme/settings")`)
	held := chrome.Hold(t, tab, "*/auth/token*")
	for range 3 {
		chrome.Press(t, tab, "#typed")
		chrome.Key(t, tab, "x")
		typed := chrome.Eval[string](t, tab, `document.querySelector("#typed").value`)
		chrome.Press(t, tab, "#to-nowhere")
		chrome.Await(t, tab, `document.body.innerText.includes("Opening nowhere")`)
		chrome.Eval[any](t, tab, `new Promise((resolve) => requestIdleCallback(() => requestIdleCallback(() => resolve(null))))`)
		held.Pass()
		chrome.Await(t, tab, `document.querySelector("#why") && location.pathname === "/acme/settings" && document.querySelector("#typed")?.checkVisibility()`)
		if got := chrome.Eval[string](t, tab, `document.querySelector("#typed").value`); got != typed || got == "name of acme" {
			t.Errorf("the form holds %q, not %q", got, typed)
		}
	}
	example.NoErrors(t, tab)
}
