//go:build long

package browser

import (
	"context"
	"testing"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/example"
)

// TestDrafts_StayByHistory is TestDrafts_Stay with routes on the History API.
func TestDrafts_StayByHistory(t *testing.T) {
	t.Parallel()
	onDraft(t, byHistory, staysWithDraft)
}

// TestDrafts_LeaveByHistory is TestDrafts_Leave with routes on the History API.
func TestDrafts_LeaveByHistory(t *testing.T) {
	t.Parallel()
	onDraft(t, byHistory, leavesDraft)
}

// TestBeforeSwitch_OneQuestionByHistory is TestBeforeSwitch_OneQuestion with routes on the
// History API.
func TestBeforeSwitch_OneQuestionByHistory(t *testing.T) {
	t.Parallel()
	onDraft(t, byHistory, askedOnce)
}

// TestDrafts_BackByTheHistoryAPI: in browsers without the Navigation API a blocker is asked
// before the tab follows Back, too.
func TestDrafts_BackByTheHistoryAPI(t *testing.T) {
	t.Parallel()
	for wiring, entry := range wirings {
		t.Run(wiring, func(t *testing.T) {
			d, tab := example.Open(t, entry)
			chrome.Before(t, tab, posts+`Object.defineProperty(globalThis, "navigation", { value: undefined });`)
			example.SignIn(t, d, tab, "/globex/notes", "alice")
			for _, test := range []func(*testing.T, context.Context, func(*testing.T, context.Context)){staysWithDraft, leavesDraft} {
				chrome.Go(t, tab, d.Origin+"/globex/notes")
				writesDraft(t, tab)
				test(t, tab, exits["back"])
			}
			example.NoErrors(t, tab)
		})
	}
}

// TestDrafts_StayIsReported: the routes report that the switch did not happen.
func TestDrafts_StayIsReported(t *testing.T) {
	t.Parallel()
	for wiring, entry := range wirings {
		t.Run(wiring, func(t *testing.T) {
			d, tab := example.Open(t, entry)
			example.SignIn(t, d, tab, "/acme/notes", "alice")
			awaitRoute(t, tab, "/acme/notes", "acme")
			chrome.Press(t, tab, "#draft")
			chrome.Key(t, tab, "x")
			for _, call := range []string{`tabard.switchOrganization("globex")`, `routes.go("/globex/notes")`} {
				got := chrome.Eval[string](t, tab, call+`.then(({ status, code }) => [status, code, routes.state.status, routes.state.result?.code].join(" "))`)
				if got != "overtaken navigation_blocked stayed navigation_blocked" {
					t.Errorf("%s: %s", call, got)
				}
			}
			example.NoErrors(t, tab)
		})
	}
}

// TestDrafts_TwoBacksAtOnce: React Router loses its way where Back comes twice before it has
// answered once. The person is asked about where they would be, and either answer counts.
func TestDrafts_TwoBacksAtOnce(t *testing.T) {
	t.Parallel()
	for wiring, entry := range wirings {
		t.Run(wiring, func(t *testing.T) {
			d, tab := example.Open(t, entry)
			example.SignIn(t, d, tab, "/acme/notes", "alice")
			inInitechFromAcme(t, tab)
			for range 2 {
				chrome.Eval[any](t, tab, twoBacks)
				chrome.Await(t, tab, asksAboutAcme)
				chrome.Press(t, tab, "#stay")
				chrome.Await(t, tab, `!document.querySelector("#stay")`)
				if got := chrome.Eval[string](t, tab, whereabouts); got != "/initech/notes /initech/notes initech x" {
					t.Fatalf("after staying: %s", got)
				}
			}
			chrome.Eval[any](t, tab, twoBacks)
			chrome.Await(t, tab, asksAboutAcme)
			chrome.Press(t, tab, "#leave")
			awaitRoute(t, tab, "/acme/notes", "acme")
			if got := chrome.Eval[string](t, tab, whereabouts); got != "/acme/notes /acme/notes acme " {
				t.Errorf("after leaving: %s", got)
			}
			example.NoErrors(t, tab)
		})
	}
}
