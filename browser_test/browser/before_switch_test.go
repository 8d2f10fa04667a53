package browser

import (
	"context"
	"fmt"
	"testing"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/demo"
	"github.com/tabard-auth/tabard/browser_test/kit/example"
)

// askOnce makes the page ask before a switch: its questions are kept, and the answer is
// given by the test.
const askOnce = `{ globalThis.questions = []; tabard.beforeSwitch(({ from, to }) => new Promise((resolve) => {
	questions.push(from.slug + ">" + to.replace("org_", ""));
	globalThis.answer = resolve;
})); }`

// asks are the ways to another organization that the page's question is about.
var asks = map[string]func(*testing.T, context.Context){
	"the switcher":       func(t *testing.T, tab context.Context) { demo.Choose(t, tab, "globex") },
	"switchOrganization": func(t *testing.T, tab context.Context) { move(t, tab, `tabard.switchOrganization("org_globex")`) },
	"go":                 func(t *testing.T, tab context.Context) { move(t, tab, `routes.go("/globex/notes")`) },
	"a router's link":    func(t *testing.T, tab context.Context) { move(t, tab, fmt.Sprintf(pushedRoute, "/globex/notes")) },
	"back":               func(t *testing.T, tab context.Context) { move(t, tab, `history.back()`) },
}

// inAcmeFromGlobex is at Acme's address, entered from Globex's, with a question to ask.
func inAcmeFromGlobex(t *testing.T, d *demo.Demo, tab context.Context) {
	t.Helper()
	chrome.Go(t, tab, d.Origin+"/globex/notes")
	awaitAddress(t, tab, "/globex/notes", "globex")
	move(t, tab, `routes.go("/acme/notes")`)
	awaitAddress(t, tab, "/acme/notes", "acme")
	chrome.Eval[any](t, tab, askOnce)
}

// TestBeforeSwitch_KeepsTheOrganization: one question for each way; a no keeps the
// organization, its address and its page.
func TestBeforeSwitch_KeepsTheOrganization(t *testing.T) {
	t.Parallel()
	onEitherHistory(t, "alice", func(t *testing.T, d *demo.Demo, tab context.Context) {
		for way, leave := range asks {
			inAcmeFromGlobex(t, d, tab)
			chrome.Eval[any](t, tab, `{ globalThis.page = document.querySelector("#notes"); globalThis.worn = new Set(); tabard.subscribe(({ organization }) => worn.add(organization?.slug)); }`)
			before := minted(t, tab)
			leave(t, tab)
			chrome.Await(t, tab, `questions.length > 0`)
			if !chrome.Eval[bool](t, tab, `document.querySelector("#notes") === page`) {
				t.Errorf("%s: the page is gone before the person answers", way)
			}
			chrome.Eval[any](t, tab, `void answer(false)`)
			awaitAddress(t, tab, "/acme/notes", "acme")
			if got := chrome.Eval[string](t, tab, `[questions.join(), worn.has("globex"), routes.state.result?.code ?? "switch_declined"].join(" ")`); got != "acme>globex false switch_declined" {
				t.Errorf("%s: %s", way, got)
			}
			if got := minted(t, tab) - before; got != 0 {
				t.Errorf("%s: %d tokens were asked for", way, got)
			}
		}
	})
}

// TestBeforeSwitch_Leaves: a yes is asked for once, and address and tab go together.
func TestBeforeSwitch_Leaves(t *testing.T) {
	t.Parallel()
	onEitherHistory(t, "alice", func(t *testing.T, d *demo.Demo, tab context.Context) {
		for way, leave := range asks {
			inAcmeFromGlobex(t, d, tab)
			leave(t, tab)
			chrome.Await(t, tab, `questions.length > 0`)
			chrome.Eval[any](t, tab, `void answer(true)`)
			chrome.Await(t, tab, `location.pathname.startsWith("/globex/") && routes.state.status === "settled"`)
			example.AwaitNotes(t, tab, "globex")
			if got := chrome.Eval[string](t, tab, `questions.join()`); got != "acme>globex" {
				t.Errorf("%s: asked %s", way, got)
			}
		}
	})
}

// askAboutDraft makes the page ask the same as the form's blocker does.
const askAboutDraft = `{ globalThis.questions = 0; tabard.beforeSwitch(() => {
	if (!document.querySelector("#draft")?.value) return;
	questions++;
	return new Promise((resolve) => (globalThis.answer = resolve));
}); }`

// TestBeforeSwitch_OneQuestion: where the router's blocker and the page's question are
// about the same draft, one of them asks, whatever the way.
// TestBeforeSwitch_OneQuestionByHistory is wired otherwise.
func TestBeforeSwitch_OneQuestion(t *testing.T) {
	t.Parallel()
	onDraft(t, byNavigate, askedOnce)
}

func askedOnce(t *testing.T, tab context.Context, leave func(*testing.T, context.Context)) {
	chrome.Eval[any](t, tab, askAboutDraft)
	for _, stays := range []bool{true, false} {
		chrome.Eval[any](t, tab, `{ questions = 0; answer = undefined; }`)
		leave(t, tab)
		chrome.Await(t, tab, `globalThis.answer || document.querySelector("#leave")`)
		button, asked := "#leave", 1
		if stays {
			button = "#stay"
		}
		if chrome.Eval[bool](t, tab, `Boolean(globalThis.answer)`) {
			asked = 0
			chrome.Eval[any](t, tab, fmt.Sprintf(`void answer(%v)`, !stays))
		} else {
			chrome.Press(t, tab, button)
		}
		if stays {
			chrome.Await(t, tab, `!document.querySelector("#stay")`)
			awaitRoute(t, tab, "/acme/notes", "acme")
		} else {
			chrome.Await(t, tab, `location.pathname.startsWith("/globex/") && tabard.state.organization.slug === "globex" && routes.state.status === "settled" && document.querySelector("#draft")?.value === ""`)
		}
		if got := chrome.Eval[int](t, tab, `questions + (document.querySelector("#stay") ? 1 : 0)`); got+asked != 1 {
			t.Errorf("the person was asked %d times", got+asked)
		}
	}
}

// secondBlocker adds a blocker that knows nothing of the page's question, after the form's,
// of which React Router asks the last.
const secondBlocker = `; globalThis.blocks = true; new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 50)))
	.then(() => void router.getBlocker("another", () => blocks))`

// TestBeforeSwitch_AnswerIsForWhatWasTyped: what is typed after an answer is asked about.
func TestBeforeSwitch_AnswerIsForWhatWasTyped(t *testing.T) {
	t.Parallel()
	d, tab := example.Open(t, byNavigate)
	example.SignIn(t, d, tab, "/acme/notes", "alice")
	awaitRoute(t, tab, "/acme/notes", "acme")
	chrome.Eval[any](t, tab, askOnce+secondBlocker)
	move(t, tab, `routes.go("/globex/notes")`)
	chrome.Await(t, tab, `questions.length === 1`)
	chrome.Eval[any](t, tab, `void answer(true)`)
	chrome.Await(t, tab, `router.state.blockers.get("another").state === "blocked" && routes.state.status === "stayed"`)
	chrome.Eval[any](t, tab, `{ router.state.blockers.get("another").reset(); blocks = false; }`)
	chrome.Press(t, tab, "#draft")
	chrome.Key(t, tab, "x")
	chrome.Await(t, tab, `document.querySelector("#draft").value === "x"`)
	chrome.Eval[any](t, tab, `void router.navigate("/globex/notes")`)
	chrome.Await(t, tab, `questions.length === 2`)
	chrome.Eval[any](t, tab, `void answer(false)`)
	awaitRoute(t, tab, "/acme/notes", "acme")
}

// TestBeforeSwitch_SwitcherIsCanceled: a page that cancels the switcher's event keeps its
// organization without a request.
func TestBeforeSwitch_SwitcherIsCanceled(t *testing.T) {
	t.Parallel()
	d, tab := example.Open(t, "react/main.tsx")
	example.SignIn(t, d, tab, "/", "alice")
	chrome.Press(t, tab, "#acme")
	example.AwaitNotes(t, tab, "acme")
	chrome.Eval[any](t, tab, `{ globalThis.told = [];
		addEventListener("tabard-before-switch", (event) => { told.push(event.detail.slug); event.preventDefault(); });
		addEventListener("tabard-switch", ({ detail }) => told.push(detail.status, detail.code)); }`)
	demo.Choose(t, tab, "globex")
	chrome.Await(t, tab, `told.length === 3`)
	if got := chrome.Eval[string](t, tab, `[told.join(), tabard.state.organization.slug].join(" ")`); got != "globex,refused,switch_declined acme" {
		t.Errorf("told %s", got)
	}
	example.NoErrors(t, tab)
}

// TestDemo_AsksBeforeADraftIsLost: in the demo a draft ends where it belongs or is
// knowingly gone, whatever ends it.
func TestDemo_AsksBeforeADraftIsLost(t *testing.T) {
	t.Parallel()
	_, tab := atAcme(t)
	write := func() {
		chrome.Press(t, tab, "#note-text")
		for _, letter := range "mine" {
			chrome.Key(t, tab, string(letter))
		}
	}
	draft := func(want string) {
		t.Helper()
		if got := chrome.Eval[string](t, tab, `document.querySelector("#note-text").value`); got != want {
			t.Errorf("the draft is %q, want %q", got, want)
		}
	}
	write()
	demo.Choose(t, tab, "globex")
	chrome.Press(t, tab, "#draft-stay")
	demo.AwaitActive(t, tab, "acme")
	draft("mine")
	other := chrome.Opened(t, tab, `void tabard.openTab("globex")`) // asks nothing
	demo.AwaitActive(t, other, "globex")
	draft("mine")
	chrome.Show(t, tab)
	demo.Choose(t, tab, "globex")
	chrome.Press(t, tab, "#draft-leave")
	demo.AwaitActive(t, tab, "globex")
	draft("")
	write()
	chrome.Eval[any](t, other, `tabard.signOut({ scope: "organization" }).then(() => null)`)
	demo.AwaitScreen(t, tab, "ended")
	draft("")
	if !chrome.Eval[bool](t, tab, `document.querySelector("#log").textContent.includes("thrown away")`) {
		t.Error("the person is not told that the note is gone")
	}
}
