package browser

import (
	"context"
	"fmt"
	"testing"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/demo"
	"github.com/tabard-auth/tabard/browser_test/kit/example"
)

// The ways in which the guide ties routes to React Router, and the example of each.
const (
	byNavigate = "react-router/main.tsx"
	byHistory  = "react-router/history.tsx"
)

var wirings = map[string]string{"the router's navigate": byNavigate, "the History API": byHistory}

// exits are the ways to leave an organization.
var exits = map[string]func(*testing.T, context.Context){
	"the switcher":       func(t *testing.T, tab context.Context) { demo.Choose(t, tab, "globex") },
	"switchOrganization": func(t *testing.T, tab context.Context) { move(t, tab, `tabard.switchOrganization("org_globex")`) },
	"go":                 func(t *testing.T, tab context.Context) { move(t, tab, `routes.go("/globex/notes")`) },
	"a link": func(t *testing.T, tab context.Context) {
		move(t, tab, `router.navigate("/globex/notes").then(() => routes.follow())`)
	},
	"back": func(t *testing.T, tab context.Context) { move(t, tab, `history.back()`) },
}

// posts keeps each post of the page: the organization in its address at that time, the
// one that it was posted to, and the answer.
const posts = `globalThis.posted = [];
{ const send = globalThis.fetch; globalThis.fetch = async (input, init) => {
	const to = String(input).match(/organizations\/org_(\w+)\/notes/)?.[1];
	const address = location.pathname.split("/")[1];
	const response = await send(input, init);
	if (init?.method === "POST" && to) posted.push([address, to, response.status].join(" "));
	return response;
}; }`

// onDraft runs a test with a draft at Acme's address, entered from Globex's, once for
// each exit.
func onDraft(t *testing.T, entry string, test func(*testing.T, context.Context, func(*testing.T, context.Context))) {
	d, tab := example.Open(t, entry)
	chrome.Before(t, tab, posts)
	example.SignIn(t, d, tab, "/globex/notes", "alice")
	for way, leave := range exits {
		t.Run(way, func(t *testing.T) {
			chrome.Go(t, tab, d.Origin+"/globex/notes")
			writesDraft(t, tab)
			test(t, tab, leave)
		})
	}
}

// writesDraft goes from Globex's address to Acme's and writes a draft there.
func writesDraft(t *testing.T, tab context.Context) {
	t.Helper()
	awaitRoute(t, tab, "/globex/notes", "globex")
	move(t, tab, `routes.go("/acme/notes")`)
	awaitRoute(t, tab, "/acme/notes", "acme")
	chrome.Press(t, tab, "#draft")
	for _, letter := range "mine" {
		chrome.Key(t, tab, string(letter))
	}
}

// awaitRoute waits until the address and the tab are at the same organization.
func awaitRoute(t *testing.T, tab context.Context, path, organization string) {
	t.Helper()
	chrome.Await(t, tab, fmt.Sprintf(`globalThis.tabard?.state.status === "active" && location.pathname === %q && tabard.state.organization.slug === %q && routes.state.status !== "switching" && document.querySelector("#draft")`, path, organization))
}

// TestDrafts_Stay: a person that stays at the router's prompt stays in the organization
// too, and the draft is posted to no other. TestDrafts_StayByHistory is wired otherwise.
func TestDrafts_Stay(t *testing.T) {
	t.Parallel()
	onDraft(t, byNavigate, staysWithDraft)
}

func staysWithDraft(t *testing.T, tab context.Context, leave func(*testing.T, context.Context)) {
	watch := `globalThis.worn = new Set(); tabard.subscribe(({ organization }) => worn.add(organization?.slug));`
	chrome.Eval[any](t, tab, `{`+watch+`}`)
	leave(t, tab)
	chrome.Await(t, tab, `document.querySelector("#stay")`)
	awaitRoute(t, tab, "/acme/notes", "acme")
	if got := chrome.Eval[string](t, tab, `document.querySelector("#draft").value`); got != "mine" {
		t.Errorf("the draft is %q", got)
	}
	chrome.Press(t, tab, "#stay")
	chrome.Await(t, tab, `!document.querySelector("#stay")`)
	chrome.Press(t, tab, "#add")
	chrome.Await(t, tab, `posted.length > 0`)
	if got := chrome.Eval[string](t, tab, `posted.join()`); got != "acme acme 201" {
		t.Errorf("posted %s", got)
	}
	awaitRoute(t, tab, "/acme/notes", "acme")
	if got := chrome.Eval[bool](t, tab, `worn.has("globex")`); got {
		t.Error("the tab went to Globex and came back")
	}
}

// TestDrafts_Leave: a person that leaves changes address and organization together, and
// the draft is posted nowhere. TestDrafts_LeaveByHistory is wired otherwise.
func TestDrafts_Leave(t *testing.T) {
	t.Parallel()
	onDraft(t, byNavigate, leavesDraft)
}

func leavesDraft(t *testing.T, tab context.Context, leave func(*testing.T, context.Context)) {
	leave(t, tab)
	chrome.Press(t, tab, "#leave")
	chrome.Await(t, tab, `location.pathname.startsWith("/globex/")`)
	awaitRoute(t, tab, chrome.Eval[string](t, tab, `location.pathname`), "globex")
	if got := chrome.Eval[string](t, tab, `[routes.state.status, document.querySelector("#draft").value, posted.length].join()`); got != "settled,,0" {
		t.Errorf("after leaving: %s", got)
	}
}

// TestDrafts_ActionDuringAQuestion: a router that was ahead of the question is led back, and
// what a form's action sends while the person is asked goes where the form was filled in.
func TestDrafts_ActionDuringAQuestion(t *testing.T) {
	t.Parallel()
	d, tab := example.Open(t, byNavigate)
	chrome.Before(t, tab, posts)
	example.SignIn(t, d, tab, "/acme/notes", "alice")
	awaitRoute(t, tab, "/acme/notes", "acme")
	chrome.Eval[any](t, tab, askOnce)
	chrome.Press(t, tab, "#remark")
	chrome.Key(t, tab, "x")
	chrome.Eval[any](t, tab, `void router.navigate("/globex/notes")`)
	chrome.Await(t, tab, `questions.length === 1 && location.pathname === "/acme/notes" && router.state.location.pathname === "/acme/notes"`)
	chrome.Press(t, tab, "#send")
	chrome.Await(t, tab, `posted.length > 0`)
	if got := chrome.Eval[string](t, tab, `posted.join()`); got != "acme acme 201" {
		t.Errorf("posted %s", got)
	}
	chrome.Eval[any](t, tab, `void answer(false)`)
	awaitRoute(t, tab, "/acme/notes", "acme")
	example.NoErrors(t, tab)
}
