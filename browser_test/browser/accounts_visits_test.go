package browser

import (
	"context"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/demo"
)

// household is a browser of alice, who acts for globex, and bob.
type household struct {
	d          *demo.Demo
	alice, bob context.Context
	a, b       string // their ids
}

func newHousehold(t *testing.T, d *demo.Demo, browser context.Context) *household {
	t.Helper()
	h := &household{d: d, alice: chrome.Person(t, browser)}
	d.SignIn(t, h.alice, "alice")
	d.Open(t, h.alice, "globex")
	h.bob = h.open(t, "")
	h.add(t, h.bob, "bob")
	h.a, h.b = demo.Claim(t, h.alice, "sub"), demo.Claim(t, h.bob, "sub")
	return h
}

// open opens a tab, which is settled.
func (h *household) open(t *testing.T, query string) context.Context {
	t.Helper()
	tab := chrome.Tab(t, h.alice)
	chrome.Go(t, tab, h.d.Origin+"/"+query)
	awaitSettled(t, tab)
	return tab
}

func awaitSettled(t *testing.T, tab context.Context) {
	t.Helper()
	chrome.Await(t, tab, `globalThis.tabard && !["starting", "unavailable"].includes(tabard.state.status)`)
}

// add adds a person beside the others.
func (h *household) add(t *testing.T, tab context.Context, person string) {
	t.Helper()
	chrome.Eval[any](t, tab, `void tabard.signIn({ account: "another" })`)
	chrome.Press(t, tab, "#person-"+person)
	awaitStatus(t, tab, "active")
}

func awaitStatus(t *testing.T, tab context.Context, status string) {
	t.Helper()
	chrome.Await(t, tab, `globalThis.tabard?.state.status === "`+status+`"`)
}

// isOf fails the test unless a tab has a new token of a person.
func isOf(t *testing.T, tab context.Context, user string) {
	t.Helper()
	chrome.Eval[any](t, tab, `tabard.getToken({ forceRefresh: true }).then(() => null)`)
	if got := demo.Claim(t, tab, "sub"); got != user {
		t.Errorf("the tab acts for %s, want %s", got, user)
	}
}

// TestP12_SeveralPeople_ComeAndGo: a second app knows everybody, and one call signs everybody
// out. TestP12_SeveralPeople_Visits has more visits.
func TestP12_SeveralPeople_ComeAndGo(t *testing.T) {
	t.Parallel()
	h := newHousehold(t, demo.StartSeveral(t, "tabard"), chrome.Guest(t))
	secondAppKnowsBoth(t, h)
	for _, tab := range []context.Context{h.alice, h.bob} {
		chrome.Go(t, tab, h.d.Origin)
		awaitStatus(t, tab, "active")
	}
	everybodyLeaves(t, h)
}

func secondAppKnowsBoth(t *testing.T, h *household) {
	for _, tab := range []context.Context{h.alice, h.bob} {
		chrome.Press(t, tab, "#open-reports")
		chrome.Await(t, tab, `location.origin === "`+h.d.Reports+`" && globalThis.tabard?.state.status === "active"`)
	}
	for range 2 {
		isOf(t, h.alice, h.a)
		isOf(t, h.bob, h.b)
		for _, tab := range []context.Context{h.alice, h.bob} {
			chrome.Reload(t, tab)
			awaitStatus(t, tab, "active")
		}
	}
}

func everybodyLeaves(t *testing.T, h *household) {
	tab := h.open(t, "")
	awaitStatus(t, tab, "choose_account")
	before := chrome.Cookies(t, tab, h.d.Origin)
	chrome.Eval[any](t, tab, `tabard.signOut({ scope: "browser" }).then(() => null)`)
	for _, tab := range []context.Context{tab, h.alice, h.bob} {
		awaitStatus(t, tab, "signed_out")
	}
	chrome.SetCookies(t, tab, h.d.Origin, before) // late answers bring nothing back
	for _, tab := range []context.Context{tab, h.alice, h.bob} {
		chrome.Reload(t, tab)
		awaitStatus(t, tab, "signed_out")
	}
}

// TestSwitcher_ShowsThePeople: its menu says who is signed in and for whom the tab acts, makes
// the tab another person's, and signs one out.
func TestSwitcher_ShowsThePeople(t *testing.T) {
	t.Parallel()
	h := newHousehold(t, demo.StartSeveral(t, "tabard"), chrome.Guest(t))
	chrome.Await(t, h.bob, switcherTree+`.querySelector("[part=button]").checkVisibility()`) // who has one organization
	tab := h.alice
	chrome.Eval[any](t, tab, `document.querySelector("tabard-switcher").open()`)
	const people = switcherTree + `.querySelectorAll("[part~=person]")`
	chrome.Await(t, tab, people+`.length === 2 && [...`+people+`].filter((e) => e.ariaChecked === "true").length === 1`)
	chrome.PressPart(t, tab, switcherTree+`.querySelector("[part~=person][aria-checked=false]")`)
	chrome.Await(t, tab, `tabard.state.user?.id === "`+h.b+`" && tabard.state.status === "active"`)
	isOf(t, tab, h.b)
	isOf(t, h.bob, h.b)
	other := h.open(t, "")
	awaitStatus(t, other, "choose_account")
	chrome.Eval[any](t, tab, `document.querySelector("tabard-switcher").open()`)
	chrome.Await(t, tab, people+`.length === 2`)
	out := chrome.Eval[string](t, tab, `[...`+people+`].find((e) => e.ariaChecked === "false").nextElementSibling.ariaLabel`)
	if !strings.HasPrefix(out, "Sign Alice") {
		t.Errorf("the button says %q", out)
	}
	chrome.PressPart(t, tab, `[...`+people+`].find((e) => e.ariaChecked === "false").nextElementSibling`)
	chrome.Await(t, tab, people+`.length === 1`)
	awaitStatus(t, other, "active") // bob is the only one
	isOf(t, other, h.b)
	chrome.PressPart(t, tab, switcherTree+`.querySelector("[part~=add]")`)
	chrome.Press(t, tab, "#person-alice")
	chrome.Await(t, tab, `globalThis.tabard?.state.user?.id === "`+h.a+`"`)
}
