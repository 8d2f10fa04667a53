//go:build long

package browser

import (
	"context"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/demo"
)

func addressKeepsItsOrganization(t *testing.T, h *household) {
	tab := h.open(t, "?tabard_organization=initech")
	awaitStatus(t, tab, "choose_account")
	chrome.Offline(t, tab, true) // the first call, whose file is not there yet
	if got := chrome.Eval[string](t, tab, `tabard.switchAccount("`+h.a+`").then(({ status }) => status, String)`); got != "unavailable" {
		t.Errorf("offline: %s", got)
	}
	chrome.Offline(t, tab, false)
	if got := chrome.Eval[string](t, tab, `tabard.switchAccount("`+h.a+`").then(({ status }) => status)`); got != "switched" {
		t.Error(got)
	}
	demo.AwaitActive(t, tab, "initech")
	isOf(t, tab, h.a)
}

func twoTabsAddOnePerson(t *testing.T, h *household) {
	tabs := []context.Context{h.open(t, ""), h.open(t, "")}
	for _, tab := range tabs {
		chrome.Eval[any](t, tab, `void tabard.signIn({ account: "another" })`)
		chrome.Await(t, tab, `document.querySelector("#person-dana")`)
	}
	for _, tab := range tabs {
		chrome.Press(t, tab, "#person-dana")
		awaitStatus(t, tab, "choose")
		h.d.Open(t, tab, "acme")
	}
	dana := demo.Claim(t, tabs[1], "sub")
	for range 2 {
		for _, tab := range tabs {
			awaitStatus(t, tab, "active")
			isOf(t, tab, dana)
			chrome.Reload(t, tab)
		}
	}
	isOf(t, h.alice, h.a)
	isOf(t, h.bob, h.b)
	if got := chrome.Eval[string](t, h.alice, storedKeys); strings.Contains(got, "+") {
		t.Errorf("IndexedDB keeps %s", got)
	}
}

func oneSignsAnotherOut(t *testing.T, h *household) {
	chrome.Eval[any](t, h.alice, `tabard.signOut({ account: "`+h.b+`" }).then(() => null)`)
	awaitStatus(t, h.bob, "signed_out")
	isOf(t, h.alice, h.a)
}

// storedKeys are the names of the keys that the page's origin keeps.
const storedKeys = `new Promise((resolve) => {
	const opening = indexedDB.open("tabard", 1);
	opening.onsuccess = () => {
		const all = opening.result.transaction("keys").objectStore("keys").getAllKeys();
		all.onsuccess = () => (resolve(all.result.join(" ")), opening.result.close());
	};
})`

// TestP12_SeveralPeople_Visits: people find their tabs by addresses, are added by two tabs at
// once, sign one another out, and what TestP12_SeveralPeople_ComeAndGo does in turn is done by
// people who have just come.
func TestP12_SeveralPeople_Visits(t *testing.T) {
	t.Parallel()
	playVisits(t, "tabard")
}

// TestP12_SeveralPeople_OnTheWorker is TestP12_SeveralPeople_Visits on workerd and D1.
func TestP12_SeveralPeople_OnTheWorker(t *testing.T) {
	t.Parallel()
	playVisits(t, "tabard-worker")
}

func playVisits(t *testing.T, host string) {
	t.Helper()
	d := demo.StartSeveral(t, host)
	browser := chrome.Guest(t)
	for _, visit := range []struct {
		name string
		test func(*testing.T, *household)
	}{
		{"an address keeps its organization", addressKeepsItsOrganization},
		{"the second app", secondAppKnowsBoth},
		{"two tabs add one person", twoTabsAddOnePerson},
		{"everybody leaves", everybodyLeaves},
		{"one signs another out", oneSignsAnotherOut},
	} {
		t.Run(visit.name, func(t *testing.T) { visit.test(t, newHousehold(t, d, browser)) })
	}
}

// TestP6_SeveralPeople_BackToOne: a change of the setting ends nobody's session, and a new tab
// acts for whoever signed in last.
func TestP6_SeveralPeople_BackToOne(t *testing.T) {
	t.Parallel()
	d := demo.Start(t)
	one := d.Workspace(t)
	d.Apply(t, strings.Replace(one, "  - id: demo\n", "  - id: demo\n    accounts: several\n", 1))
	h := newHousehold(t, d, chrome.Guest(t))
	d.Apply(t, one)
	isOf(t, h.alice, h.a)
	isOf(t, h.bob, h.b)
	isOf(t, h.open(t, ""), h.b)
	for _, tab := range []context.Context{h.alice, h.bob} {
		chrome.Reload(t, tab)
		awaitStatus(t, tab, "active")
	}
	isOf(t, h.alice, h.a)
	isOf(t, h.bob, h.b)
}
