//go:build long

package browser

import (
	"context"
	"testing"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/demo"
	"github.com/tabard-auth/tabard/browser_test/kit/example"
)

// typedAt types a draft at an organization's address.
func typedAt(t *testing.T, d *demo.Demo, tab context.Context, organization string) {
	t.Helper()
	path := "/" + organization + "/notes"
	chrome.Go(t, tab, d.Origin+path)
	awaitRoute(t, tab, path, organization)
	chrome.Press(t, tab, "#draft")
	chrome.Key(t, tab, "x")
}

// expectDraft compares the draft on the screen, and what was posted.
func expectDraft(t *testing.T, tab context.Context, when, want string) {
	t.Helper()
	if got := chrome.Eval[string](t, tab, `(document.querySelector("#draft")?.value ?? "") + posted.length`); got != want+"0" {
		t.Errorf("%s: draft and posts are %s, want %s0", when, got, want)
	}
}

// TestDrafts_OtherWaysOut: a new tab, a bookmark and a sign-out in another tab leave a draft
// where it belongs or take it away, as TestFirefox_Drafts sees in Firefox.
func TestDrafts_OtherWaysOut(t *testing.T) {
	t.Parallel()
	d, tab := example.Open(t, byNavigate)
	asked := chrome.AgreeToLeave(t, tab)
	chrome.Before(t, tab, posts)
	example.SignIn(t, d, tab, "/acme/notes", "alice")

	typedAt(t, d, tab, "acme")
	other := chrome.Opened(t, tab, `void tabard.openTab("globex", "/globex/notes")`)
	awaitRoute(t, other, "/globex/notes", "globex")
	if got := chrome.Eval[string](t, other, `document.querySelector("#draft").value`); got != "" {
		t.Errorf("the new tab has the draft %q", got)
	}
	chrome.Show(t, tab)
	expectDraft(t, tab, "after a new tab", "x")

	chrome.Go(t, tab, d.Origin+"/globex/notes")
	awaitRoute(t, tab, "/globex/notes", "globex")
	expectDraft(t, tab, "after a bookmark", "")
	if asked.Swap(0) != 1 {
		t.Error("the browser did not ask once before the bookmark")
	}

	typedAt(t, d, tab, "acme")
	chrome.Eval[any](t, other, `tabard.signOut().then(() => null)`)
	chrome.Show(t, tab)
	chrome.Await(t, tab, `tabard.state.status === "signed_out" && document.querySelector("#sign-in") && !document.querySelector("#draft")`)
	chrome.Eval[any](t, tab, `void tabard.signIn({ prompt: "login" })`)
	chrome.Press(t, tab, "#person-dana")
	awaitRoute(t, tab, "/acme/notes", "acme")
	expectDraft(t, tab, "for the next person", "")
}

// TestDrafts_IdleEnd: a draft is gone with the organization session, and in no other one, as
// TestFirefox_DraftAtAnIdleEnd sees in Firefox.
func TestDrafts_IdleEnd(t *testing.T) {
	t.Parallel()
	d, tab := example.Open(t, byNavigate)
	chrome.Before(t, tab, posts)
	example.SignIn(t, d, tab, "/lamna/notes", "dana")
	chrome.Await(t, tab, `tabard.state.status === "denied"`)
	chrome.Press(t, tab, "#continue")
	chrome.Press(t, tab, "#second-factor-dana")
	awaitRoute(t, tab, "/lamna/notes", "lamna")
	chrome.Press(t, tab, "#draft")
	chrome.Key(t, tab, "x")
	for range 6 { // two quiet minutes
		if chrome.Eval[bool](t, tab, `new Promise((resolve) => { const end = () => tabard.state.status === "ended" && resolve(true); tabard.subscribe(end); end(); setTimeout(resolve, 25_000, false); })`) {
			break
		}
	}
	chrome.Await(t, tab, `tabard.state.status === "ended" && tabard.state.error.reason === "idle" && !document.querySelector("#draft")`)
	chrome.Eval[any](t, tab, `void tabard.switchOrganization("globex")`)
	chrome.Await(t, tab, `location.pathname.startsWith("/globex/") && tabard.state.organization?.slug === "globex" && document.querySelector("#draft")`)
	expectDraft(t, tab, "in another organization", "")
}
