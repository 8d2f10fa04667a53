package browser

import (
	"testing"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/demo"
	"github.com/tabard-auth/tabard/browser_test/kit/faultproxy"
)

// TestConsole_CleanFromTheFirstVisitToTheSignOut: a person who is not signed in, or has
// to choose, or is asked for a step-up, is no error.
func TestConsole_CleanFromTheFirstVisitToTheSignOut(t *testing.T) {
	t.Parallel()
	consoleIsClean(t, demo.Start(t))
}

func consoleIsClean(t *testing.T, d *demo.Demo) {
	w := faultproxy.New(t)
	tab := chrome.New(t, chrome.WithProxy(w.Address))
	console := chrome.Watch(t, tab)
	chrome.Go(t, tab, d.Origin)
	demo.AwaitScreen(t, tab, "signed_out")
	if asked := len(w.Seen("/token")) + len(w.Seen("/session")); asked != 1 {
		t.Errorf("the first visit asked %d times", asked)
	}
	d.SignIn(t, tab, "dana")
	demo.AwaitScreen(t, tab, "choose")
	chrome.Go(t, tab, d.Origin+"/?tabard_organization=lamna")
	demo.AwaitScreen(t, tab, "ended") // it asks for a second factor
	chrome.Press(t, tab, "#ended-again")
	chrome.Press(t, tab, "#second-factor-dana")
	demo.AwaitActive(t, tab, "lamna")
	demo.Choose(t, tab, "globex")
	demo.AwaitActive(t, tab, "globex")
	chrome.Go(t, tab, d.Origin+"/?tabard_organization=nosuch")
	chrome.Await(t, tab, `tabard.state.error?.code === "organization_access_denied"`)
	chrome.Eval[any](t, tab, `tabard.signOut().then(() => null)`)
	demo.AwaitScreen(t, tab, "signed_out")
	chrome.Reload(t, tab)
	demo.AwaitScreen(t, tab, "signed_out")
	if lines := console.Lines("error: ", "warning: ", "exception: ", "assert: "); len(lines) != 0 {
		t.Errorf("on the console: %q", lines)
	}
}
