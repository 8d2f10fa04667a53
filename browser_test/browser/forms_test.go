package browser

import (
	"context"
	"strconv"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/demo"
	"github.com/tabard-auth/tabard/browser_test/kit/example"
)

// answers lets a test answer the page's posts to its API, and counts them.
const answers = `globalThis.answers = []; globalThis.posts = 0;
{ const send = globalThis.fetch; globalThis.fetch = (input, init) => {
	if (init?.method !== "POST" || !String(input).startsWith("/api/")) return send(input, init);
	posts++;
	const answer = answers.shift();
	return answer ? answer() : send(input, init);
}; }`

// inForm is the example's form at an address, with a draft.
func inForm(t *testing.T, person, organization string) (*demo.Demo, context.Context) {
	t.Helper()
	d, tab := example.Open(t, byNavigate)
	chrome.Before(t, tab, answers)
	example.SignIn(t, d, tab, "/"+organization+"/notes", person)
	awaitRoute(t, tab, "/"+organization+"/notes", organization)
	chrome.Press(t, tab, "#draft")
	chrome.Key(t, tab, "x")
	return d, tab
}

// adds presses the form's button, and expects a problem and the draft.
func adds(t *testing.T, tab context.Context, problem string) {
	t.Helper()
	chrome.Press(t, tab, "#add")
	chrome.Await(t, tab, `document.querySelector("#problem")?.innerText.includes(`+strconv.Quote(problem)+`)`)
	if got := chrome.Eval[string](t, tab, `document.querySelector("#draft").value`); got != "x" {
		t.Errorf("%s: the draft is %q", problem, got)
	}
}

// TestForms_KeepWhatTheAPIDoesNotTake: what was typed stays in the form, with the reason and
// the way on, whatever becomes of the request.
func TestForms_KeepWhatTheAPIDoesNotTake(t *testing.T) {
	t.Parallel()
	_, tab := inForm(t, "alice", "initech")
	adds(t, tab, "the API answered 403") // a viewer's
	chrome.Eval[any](t, tab, `void answers.push(() => new Response("", { status: 500 }))`)
	adds(t, tab, "the API answered 500")
	chrome.Eval[any](t, tab, `void answers.push(() => Promise.reject(new TypeError("Failed to fetch")))`)
	adds(t, tab, "Failed to fetch")
	chrome.Eval[any](t, tab, `void answers.push(() => new Response("", { status: 401, headers: { "WWW-Authenticate": 'Bearer error="insufficient_user_authentication", acr_values="urn:tabard:mfa"' } }))`)
	adds(t, tab, "insufficient_user_authentication")
	chrome.Await(t, tab, `document.querySelector("#confirm")`)
	chrome.Press(t, tab, "#remark")
	chrome.Key(t, tab, "y")
	chrome.Press(t, tab, "#send")
	chrome.Press(t, tab, "#leave") // for the router asks about the note
	chrome.Await(t, tab, `document.querySelector("#not-sent")?.innerText.includes("the API answered 403")`)
	if got := chrome.Eval[string](t, tab, `document.querySelector("#draft").value + document.querySelector("#remark").value`); got != "xy" {
		t.Errorf("the form holds %q", got)
	}
}

// TestForms_TypedWhileAWindowIsOpen: what is typed while the person authenticates in a window is not
// taken for what was sent.
func TestForms_TypedWhileAWindowIsOpen(t *testing.T) {
	t.Parallel()
	_, tab := inForm(t, "alice", "acme")
	chrome.Eval[any](t, tab, `void answers.push(() => new Response("", { status: 401, headers: { "WWW-Authenticate": 'Bearer error="insufficient_user_authentication", acr_values="urn:tabard:mfa"' } }))`)
	adds(t, tab, "insufficient_user_authentication")
	popup := chrome.OpenedBy(t, tab, func() { chrome.Press(t, tab, "#confirm") })
	chrome.Press(t, tab, "#draft")
	chrome.Key(t, tab, "y")
	chrome.Press(t, popup, "#second-factor-alice")
	chrome.Await(t, tab, `posts === 2 && !document.querySelector("#problem") && !document.querySelector("#add").disabled`)
	if got := chrome.Eval[string](t, tab, `document.querySelector("#draft").value`); got != "xy" {
		t.Errorf("the form holds %q", got)
	}
}

// TestForms_SendOnce: while a note is sent it is neither changed nor sent again, and a link that
// is pressed meanwhile is followed when the note was added.
func TestForms_SendOnce(t *testing.T) {
	t.Parallel()
	_, tab := inForm(t, "alice", "acme")
	chrome.Eval[any](t, tab, `void answers.push(() => new Promise((resolve) => (globalThis.answer = () => resolve(Response.json({}, { status: 201 })))))`)
	chrome.Press(t, tab, "#add")
	chrome.Await(t, tab, `globalThis.answer && document.querySelector("#draft").readOnly && document.querySelector("#add").disabled`)
	chrome.Press(t, tab, "#draft")
	chrome.Key(t, tab, "y")
	chrome.Eval[any](t, tab, `void document.querySelector("#add").click()`)
	chrome.Press(t, tab, "#to-globex")
	chrome.Await(t, tab, `document.querySelector("#stay")`)
	if got := chrome.Eval[string](t, tab, `document.querySelector("#draft").value + posts`); got != "x1" {
		t.Errorf("while the note is sent: %s", got)
	}
	chrome.Eval[any](t, tab, `void answer()`)
	awaitRoute(t, tab, "/globex/notes", "globex")
	example.NoErrors(t, tab)
}

// TestDemo_SendsANoteOnce: the demo throws away what was added, and nothing else.
func TestDemo_SendsANoteOnce(t *testing.T) {
	t.Parallel()
	_, tab := atAcme(t)
	chrome.Press(t, tab, "#note-text")
	chrome.Key(t, tab, "x")
	held := chrome.Hold(t, tab, "*/api/organizations/org_acme/notes")
	chrome.Press(t, tab, "#note-add")
	chrome.Await(t, tab, `document.querySelector("#note-text").readOnly`)
	chrome.Press(t, tab, "#note-text")
	chrome.Key(t, tab, "y")
	chrome.Eval[any](t, tab, `void document.querySelector("#note-add").click()`)
	if got := chrome.Eval[string](t, tab, `document.querySelector("#note-text").value`); got != "x" {
		t.Errorf("while the note is sent, the form holds %q", got)
	}
	held.Release(t)
	chrome.Await(t, tab, `document.querySelector("#note-text").value === "" && !document.querySelector("#note-text").readOnly`)
	if got := chrome.Eval[int](t, tab, `[...document.querySelectorAll(".note-body .note-text")].filter(({ textContent }) => textContent === "x").length`); got != 1 {
		t.Errorf("the note stands %d times", got)
	}
	chrome.Offline(t, tab, true)
	chrome.Press(t, tab, "#note-text")
	chrome.Key(t, tab, "z")
	chrome.Press(t, tab, "#note-add")
	chrome.Await(t, tab, `!document.querySelector("#note-problem").hidden && document.querySelector("#note-text").value === "z"`)
}

// TestForms_KeepWhereTheSlugChanges: an organization whose slug is changed takes its address along, and
// the form is there with what was typed, without a question.
func TestForms_KeepWhereTheSlugChanges(t *testing.T) {
	t.Parallel()
	d, tab := inForm(t, "alice", "acme")
	renameAcme(t, d, tab)
	awaitRoute(t, tab, "/acme-inc/notes", "acme-inc")
	chrome.Await(t, tab, `document.querySelector("#draft")?.checkVisibility()`)
	if got := chrome.Eval[string](t, tab, whereabouts+` + (document.querySelector("#stay") ? " asked" : "")`); got != "/acme-inc/notes /acme-inc/notes acme-inc x" {
		t.Errorf("after the change: %s", got)
	}
	chrome.Press(t, tab, "#to-globex")
	chrome.Press(t, tab, "#leave")
	awaitRoute(t, tab, "/globex/notes", "globex")
	example.NoErrors(t, tab)
}

// TestForms_KeepWhereTheAddressIsAFormerSlug: where the address stays, the form does too.
func TestForms_KeepWhereTheAddressIsAFormerSlug(t *testing.T) {
	t.Parallel()
	d, tab := inForm(t, "alice", "acme")
	chrome.Eval[any](t, tab, `routes.close()`)
	renameAcme(t, d, tab)
	chrome.Await(t, tab, `document.querySelector("h1").innerText !== "" && tabard.state.organization.slug === "acme-inc"`)
	chrome.Press(t, tab, "#draft")
	chrome.Key(t, tab, "y")
	if got := chrome.Eval[string](t, tab, whereabouts); got != "/acme/notes /acme/notes acme-inc xy" {
		t.Errorf("after the change: %s", got)
	}
}

// renameAcme changes Acme's slug, of which the tab hears with its next token.
func renameAcme(t *testing.T, d *demo.Demo, tab context.Context) {
	t.Helper()
	workspace := d.Workspace(t)
	renamed := strings.Replace(workspace, "slug: acme\n", "slug: acme-inc\n", 1)
	if renamed == workspace {
		t.Fatalf("Acme is not in the workspace file:\n%s", workspace)
	}
	d.Apply(t, renamed)
	chrome.Eval[any](t, tab, `tabard.getToken({ forceRefresh: true }).then(() => null)`)
}

// TestForms_KeepWhatATriedSwitchDidNotTake: a person who leaves their draft for an organization
// that does not let them in still has it, and reads why.
func TestForms_KeepWhatATriedSwitchDidNotTake(t *testing.T) {
	t.Parallel()
	_, tab := inForm(t, "dana", "acme")
	tries := func(link, status string) {
		t.Helper()
		chrome.Eval[any](t, tab, link)
		chrome.Press(t, tab, "#leave")
		chrome.Await(t, tab, `routes.state.result?.status === `+strconv.Quote(status)+` && document.querySelector("#why")?.checkVisibility()`)
		awaitRoute(t, tab, "/acme/notes", "acme")
		if got := chrome.Eval[string](t, tab, whereabouts); got != "/acme/notes /acme/notes acme x" {
			t.Errorf("%s: %s", status, got)
		}
	}
	tries(`void document.querySelector("#to-nowhere").click()`, "refused")
	tries(`void router.navigate("/lamna/notes")`, "step_up_required")
	chrome.Await(t, tab, `document.querySelector("#continue")`)
	chrome.Offline(t, tab, true)
	tries(`void document.querySelector("#to-globex").click()`, "unavailable")
	chrome.Offline(t, tab, false)
}
