package browser

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/demo"
	"github.com/tabard-auth/tabard/browser_test/kit/faultproxy"
)

// degraded lists browsers that lack a feature, by the script that removes it.
var degraded = map[string]string{
	"no Web Locks":           `Object.defineProperty(Navigator.prototype, "locks", { get() {} });`,
	"sessionStorage blocked": blocked("sessionStorage"),
}

// blocked returns a script that makes reading a storage area throw, as in browsers with
// storage turned off.
func blocked(area string) string {
	return fmt.Sprintf(`Object.defineProperty(globalThis, %q, { get() { throw new DOMException("blocked", "SecurityError"); } });`, area)
}

// TestP1ABrowserThatLacksSomethingServesEachTabStill: two tabs keep two organizations,
// and a sign-out reaches both. Without storage, a reload asks for the organization
// again. TestP1ABrowserThatLacksSomethingElse has more browsers.
func TestP1ABrowserThatLacksSomethingServesEachTabStill(t *testing.T) {
	t.Parallel()
	eachTabIsServed(t, degraded)
}

func eachTabIsServed(t *testing.T, degraded map[string]string) {
	t.Helper()
	d := demo.Start(t)
	browser := chrome.Guest(t)
	for name, script := range degraded {
		t.Run(name, func(t *testing.T) {
			first := chrome.Person(t, browser)
			second := chrome.Tab(t, first)
			tabs := map[string]context.Context{"acme": first, "globex": second}
			for _, tab := range tabs {
				chrome.Before(t, tab, script)
			}
			d.SignIn(t, first, "alice")
			for organization, tab := range tabs {
				d.Open(t, tab, organization)
			}
			remembers := !chrome.Eval[bool](t, first, `(() => { try { return sessionStorage.length === 0; } catch { return true; } })()`)
			for organization, tab := range tabs {
				chrome.Reload(t, tab)
				if remembers {
					demo.AwaitActive(t, tab, organization)
				} else {
					demo.AwaitScreen(t, tab, "choose")
					d.Open(t, tab, organization)
				}
				if got := demo.Notes(t, tab, organization); got != 200 {
					t.Errorf("the API answers the tab of %s with %d", organization, got)
				}
			}
			chrome.Eval[any](t, first, `tabard.signOut().then(() => null)`)
			demo.AwaitScreen(t, first, "signed_out")
			demo.AwaitScreen(t, second, "signed_out")
		})
	}
}

// TestP1APrerenderedPageWaitsUntilItIsSeen: until then it sends no request for a token,
// and shows no data of the organization that was active when it was prerendered.
func TestP1APrerenderedPageWaitsUntilItIsSeen(t *testing.T) {
	t.Parallel()
	w := faultproxy.New(t)
	d := demo.Start(t)
	keeper := chrome.New(t, chrome.WithProxy(w.Address), chrome.WithMenus(t))
	d.SignIn(t, keeper, "alice")
	w.SetAt("/", func(out http.ResponseWriter, _ *http.Request) bool {
		out.Header().Set("Speculation-Rules", `"/rules"`)
		return false
	})
	w.SetAt("/rules", faultproxy.Answer(http.StatusOK, `{"prerender": [{"urls": ["/?prerendered"], "eagerness": "immediate"}]}`,
		"Content-Type", "application/speculationrules+json"))
	const state, id = `globalThis.tabard?.state.status === "active" && tabard.state.organization.slug === %q`,
		`JSON.parse(sessionStorage["tabard:" + location.origin + "/auth"]).tab`
	tab := chrome.NewMenus(t, keeper).Unwatched(t, d.Origin+"/?tabard_organization=acme")
	tab.Run(t, fmt.Sprintf(state, "acme"))
	w.Await(t, "/?prerendered")
	w.Forget()
	tab.Run(t, `tabard.switchOrganization("globex").then((r) => sessionStorage.was = `+id+`)`)
	tab.Run(t, `setTimeout(() => location.assign("/?prerendered"))`)
	tab.Run(t, `performance.getEntriesByType("navigation")[0].activationStart > 0`)
	tab.Run(t, fmt.Sprintf(state, "globex"))
	tab.Run(t, `sessionStorage.was === `+id)
	tab.Run(t, `navigator.locks.query().then(({ held }) => held.some(({ name }) => name.endsWith(":tab:" + sessionStorage.was)))`)
	tab.Run(t, `tabard.fetch("/api/organizations/org_globex/notes").then((r) => r.status === 200)`)
	if asked := w.Seen("/token"); len(asked) != 1 {
		t.Errorf("asked for %+v, want the token of the switch alone", asked)
	}
}
