package tab_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/dpop"
	"github.com/tabard-auth/tabard/wasm/tab"
)

func TestP12_Accounts_TabsOfTwoPeople(t *testing.T) {
	run2(t, func(t *testing.T, h *household, ada, bob *page) {
		if s := bob.session.Item("tabard"); strings.Contains(s, "ada") {
			t.Errorf("bob's record has ada: %s", s)
		}
		for range 3 {
			time.Sleep(6 * time.Minute) // each renews
			ada.is(t, "ada")
			bob.is(t, "bob")
		}
		for _, p := range []*page{ada, bob} { // a token that is not due for a while
			token, _ := p.Credential("", "")
			p.Credential("", token)
		}
		h.b.requests()
		ada, bob = ada.reload(), bob.reload()
		ada.is(t, "ada")
		bob.is(t, "bob")
		if got := h.b.requests(); len(got) > 0 {
			t.Errorf("a reload asks: %v", got)
		}
		for _, r := range h.b.seen[len(h.b.seen)-4:] {
			if user, mark, _ := strings.Cut(header(r, api.HeaderAccount), " "); user == "" || mark == "" {
				t.Errorf("the header is %q", header(r, api.HeaderAccount))
			}
		}
		if h.key["ada"] == h.key["bob"] {
			t.Error("two people have one key")
		}
	})
}

// TestP12_Accounts_MessagesAndRequestsAtRest checks that what one person's tabs do moves
// nothing in another's.
func TestP12_Accounts_MessagesAndRequestsAtRest(t *testing.T) {
	run2(t, func(t *testing.T, h *household, ada, bob *page) {
		before := len(bob.states)
		h.b.requests()
		if _, err := ada.SignOut(api.ScopeOrganization, ""); err != nil {
			t.Fatal(err)
		}
		ada.Switch("globex")
		ada.SignOut(api.ScopeSession, "")
		ada.expect(t, tab.SignedOut)
		time.Sleep(time.Second)
		if got := h.b.requests(); len(got) != 3 || len(bob.states) != before {
			t.Errorf("%v; bob's tab shows %v", got, bob.states[before:])
		}
		bob.is(t, "bob")
		bob.reload().is(t, "bob")
		ada.reload().expect(t, tab.SignedOut) // not bob
		bob = h.b.open()
		clear(h.b.local.items)
		h.b.requests()
		bob.OnMessage("look again usr_ada")
		time.Sleep(time.Second)
		if got := h.b.requests(); len(got) > 0 {
			t.Errorf("bob's tab heard a message of ada's: %v", got)
		}
	})
}

// TestP12_Accounts_AtRestAsTwoBrowsers: two people in one browser send no more requests in an
// hour at rest, each with two tabs, than in a browser each.
func TestP12_Accounts_AtRestAsTwoBrowsers(t *testing.T) {
	anHour := func(b *browser, tabs ...*page) int {
		for _, p := range tabs {
			p.hide()
			p.focus()
		}
		b.requests()
		time.Sleep(time.Hour)
		return len(b.requests())
	}
	apart, together := 0, 0
	for person, organization := range map[string]string{"ada": "acme", "bob": "globex"} {
		run(t, func(t *testing.T, b *browser) {
			b.signIn(person)
			apart += anHour(b, b.open(route(organization)), b.open(route(organization)))
		})
	}
	run2(t, func(t *testing.T, h *household, ada, bob *page) {
		together = anHour(h.b, ada, bob, h.b.restore(ada.session.copy()), h.b.restore(bob.session.copy()))
		ada.is(t, "ada")
		bob.is(t, "bob")
	})
	const edges = 4 // tabs renew at times of chance, so that each one's last request falls into the hour or after it
	if apart < 20 || together > apart+edges {
		t.Errorf("%d requests of two people in one browser, %d in two", together, apart)
	}
}

func TestAccounts_NewTab(t *testing.T) {
	run2(t, func(t *testing.T, h *household, ada, bob *page) {
		p := h.b.open()
		p.expect(t, tab.ChooseAccount)
		if s := p.states[len(p.states)-1]; !strings.Contains(s, `"accounts":[{"id":"usr_ada","name":"ada"},{"id":"usr_bob","name":"bob"}]`) {
			t.Error(s)
		}
		p.expectRefusal(t, api.AccountRequired)
		waiting := h.b.open()
		if r := p.SwitchAccount("usr_bob", ""); r.Status != tab.Switched || r.Organization.Slug != "globex" {
			t.Errorf("%s", r.JSON())
		}
		p.is(t, "bob")
		h.b.open(func(c *tab.Config) { c.Account = "usr_bob" }).is(t, "bob") // its address
		h.b.restore(ada.session.copy()).is(t, "ada")                         // its opener
		other := h.b.restore(ada.session.copy(), func(c *tab.Config) { c.Account = "usr_bob" })
		other.is(t, "bob")
		if strings.Contains(strings.Join(other.states, ""), "ada") {
			t.Errorf("shows %v", other.states)
		}
		h.b.open(func(c *tab.Config) { c.Account = "usr_cleo" }).expect(t, tab.ChooseAccount) // anybody can write an address
		waiting.expect(t, tab.ChooseAccount)
		ada.SignOut(api.ScopeSession, "")
		time.Sleep(time.Second)
		waiting.is(t, "bob")
		h.b.open().is(t, "bob") // the only one, by whichever key
	})
}

func TestP3_SwitchAccount(t *testing.T) {
	run2(t, func(t *testing.T, h *household, ada, bob *page) {
		fence := ada.state(t).Fence
		for user, want := range map[string]tab.Outcome{"usr_cleo": tab.Refused, "usr_ada": tab.Switched} {
			organization := map[string]string{"usr_ada": "acme"}[user]
			if r := ada.SwitchAccount(user, organization); r.Status != want {
				t.Errorf("%s: %s", user, r.JSON())
			}
			ada.is(t, "ada")
		}
		if r := ada.SwitchAccount("usr_bob", "acme"); r.Status != tab.Refused || r.Error.Code != api.OrganizationAccessDenied {
			t.Errorf("%s", r.JSON())
		}
		h.b.set(func() { h.b.offline = true })
		if r := ada.SwitchAccount("usr_bob", ""); r.Status != tab.SwitchUnavailable {
			t.Errorf("%s", r.JSON())
		}
		h.b.set(func() { h.b.offline = false })
		ada.is(t, "ada")
		ada.expect(t, tab.Active, "acme")

		h.b.set(func() { h.b.latency = time.Second })
		done := make(chan tab.SwitchResult)
		go func() { done <- ada.SwitchAccount("usr_bob", "") }()
		time.Sleep(100 * time.Millisecond)
		h.b.set(func() { h.b.latency = 0 })
		bob.SignOut(api.ScopeSession, "")
		if r := <-done; r.Status != tab.SwitchOvertaken {
			t.Errorf("bob has signed out: %s", r.JSON())
		}
		ada.is(t, "ada")

		bob.SignIn("", "/", tab.Hints{Account: "usr_bob"})
		bob = h.comeBack(bob, "bob", true)
		bob.is(t, "bob")
		if r := ada.SwitchAccount("usr_bob", ""); r.Status != tab.Switched || ada.state(t).Fence <= fence {
			t.Errorf("%s", r.JSON())
		}
		ada.is(t, "bob")
		if s := ada.session.Item("tabard"); strings.Contains(s, "ada@") || strings.Contains(s, "usr_ada") {
			t.Errorf("the record has ada: %s", s)
		}
		if r := bob.SwitchAccount("usr_ada", ""); r.Status != tab.Switched || bob.state(t).Status != "choose" {
			t.Errorf("%s %+v", r.JSON(), bob.state(t))
		}
		bob.Switch("globex")
		bob.is(t, "ada")
		bob.reload().is(t, "ada")
	})
}

// TestP10_Accounts_PlainSignIn checks that a sign-in that ends the others is heard in their
// tabs, and that no token of theirs is handed out early.
func TestP10_Accounts_PlainSignIn(t *testing.T) {
	run2(t, func(t *testing.T, h *household, ada, bob *page) {
		left := h.b.open()
		left.SignIn("", "/", tab.Hints{})
		left = h.comeBack(left, "cleo", false)
		left.is(t, "cleo")
		ada.expect(t, tab.SignedOut)
		bob.expect(t, tab.SignedOut)
	})
}

func TestP10_Accounts_SignOutOfTheBrowser(t *testing.T) {
	run2(t, func(t *testing.T, h *household, ada, bob *page) {
		stored := bob.session.copy()
		h.b.requests()
		if _, err := ada.SignOut(api.ScopeBrowser, ""); err != nil {
			t.Fatal(err)
		}
		ada.expect(t, tab.SignedOut)
		bob.expect(t, tab.SignedOut)
		if p := h.b.restore(stored); len(p.states) == 0 || strings.Contains(p.states[0], "active") {
			t.Errorf("a restored tab shows %v", p.states)
		}
		_, err := bob.SignOut(api.ScopeBrowser, "")
		if err == nil || err.Code != api.LoginRequired {
			t.Errorf("again: %v", err)
		}
	})
}

// TestP6_Accounts_CanceledSignIn checks that a tab that left to add a person, and comes back
// without one, is its person's as before.
func TestP6_Accounts_CanceledSignIn(t *testing.T) {
	run2(t, func(t *testing.T, h *household, ada, bob *page) {
		for _, account := range []string{api.AnotherAccount, "usr_ada"} {
			ada.SignIn("globex", "/", tab.Hints{Account: account})
			ada.is(t, "ada") // while it leaves
			ada.closeTab()
			ada = h.b.restore(ada.session, func(c *tab.Config) { c.Arrival = api.AccountMismatch })
			ada.expect(t, tab.Active, "acme")
			ada.is(t, "ada")
			time.Sleep(6 * time.Minute)
			ada.is(t, "ada")
		}
		// A link that names a person while another's sign-in is under way takes no key.
		ada.SignIn("", "/", tab.Hints{Account: api.AnotherAccount})
		ada.closeTab()
		h.b.restore(ada.session, func(c *tab.Config) { c.Account = "usr_bob" }).is(t, "bob")
		bob = bob.reload()
		time.Sleep(6 * time.Minute)
		bob.is(t, "bob")
	})
}

// TestAccounts_SignOutOfTheBrowserProvesEachKey checks a sign-out of everybody, also from a tab
// that acts for nobody.
func TestAccounts_SignOutOfTheBrowserProvesEachKey(t *testing.T) {
	for _, from := range []string{"ada", "bob", "nobody"} {
		run2(t, func(t *testing.T, h *household, ada, bob *page) {
			by := map[string]*page{"ada": ada, "bob": bob}[from]
			if by == nil {
				by = h.b.open()
				by.expect(t, tab.ChooseAccount)
			}
			if _, err := by.SignOut(api.ScopeBrowser, ""); err != nil {
				t.Fatal(from, err)
			}
			last := h.b.seen[len(h.b.seen)-1]
			var body api.LogoutRequest
			json.Unmarshal([]byte(last.Body), &body)
			proven := []string{}
			for _, text := range append(strings.Fields(body.Proofs), header(last, api.HeaderProof)) {
				proof, err := dpop.Parse(text)
				if err != nil || proof.Covers(last.Method, last.URL) != nil {
					t.Fatal(from, err)
				}
				proven = append(proven, proof.JKT)
			}
			for person, key := range h.key {
				if !slices.Contains(proven, key) {
					t.Errorf("%s does not prove the key of %s: %v", from, person, body)
				}
			}
			time.Sleep(time.Second)
			for _, p := range []*page{ada, bob, by} {
				p.expect(t, tab.SignedOut)
			}
		})
	}
}

// TestAccounts_SignOutOfAnother checks that a tab signs another person out, and goes on.
func TestAccounts_SignOutOfAnother(t *testing.T) {
	run2(t, func(t *testing.T, h *household, ada, bob *page) {
		nobody := h.b.open()
		nobody.expect(t, tab.ChooseAccount)
		if _, err := ada.SignOut("usr_bob", ""); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		ada.is(t, "ada")
		bob.expect(t, tab.SignedOut)
		nobody.SignOut("usr_bob", "") // who is gone
		time.Sleep(time.Second)
		nobody.expect(t, tab.Choose) // as ada
		if _, err := nobody.SignOut("usr_ada", ""); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		ada.expect(t, tab.SignedOut)
	})
}

// TestP1_Accounts_AddressKeepsItsOrganization checks that a tab whose address names an
// organization is there after the person has chosen for whom it acts, or is told why not.
func TestP1_Accounts_AddressKeepsItsOrganization(t *testing.T) {
	run2(t, func(t *testing.T, h *household, ada, bob *page) {
		h.b.open(route("globex")).expect(t, tab.ChooseAccount)
		p := h.b.open(route("globex"))
		p.expect(t, tab.ChooseAccount)
		if r := p.SwitchAccount("usr_ada", ""); r.Status != tab.Switched || r.Organization.Slug != "globex" {
			t.Errorf("%+v", r)
		}
		p.expect(t, tab.Active, "globex")
		p.is(t, "ada")
		p = h.b.open(route("acme"))
		p.expect(t, tab.ChooseAccount)
		if r := p.SwitchAccount("usr_bob", ""); r.Status != tab.Switched { // whom acme does not admit
			t.Errorf("%+v", r)
		}
		if p.expect(t, tab.Ended); !strings.Contains(p.states[len(p.states)-1], `"denied":"acme"`) {
			t.Errorf("%s", p.states[len(p.states)-1])
		}
		bob.is(t, "bob")
	})
}

// TestAccounts_AddressNamesSomebodyNew checks that a tab acts for a person who came from another
// app, of whom this origin has not heard, and for nobody if they are not here.
func TestAccounts_AddressNamesSomebodyNew(t *testing.T) {
	run2(t, func(t *testing.T, h *household, ada, bob *page) {
		h.b.set(func() { h.session["cleo"], h.key["cleo"] = "ses_cleocleo", h.key["ada"] })
		p := h.b.open(func(c *tab.Config) { c.Account = "usr_cleo" })
		p.expect(t, tab.Active)
		p.is(t, "cleo")
		for _, account := range []string{"usr_dora", "usr_x y", ""} {
			h.b.open(func(c *tab.Config) { c.Account = account }).expect(t, tab.ChooseAccount)
		}
		ada.config.Account = "usr_cleo" // a link does not change whom a tab acts for
		ada.reload().is(t, "ada")
	})
}

// TestAccounts_KeysOfUnfinishedSignInsAreForgotten checks that the key of an addition takes the
// person's name, and that those of sign-ins that were left are removed a day later, at the next.
func TestAccounts_KeysOfUnfinishedSignInsAreForgotten(t *testing.T) {
	run2(t, func(t *testing.T, h *household, ada, bob *page) {
		unnamed := func() (names []string) {
			for name := range h.b.device.(*device).named {
				if name[0] == '+' {
					names = append(names, name)
				}
			}
			return names
		}
		if got := unnamed(); len(got) != 0 {
			t.Errorf("bob has come back: %v", got)
		}
		h.b.device.Key("+ofthereleasebefore")
		for range 3 { // and are left
			p := h.b.open()
			p.expect(t, tab.ChooseAccount)
			p.SignIn("", "/", tab.Hints{Account: api.AnotherAccount})
			p.closeTab()
		}
		if got := unnamed(); len(got) != 4 {
			t.Errorf("under way: %v", got)
		}
		time.Sleep(25 * time.Hour)
		p := h.b.open()
		p.expect(t, tab.ChooseAccount)
		p.SignIn("", "/", tab.Hints{Account: api.AnotherAccount})
		if got := unnamed(); len(got) != 1 {
			t.Errorf("a day later: %v", got)
		}
		p.SignIn("", "/", tab.Hints{Account: api.AnotherAccount})
		h.b.device.Key("+underway") // at a page of the release before
		p.SignIn("", "/", tab.Hints{Account: api.AnotherAccount})
		if got := unnamed(); !slices.Contains(got, "+underway") {
			t.Errorf("under way: %v", got)
		}
		h.comeBack(p, "cleo", true).is(t, "cleo")
		bob.is(t, "bob")
	})
}

// TestAccounts_TabOpenedBeforeAnOrganizationWasChosen checks that a tab that a person opens acts
// for them, also if no token of theirs was minted in this browser yet.
func TestAccounts_TabOpenedBeforeAnOrganizationWasChosen(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		h := live(b)
		ada := b.open()
		ada.expect(t, tab.SignedOut)
		ada.SignIn("", "/", tab.Hints{})
		ada = h.comeBack(ada, "ada", false)
		ada.expect(t, tab.Choose)
		h.b.set(func() { h.session["bob"], h.key["bob"] = "ses_bobbobbo", h.key["ada"] })
		opened := b.open(route("acme"), func(c *tab.Config) { c.Account = "usr_ada" })
		opened.expect(t, tab.Active, "acme")
		opened.is(t, "ada")
	})
}

// TestP6_Accounts_RefusedProofOfAnAddedPerson checks that a person who has just been added proves
// the same key again where the backend refuses a proof, as one that a browser sent twice.
func TestP6_Accounts_RefusedProofOfAnAddedPerson(t *testing.T) {
	for _, code := range []api.Code{api.InvalidDPoPProof, api.UseDPoPNonce, api.RequestTooOld} {
		run2(t, func(t *testing.T, h *household, ada, bob *page) {
			p := h.b.open()
			p.expect(t, tab.ChooseAccount)
			p.SignIn("", "/", tab.Hints{Account: api.AnotherAccount})
			refused := false
			h.b.set(func() {
				h.b.script = func(r tab.Request) *tab.Response {
					if !refused && header(r, api.HeaderAccount) == "usr_cleo" {
						refused = true
						answer := refuse(code.Status(), api.Error{Code: code})
						return &answer
					}
					return h.answer(r)
				}
			})
			h.comeBack(p, "cleo", true).is(t, "cleo")
		})
	}
}
