//go:build long

package browser

import (
	"fmt"
	"testing"

	"github.com/tabard-auth/tabard/browser_test/kit/demo"
	"github.com/tabard-auth/tabard/browser_test/kit/example"
	"github.com/tabard-auth/tabard/browser_test/kit/firefox"
)

// drafting is a tab of Firefox that shows an app of React Router's with a form.
type drafting struct {
	*firefox.Tab
	demo *demo.Demo
}

// newDrafting opens the app at an organization's address and signs a person in.
func newDrafting(t *testing.T, entry, person, organization string, preferences ...string) drafting {
	t.Helper()
	d := drafting{firefox.New(t, preferences...), demo.StartWith(t, example.Page(t, entry, ""))}
	if organization == "lamna" {
		withStrictBank(t, d.demo)
	}
	d.Before(t, posts+`addEventListener("beforeunload", (event) => (event.preventDefault = () => (sessionStorage.asked = true)));`)
	d.Go(t, d.demo.Origin+"/"+organization+"/notes")
	d.signIn(t, person)
	return d
}

func (d drafting) signIn(t *testing.T, person string) {
	t.Helper()
	d.Press(t, "#sign-in")
	d.Press(t, "#person-"+person)
	d.Await(t, `globalThis.tabard && !["starting", "signed_out"].includes(tabard.state.status)`)
}

func (d drafting) awaitRoute(t *testing.T, path, organization string) {
	t.Helper()
	d.Await(t, fmt.Sprintf(`globalThis.tabard?.state.status === "active" && location.pathname === %q && tabard.state.organization.slug === %q && routes.state.status !== "switching" && document.querySelector("#draft")`, path, organization))
}

// choose presses an organization in the switcher's menu.
func (d drafting) choose(t *testing.T, organization string) {
	t.Helper()
	const root = `document.querySelector("tabard-switcher").shadowRoot`
	item := fmt.Sprintf(root+`.querySelector('[role=menuitemradio][data-organization=%q]')`, organization)
	firefox.Eval[any](t, d.Tab, `void `+root+`.querySelector("[part=button]").click()`)
	d.Await(t, item+`?.checkVisibility()`)
	firefox.Eval[any](t, d.Tab, `void setTimeout(() => `+item+`.click())`)
}

// at is at Acme's address, which was entered from Globex's.
func (d drafting) at(t *testing.T) {
	t.Helper()
	d.Show(t)
	d.Go(t, d.demo.Origin+"/globex/notes")
	d.awaitRoute(t, "/globex/notes", "globex")
	firefox.Eval[any](t, d.Tab, `void routes.go("/acme/notes")`)
	d.awaitRoute(t, "/acme/notes", "acme")
}

// draft writes a draft there.
func (d drafting) draft(t *testing.T) {
	t.Helper()
	d.at(t)
	d.Type(t, "#draft", "mine")
	d.Await(t, `document.querySelector("#draft").value === "mine"`)
}

// checkKept posts the draft, which belongs to Acme.
func (d drafting) checkKept(t *testing.T) {
	t.Helper()
	d.awaitRoute(t, "/acme/notes", "acme")
	if got := firefox.Eval[string](t, d.Tab, `document.querySelector("#draft").value`); got != "mine" {
		t.Errorf("the draft is %q", got)
	}
	d.Press(t, "#add")
	d.Await(t, `posted.length > 0`)
	if got := firefox.Eval[string](t, d.Tab, `posted.join()`); got != "acme acme 201" {
		t.Errorf("posted %s", got)
	}
}

// checkGone fails the test if the draft is in the page or was posted.
func (d drafting) checkGone(t *testing.T) {
	t.Helper()
	if got := firefox.Eval[string](t, d.Tab, `[document.querySelector("#draft")?.value ?? "", document.body.innerText.includes("mine"), posted.length].join()`); got != ",false,0" {
		t.Errorf("the draft, whether it is shown, and what was posted: %s", got)
	}
}

// TestFirefox_Drafts: each way to leave an organization with a draft ends with the draft
// where it belongs, or gone with the person's knowledge.
func TestFirefox_Drafts(t *testing.T) {
	t.Parallel()
	for wiring, entry := range wirings {
		t.Run(wiring, func(t *testing.T) {
			d := newDrafting(t, entry, "alice", "acme")
			for way, leave := range map[string]string{
				"switchOrganization": `tabard.switchOrganization("globex")`, "go": `routes.go("/globex/notes")`, "back": `history.back()`,
				"a link": `router.navigate("/globex/notes").then(() => routes.follow())`, "the switcher": "",
			} {
				t.Run(way, func(t *testing.T) { d.leaves(t, leave) })
			}
			t.Run("openTab", d.opensTab)
			t.Run("a bookmark", d.opensBookmark)
			t.Run("a sign-out in another tab", d.isSignedOut)
		})
	}
}

// leaves checks that a person that stays keeps the draft, and one that leaves loses it.
// leave is an expression; empty for the switcher.
func (d drafting) leaves(t *testing.T, leave string) {
	for _, button := range []string{"#stay", "#leave"} {
		d.draft(t)
		if leave == "" {
			d.choose(t, "globex")
		} else {
			firefox.Eval[any](t, d.Tab, `void setTimeout(() => `+leave+`)`)
		}
		d.Press(t, button)
		if button == "#stay" {
			d.Await(t, `!document.querySelector("#stay")`)
			d.checkKept(t)
			continue
		}
		d.Await(t, `location.pathname.startsWith("/globex/") && tabard.state.organization.slug === "globex" && routes.state.status === "settled" && document.querySelector("#draft")`)
		d.checkGone(t)
	}
}

// opensTab: the draft stays in its tab.
func (d drafting) opensTab(t *testing.T) {
	d.draft(t)
	other := drafting{d.Opened(t, `void tabard.openTab("globex", "/globex/notes")`), d.demo}
	other.awaitRoute(t, "/globex/notes", "globex")
	if got := firefox.Eval[string](t, other.Tab, `document.querySelector("#draft").value`); got != "" {
		t.Errorf("the new tab has the draft %q", got)
	}
	d.Show(t)
	d.checkKept(t)
}

// opensBookmark: the page that is left asks, as pages do, and the next one is without.
func (d drafting) opensBookmark(t *testing.T) {
	d.draft(t)
	d.Go(t, d.demo.Origin+"/globex/notes")
	d.awaitRoute(t, "/globex/notes", "globex")
	d.checkGone(t)
	if got := firefox.Eval[string](t, d.Tab, `sessionStorage.asked`); got != "true" {
		t.Errorf("whether the page asked before it was left: %s", got)
	}
}

// isSignedOut: the person that signs in next does not find the draft.
func (d drafting) isSignedOut(t *testing.T) {
	d.draft(t)
	other := drafting{d.Tab.Tab(t), d.demo}
	other.Go(t, d.demo.Origin+"/globex/notes")
	other.awaitRoute(t, "/globex/notes", "globex")
	firefox.Eval[any](t, other.Tab, `tabard.signOut().then(() => null)`)
	d.Show(t)
	d.Await(t, `tabard.state.status === "signed_out" && document.querySelector("#sign-in")`)
	d.checkGone(t)
	firefox.Eval[any](t, d.Tab, `void tabard.signIn({ prompt: "login" })`)
	d.Press(t, "#person-dana")
	d.awaitRoute(t, "/acme/notes", "acme")
	d.checkGone(t)
}

// TestFirefox_DraftAtAnIdleEnd is gone with the organization session, and in no other.
func TestFirefox_DraftAtAnIdleEnd(t *testing.T) {
	t.Parallel()
	d := newDrafting(t, byNavigate, "dana", "lamna")
	d.Await(t, `tabard.state.status === "denied"`)
	firefox.Eval[any](t, d.Tab, `void tabard.state.continue()`)
	d.Press(t, "#second-factor-dana")
	d.awaitRoute(t, "/lamna/notes", "lamna")
	d.Type(t, "#draft", "mine")
	d.Await(t, `document.querySelector("#draft").value === "mine"`)
	d.Await(t, `tabard.state.status === "ended" && tabard.state.error.reason === "idle" && !document.querySelector("#draft")`)
	d.checkGone(t)
	firefox.Eval[any](t, d.Tab, `void tabard.switchOrganization("globex")`)
	d.Await(t, `location.pathname.startsWith("/globex/") && tabard.state.organization?.slug === "globex" && document.querySelector("#draft")`)
	d.checkGone(t)
	firefox.Eval[any](t, d.Tab, `void tabard.switchOrganization("lamna").then((result) => result.continue())`)
	d.Press(t, "#second-factor-dana")
	d.Await(t, `location.pathname.startsWith("/lamna/") && tabard.state.status === "active" && document.querySelector("#draft")`)
	d.checkGone(t)
}
