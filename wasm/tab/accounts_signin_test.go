package tab_test

import (
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/wasm/tab"
)

// TestAccounts_SignInAgain checks that a person who signs in again keeps their key, and that
// their other tabs go on.
func TestAccounts_SignInAgain(t *testing.T) {
	run2(t, func(t *testing.T, h *household, ada, bob *page) {
		sibling := h.b.restore(bob.session.copy())
		key := h.key["bob"]
		bob.SignIn("", "/", tab.Hints{Account: "usr_bob"})
		bob = h.comeBack(bob, "bob", true)
		bob.is(t, "bob")
		time.Sleep(6 * time.Minute)
		for page, person := range map[*page]string{sibling: "bob", bob: "bob", ada: "ada"} {
			page.is(t, person)
		}
		if h.key["bob"] != key {
			t.Error("the key has changed")
		}
	})
}

// TestAccounts_AddressNamesNobodyHere: in an app for one person, and where nobody of that id is
// known, an address changes nothing.
func TestAccounts_AddressNamesNobodyHere(t *testing.T) {
	for _, account := range []string{"usr_someone", "x y", "usr_ada"} {
		run(t, func(t *testing.T, b *browser) {
			b.signIn("ada")
			p := b.open(route("acme"))
			p.expect(t, tab.Active, "acme")
			b.requests()
			p.config.Account = account
			p.reload().expect(t, tab.Active, "acme")
			b.open(route("acme"), func(c *tab.Config) { c.Account = account }).expect(t, tab.Active, "acme")
		})
	}
}

// TestAccounts_SignsInAfterASignOut: a person who has signed out here signs in again by name.
func TestAccounts_SignsInAfterASignOut(t *testing.T) {
	run2(t, func(t *testing.T, h *household, ada, bob *page) {
		bob.SignOut(api.ScopeSession, "")
		bob.SignIn("", "/", tab.Hints{Account: "usr_bob"})
		bob = h.comeBack(bob, "bob", true)
		bob.is(t, "bob")
		bob = bob.reload()
		bob.is(t, "bob")
	})
}

// TestAccounts_PlainSignInAgain signs in as a person who had been added, without naming them:
// the session has the key of a sign-in that ends the others, not the person's own of before.
func TestAccounts_PlainSignInAgain(t *testing.T) {
	run2(t, func(t *testing.T, h *household, ada, bob *page) {
		ada.closeTab()
		bob.SignOut(api.ScopeBrowser, "")
		bob.SignIn("", "/", tab.Hints{})
		bob.config.Account = "" // it was in the address of before
		bob = h.comeBack(bob, "bob", false)
		bob.is(t, "bob")
		bob = bob.reload()
		bob.is(t, "bob")
		time.Sleep(6 * time.Minute)
		bob.is(t, "bob")
		h.b.open().is(t, "bob")
	})
}

// TestP11_Accounts_TwoTabsAddOnePerson lets two tabs that were at the provider at once come back
// as the same person: the later session has the key of the later sign-in, for both.
func TestP11_Accounts_TwoTabsAddOnePerson(t *testing.T) {
	run2(t, func(t *testing.T, h *household, ada, bob *page) {
		var tabs []*page
		var begun []string
		for range 2 {
			p := h.b.open()
			p.expect(t, tab.ChooseAccount)
			p.SignIn("", "/", tab.Hints{Account: api.AnotherAccount})
			tabs, begun = append(tabs, p), append(begun, h.begun)
		}
		for i, p := range tabs {
			h.begun = begun[i]
			tabs[i] = h.comeBack(p, "cleo", true)
			tabs[i].is(t, "cleo")
		}
		for range 2 {
			for i, p := range tabs {
				p.is(t, "cleo")
				time.Sleep(6 * time.Minute)
				p.is(t, "cleo")
				tabs[i] = p.reload()
			}
		}
		ada.is(t, "ada")
		bob.is(t, "bob")
	})
}

// TestAccounts_OfATabSignedOut: a tab whose person has signed out tells who else is signed in,
// so that its page can offer them.
func TestAccounts_OfATabSignedOut(t *testing.T) {
	run2(t, func(t *testing.T, h *household, ada, bob *page) {
		if _, err := ada.SignOut(api.ScopeSession, ""); err != nil {
			t.Fatal(err)
		}
		ada.expect(t, tab.SignedOut)
		before := ada.state(t)
		if all, err := ada.Accounts(); err != nil || len(all) != 1 || all[0].ID != "usr_bob" {
			t.Errorf("beside bob: %v %v", all, err)
		}
		bob.SignOut(api.ScopeSession, "")
		bob.expect(t, tab.SignedOut)
		for _, p := range []*page{ada, bob} {
			if all, err := p.Accounts(); err != nil || len(all) != 0 {
				t.Errorf("with nobody: %v %v", all, err)
			}
		}
		if after := ada.state(t); after.Status != before.Status || after.Error != before.Error {
			t.Errorf("the question has changed the tab from %+v to %+v", before, after)
		}
	})
}
