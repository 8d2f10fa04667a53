package browser

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/demo"
	"github.com/tabard-auth/tabard/browser_test/kit/example"
	"github.com/tabard-auth/tabard/browser_test/kit/faultproxy"
)

// axe examines SignedOut, SignedIn, RequireOrganization with its fallback, TabardPartition
// and TabardSwitcher, as the example of a framework uses them.
func (b binding) axe(t *testing.T, looks []look) {
	d := b.start(t)
	network := faultproxy.New(t)
	tab := chrome.New(t, chrome.WithProxy(network.Address))
	e := newExaminer(t, tab, looks)
	await := func(status string) {
		t.Helper()
		chrome.Await(t, tab, fmt.Sprintf(`globalThis.tabard?.state.status === %[1]q && document.querySelector("#status")?.textContent === %[1]q`, status))
	}
	tokens := func(fault faultproxy.Fault) {
		network.Set(func(w http.ResponseWriter, r *http.Request) bool {
			return strings.HasSuffix(r.URL.Path, "/token") && fault(w, r)
		})
	}

	tokens(faultproxy.Hung)
	chrome.Go(t, tab, d.Origin)
	await("starting")
	e.examine("starting, as the server rendered it")
	network.Set(nil)
	e.desktop()
	e.enter(d, await)
	for organization, state := range map[string]string{"initech": "denied", "lamna": "asked for a step-up"} {
		chrome.Go(t, tab, d.Origin+"/?tabard_organization="+organization)
		await("denied")
		e.examine(state)
	}
	tokens(faultproxy.Answer(http.StatusServiceUnavailable, "down"))
	chrome.Eval[any](t, tab, `void sessionStorage.clear()`)
	chrome.Go(t, tab, d.Origin+"/?tabard_organization=acme")
	await("unavailable")
	e.examine("unavailable")
	network.Set(nil)
	chrome.Go(t, tab, d.Origin+"/?tabard_organization=acme")
	example.AwaitNotes(t, tab, "acme")
	chrome.Eval[any](t, tab, `tabard.signOut().then(() => null)`)
	await("signed_out")
	e.examine("signed out")
}

// enter signs in and examines what a person meets with organizations.
func (e *examiner) enter(d *demo.Demo, await func(status string)) {
	t, tab := e.T, e.tab
	example.SignIn(t, d, tab, "/", "dana")
	await("choose")
	e.examine("choosing")
	e.desktop()
	demo.Choose(t, tab, "acme")
	example.AwaitNotes(t, tab, "acme")
	e.examine("an organization")
	e.openList()
	e.examine("an open list")
	e.desktop()
	chrome.Key(t, tab, kb.Escape)
	demo.Choose(t, tab, "globex")
	example.AwaitNotes(t, tab, "globex")
	e.examine("another partition")
	e.desktop()
	chrome.Press(t, tab, "#nowhere")
	chrome.Await(t, tab, `document.querySelector("#result").textContent === "refused"`)
	e.examine("a refused switch")
	e.desktop()
	demo.Choose(t, tab, "lamna")
	awaitAnnounced(t, tab, "Lamna Bank asks to confirm that it is you.")
	e.examine("a list with a step-up")
	chrome.Key(t, tab, kb.Escape)
	chrome.Eval[any](t, tab, `tabard.signOut({scope: "organization"}).then(() => null)`)
	await("ended")
	e.examine("ended")
}
