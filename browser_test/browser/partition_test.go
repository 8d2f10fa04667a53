package browser

import (
	"context"
	"testing"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/demo"
	"github.com/tabard-auth/tabard/browser_test/kit/example"
)

// watchNotes records every note that is shown while the page shows another
// organization, and the result of every request for notes.
const watchNotes = `globalThis.mixed = [];
globalThis.asked = [];
const owners = { "Welcome to the team": "acme", "MV Aurora": "globex" };
new MutationObserver(() => {
	const shown = document.querySelector("#notes");
	for (const [note, owner] of Object.entries(owners)) {
		if (shown?.innerText.includes(note) && shown.dataset.organization !== owner) mixed.push(note + " in " + shown.dataset.organization);
	}
}).observe(document, { subtree: true, childList: true, characterData: true, attributes: true });
const ask = globalThis.fetch;
globalThis.fetch = (input, init) => {
	const answer = ask(input, init);
	const organization = String(input).match(/org_(\w+)/)?.[1];
	if (organization) answer.then((r) => asked.push(organization + " " + r.status), (e) => asked.push(organization + " " + e.name));
	return answer;
};`

// caches are the examples of libraries that cache answers of an API.
var caches = map[string]string{"TanStack Query": "tanstack-query/main.tsx", "SWR": "swr/main.tsx"}

func onCache(t *testing.T, entry string) (*demo.Demo, context.Context) {
	t.Helper()
	d, tab := example.Open(t, entry)
	chrome.Before(t, tab, watchNotes)
	example.SignIn(t, d, tab, "/", "alice")
	return d, tab
}

func switchTo(t *testing.T, tab context.Context, organization string) {
	t.Helper()
	if got := chrome.Eval[string](t, tab, `tabard.switchOrganization("`+organization+`").then((r) => r.status)`); got != "switched" {
		t.Fatalf("switching to %s: %s", organization, got)
	}
}

// checkNotMixed fails the test if one organization's notes were shown under another.
func checkNotMixed(t *testing.T, tab context.Context) {
	t.Helper()
	if mixed := chrome.Eval[string](t, tab, `mixed.join(", ")`); mixed != "" {
		t.Errorf("on the screen were %s", mixed)
	}
	example.NoErrors(t, tab)
}

// TestP3ACacheShowsNothingOfAnotherOrganization: back and forth, with answers that are
// still fresh in the cache.
func TestP3ACacheShowsNothingOfAnotherOrganization(t *testing.T) {
	t.Parallel()
	for name, entry := range caches {
		t.Run(name, func(t *testing.T) {
			_, tab := onCache(t, entry)
			for _, organization := range []string{"acme", "globex", "acme", "globex"} {
				switchTo(t, tab, organization)
				example.AwaitNotes(t, tab, organization)
			}
			checkNotMixed(t, tab)
		})
	}
}

// TestP3ACachesRequestsEndWithTheirOrganization: a request under way when the tab
// leaves is aborted and answers no caller; the cache of the organization that was left
// is empty.
func TestP3ACachesRequestsEndWithTheirOrganization(t *testing.T) {
	t.Parallel()
	for name, entry := range caches {
		t.Run(name, func(t *testing.T) {
			_, tab := onCache(t, entry)
			held := chrome.Hold(t, tab, "*/api/organizations/org_acme/*")
			switchTo(t, tab, "acme")
			chrome.Await(t, tab, `document.querySelector("#notes")?.dataset.status === "pending"`)
			for held.Count() == 0 {
				chrome.Await(t, tab, `true`)
			}
			switchTo(t, tab, "globex")
			example.AwaitNotes(t, tab, "globex")
			held.Release(t)
			chrome.Await(t, tab, `asked.includes("globex 200") && asked.includes("acme AbortError")`)
			if chrome.Eval[bool](t, tab, `asked.some((a) => a === "acme 200")`) {
				t.Error("the organization that was left has answered")
			}
			if got := chrome.Eval[string](t, tab, `JSON.stringify(globalThis.cached?.().filter(([key]) => key.endsWith("/org_acme")) ?? [])`); got != "[]" {
				t.Errorf("the cache still has %s", got)
			}
			checkNotMixed(t, tab)
			switchTo(t, tab, "acme")
			example.AwaitNotes(t, tab, "acme")
			checkNotMixed(t, tab)
		})
	}
}
