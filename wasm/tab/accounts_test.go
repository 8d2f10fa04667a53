package tab_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/dpop"
	"github.com/tabard-auth/tabard/wasm/tab"
)

// household is the backend of an app that lets several people be signed in. Each session is
// bound to the key of the sign-in.
type household struct {
	b       *browser
	session map[string]string // by person
	key     map[string]string // thumbprints, by person
	begun   string            // the key that the last sign-in proved
	marked  bool              // the request at hand names its session
}

// live makes the app one for several people.
func live(b *browser) *household {
	h := &household{b: b, session: map[string]string{}, key: map[string]string{}}
	b.device = &device{}
	b.set(func() { b.script, b.here, b.bound = h.answer, h, true })
	return h
}

// told returns the people that an answer tells of.
func (h *household) told() []string {
	if h == nil || h.marked {
		return nil
	}
	var ids []string
	for _, person := range slices.Sorted(maps.Keys(h.session)) {
		ids = append(ids, "usr_"+person)
	}
	return ids
}

func (h *household) accounts() (all []api.Account) {
	if h == nil {
		return nil
	}
	for _, person := range slices.Sorted(maps.Keys(h.session)) {
		all = append(all, api.Account{ID: "usr_" + person, Name: person})
	}
	return all
}

// answer chooses whose session answers, as the backend does.
func (h *household) answer(r tab.Request) *tab.Response {
	jkt := ""
	if proof, err := dpop.Parse(header(r, api.HeaderProof)); err == nil {
		jkt = proof.JKT
	}
	if r.Method == "POST" && strings.HasPrefix(pathOf(r), api.PathLogin) {
		h.begun = jkt
		answer := ok(api.LoginResponse{Location: "https://id.example" + pathOf(r)})
		return &answer
	}
	var body struct{ User string }
	json.Unmarshal([]byte(r.Body), &body)
	user, mark, _ := strings.Cut(header(r, api.HeaderAccount), " ")
	if user == "" {
		user = body.User
	}
	refused := func(code api.Code, accounts []api.Account) *tab.Response {
		answer := refuse(code.Status(), api.Error{Code: code, Accounts: accounts})
		return &answer
	}
	person := strings.TrimPrefix(user, "usr_")
	switch {
	case user == "" && len(h.session) > 1:
		return refused(api.AccountRequired, h.accounts())
	case user == "" && len(h.session) == 1:
		person = slices.Collect(maps.Keys(h.session))[0]
	case h.session[person] == "":
		return refused(api.LoginRequired, nil)
	}
	h.marked = mark != "" && mark == api.Mark(h.session[person])
	if h.key[person] != jkt {
		return refused(api.DeviceKeyMismatch, nil)
	}
	h.b.person, h.b.session = person, h.session[person]
	if pathOf(r) == api.PathLogout && strings.Contains(r.Body, api.ScopeBrowser) {
		h.marked = false
		answer := ok(api.LogoutResponse{Users: h.told()})
		clear(h.session)
		return &answer
	}
	if pathOf(r) == api.PathLogout && !strings.Contains(r.Body, api.ScopeOrganization) {
		delete(h.session, person)
	}
	return nil
}

// comeBack ends the sign-in that a page left for: it loads the page again.
func (h *household) comeBack(p *page, person string, added bool) *page {
	h.b.set(func() {
		if !added {
			clear(h.session)
		}
		h.b.signed++
		h.session[person], h.key[person] = "ses_"+strings.Repeat(string(rune('a'+h.b.signed)), 8), h.begun
	})
	p.closeTab()
	return h.b.restore(p.session, func(c *tab.Config) {
		if *c = p.config; added {
			c.Account = "usr_" + person
		}
	})
}

// two returns tabs of ada and bob.
func two(t *testing.T, b *browser) (h *household, ada, bob *page) {
	h = live(b)
	ada = b.open()
	ada.expect(t, tab.SignedOut)
	ada.SignIn("acme", "/", tab.Hints{})
	ada = h.comeBack(ada, "ada", false)
	ada.expect(t, tab.Active, "acme")
	bob = b.open()
	bob.expect(t, tab.Choose) // as ada
	if err := bob.SignIn("", "/", tab.Hints{Account: api.AnotherAccount}); err != nil || !strings.Contains(bob.navigated, "account=another") {
		t.Fatal(err, bob.navigated)
	}
	bob = h.comeBack(bob, "bob", true)
	bob.expect(t, tab.Active, "globex")
	return h, ada, bob
}

// is fails the test unless a tab has a token of a person.
func (p *page) is(t *testing.T, person string) {
	t.Helper()
	if token, err := p.Credential("", ""); err != nil || !strings.HasPrefix(token, person+"@") {
		t.Errorf("a tab of %s has the token %s: %v", person, token, err)
	}
}

// run2 runs a test with tabs of ada and bob.
func run2(t *testing.T, test func(t *testing.T, h *household, ada, bob *page)) {
	t.Helper()
	run(t, func(t *testing.T, b *browser) {
		h, ada, bob := two(t, b)
		test(t, h, ada, bob)
	})
}

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
