package tab_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

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
