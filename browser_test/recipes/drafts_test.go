//go:build long

package recipes

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/demo"
)

// posts answers posts of the tab's pages where a test has an answer, and keeps each post of the tab's pages: the organization in its address at that time,
// the one that it was posted to, and the answer.
const posts = `{ const send = globalThis.fetch; globalThis.fetch = async (input, init) => {
	const to = String(input).match(/organizations\/org_(\w+)\/notes/)?.[1];
	const address = location.pathname.split("/")[1];
	const answer = init?.method === "POST" && to && globalThis.answers?.shift();
	const response = answer ? await answer() : await send(input, init);
	if (init?.method === "POST" && to) sessionStorage.posted = (sessionStorage.posted ?? "") + [address, to, response.status].join(" ") + ";";
	return response;
}; }`

// recipeTab is a tab of an app whose addresses name the organization.
type recipeTab struct {
	*testing.T
	tab    context.Context
	origin string
	asked  *atomic.Int64 // how often the browser asked before a page was left
}

// tryDrafts works with an app whose addresses name the organization: drafts stay where they
// belong, or are gone with the person's knowledge, and the console is clean.
func tryDrafts(t *testing.T, d *demo.Demo) {
	t.Helper()
	tab := chrome.New(t)
	console := chrome.Watch(t, tab)
	chrome.Before(t, tab, posts)
	r := recipeTab{t, tab, d.Origin, chrome.AgreeToLeave(t, tab)}
	chrome.Go(t, tab, d.Origin+"/acme/notes")
	chrome.Press(t, tab, "#sign-in")
	chrome.Press(t, tab, "#person-alice")
	r.await("acme")
	other := chrome.Tab(t, tab)
	second := chrome.Watch(t, other)
	beside := recipeTab{T: t, tab: other}
	chrome.Go(t, other, d.Origin+"/initech/notes")
	beside.await("initech")
	chrome.Show(t, tab)
	demo.Choose(t, tab, "globex")
	r.await("globex")
	demo.Choose(t, tab, "acme")
	r.await("acme")
	for _, way := range []string{"the switcher", "back", "back by a script", "a link"} {
		r.leave(way)
	}
	r.keeps()
	r.isRefused()
	r.reload()
	r.deepLink()
	beside.await("initech")
	if got := chrome.Eval[string](t, tab, `sessionStorage.posted`); got != strings.Repeat("acme acme 201;", 4)+"acme acme 503;acme acme 201;" {
		t.Errorf("posted %s", got)
	}
	isClean(t, console, second)
}

// names are those of the demo's organizations, by slug.
var names = map[string]string{"acme": "Acme Corporation", "globex": "Globex Shipping", "initech": "Initech Labs"}

// await waits until the tab shows an organization's page at its address.
func (r recipeTab) await(slug string) {
	r.Helper()
	chrome.Await(r.T, r.tab, fmt.Sprintf(`location.pathname.split("/")[1] === %q && document.querySelector("h1")?.innerText === %q && document.querySelector("#draft")`, slug, names[slug]))
}

// write types a letter of a draft, by which the browser knows that the person did something.
func (r recipeTab) write() {
	r.Helper()
	chrome.Press(r.T, r.tab, "#draft")
	chrome.Key(r.T, r.tab, "x")
	r.expect("x", "after a key")
}

// typed types the same by a script, which is no doing of a person's.
const typed = `(() => { const field = document.querySelector("#draft");
	Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value").set.call(field, "x");
	field.dispatchEvent(new Event("input", { bubbles: true })); })()`

func (r recipeTab) expect(draft, when string) {
	r.Helper()
	if got := chrome.Eval[string](r.T, r.tab, `document.querySelector("#draft").value`); got != draft {
		r.Errorf("%s: the draft is %q, want %q", when, got, draft)
	}
}

// leave types a draft for Acme, tries to go to Globex, stays, posts the draft, types another
// one, goes, and comes back.
func (r recipeTab) leave(way string) {
	r.Helper()
	for _, answer := range []string{"#stay", "#leave"} {
		if way == "back by a script" { // the browser lets no page stop it: the person has done nothing since
			chrome.Eval[any](r.T, r.tab, typed)
		} else {
			r.write()
		}
		switch way {
		case "the switcher":
			demo.Choose(r.T, r.tab, "globex")
		case "back", "back by a script":
			chrome.Eval[any](r.T, r.tab, `void setTimeout(() => history.back())`)
		default:
			chrome.Press(r.T, r.tab, "#to-globex")
		}
		chrome.Await(r.T, r.tab, fmt.Sprintf(`document.querySelector(%q) && location.pathname.startsWith("/acme/")`, answer))
		r.expect("x", way+", while the person is asked")
		chrome.Press(r.T, r.tab, answer)
		chrome.Await(r.T, r.tab, fmt.Sprintf(`!document.querySelector(%q)`, answer))
		if answer == "#stay" {
			r.await("acme")
			r.expect("x", way+", after staying")
			chrome.Press(r.T, r.tab, "#add")
			chrome.Await(r.T, r.tab, `document.querySelector("#draft").value === ""`)
		}
	}
	r.await("globex")
	r.expect("", way+", after leaving")
	if strings.HasPrefix(way, "back") {
		chrome.Eval[any](r.T, r.tab, `void setTimeout(() => history.forward())`)
	} else {
		demo.Choose(r.T, r.tab, "acme")
	}
	r.await("acme")
	r.expect("", way+", after coming back")
}

// keeps types a draft that the API does not take, that does not reach it, and that it takes.
func (r recipeTab) keeps() {
	r.Helper()
	r.write()
	for _, try := range []struct{ answer, problem string }{
		{`new Response("", { status: 503 })`, "the API answered 503"},
		{`Promise.reject(new TypeError("Failed to fetch"))`, "Failed to fetch"},
	} {
		chrome.Eval[any](r.T, r.tab, `{ globalThis.answers = [() => `+try.answer+`]; }`)
		chrome.Press(r.T, r.tab, "#add")
		chrome.Await(r.T, r.tab, fmt.Sprintf(`document.querySelector("#problem")?.innerText.includes(%q)`, try.problem))
		r.expect("x", try.problem)
	}
	chrome.Press(r.T, r.tab, "#add")
	chrome.Await(r.T, r.tab, `document.querySelector("#draft").value === "" && !document.querySelector("#problem")`)
}

// isRefused leaves a draft for an organization that does not let the person in, by a script that
// knows nothing of the router: the form is there again.
func (r recipeTab) isRefused() {
	r.Helper()
	r.write()
	chrome.Eval[any](r.T, r.tab, `history.pushState(null, "", "/nowhere/notes")`)
	chrome.Await(r.T, r.tab, `document.querySelector("#leave") && location.pathname.startsWith("/acme/")`)
	chrome.Press(r.T, r.tab, "#leave")
	chrome.Await(r.T, r.tab, `document.querySelector("#why")?.checkVisibility() && document.querySelector("#draft")?.checkVisibility()`)
	r.await("acme")
	r.expect("x", "after a refusal")
}

// reload keeps the organization, and the browser asks about the draft.
func (r recipeTab) reload() {
	r.Helper()
	chrome.Reload(r.T, r.tab)
	r.await("acme")
	r.expect("", "after a reload")
	if asked := r.asked.Swap(0); asked != 1 {
		r.Errorf("the browser asked %d times before a reload", asked)
	}
}

// deepLink goes to an address of another organization, as by a bookmark, and to one of an
// organization that does not admit the person.
func (r recipeTab) deepLink() {
	r.Helper()
	r.write()
	chrome.Go(r.T, r.tab, r.origin+"/globex/notes")
	r.await("globex")
	r.expect("", "after a bookmark")
	if asked := r.asked.Load(); asked != 1 {
		r.Errorf("the browser asked %d times before a bookmark", asked)
	}
	chrome.Go(r.T, r.tab, r.origin+"/nowhere/notes")
	chrome.Await(r.T, r.tab, `document.querySelector("h1")?.innerText === "denied" && !document.querySelector("#draft")`)
	chrome.Go(r.T, r.tab, r.origin+"/globex/notes")
	r.await("globex")
}
