package browserapi_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

// several is desired, with several people in a browser.
func several() directory.Desired {
	d := desired()
	d.Workspace.Apps[0].Accounts = directory.SeveralAccounts
	return d
}

// personTab is a tab of a person: it proves their key, and names them and their session.
type personTab struct {
	*httpbrowser.Browser
	user, session string
}

// named returns the tab for a request that names its person, and the session or not.
func (t *personTab) named(mark bool) *httpbrowser.Browser {
	text := t.user
	if mark {
		text += " " + api.Mark(t.session)
	}
	return t.With(api.HeaderAccount, text)
}

// add signs a person in beside those of the browser, with a key of their own.
func (w *backend) add(b *httpbrowser.Browser, person string) *personTab {
	w.Helper()
	w.Pass(2 * time.Second)
	own := b.On(httpbrowser.NewDevice(w))
	landed := own.Choose(own.BeginByScript(publicURL+"/login?account=another"), person)
	user := landed.URL.Query().Get(api.ParamSignedIn)
	if user == "" {
		w.Fatalf("%s was not added: %s %d %s", person, landed.URL, landed.Status, landed.Body)
	}
	return w.tabOf(own, user)
}

// tabOf returns the tab of a person who is signed in.
func (w *backend) tabOf(b *httpbrowser.Browser, user string) *personTab {
	w.Helper()
	t := &personTab{Browser: b, user: user}
	var minted api.TokenResponse
	w.ok(t.named(false).Post("/token", `{"organization":"acme","enter":true,"user":"`+user+`"}`)).JSON(w, &minted)
	if minted.User.ID != user {
		w.Fatalf("asked for %s, minted for %s", user, minted.User.ID)
	}
	t.session = minted.Session
	return t
}

func (w *answers) ok(r httpbrowser.Response) httpbrowser.Response {
	w.Helper()
	if r.Status != http.StatusOK {
		w.Fatalf("%d %s", r.Status, r.Body)
	}
	return r
}

// first signs in the first person of a browser, with a device key.
func (w *backend) first(person string) *personTab {
	w.Helper()
	b := w.browser().On(httpbrowser.NewDevice(w))
	b.SignIn(person)
	var session api.SessionResponse
	w.ok(b.Get("/session")).JSON(w, &session)
	return w.tabOf(b, session.User.ID)
}

// two returns a browser in which alice signed in, and then bob.
func two(t *testing.T) (*backend, *personTab, *personTab) {
	w := newBackendWith(t, several(), nil)
	alice := w.first("alice")
	return w, alice, w.add(alice.Browser, "bob")
}

// acts reports whether a tab gets a token, which is its person's.
func (t *personTab) acts(w *backend) bool {
	w.Helper()
	for _, mark := range []bool{true, false} {
		answer := t.named(mark).Post("/token", `{"organization":"acme","user":"`+t.user+`"}`)
		if answer.Status != http.StatusOK {
			if len(cleared(answer)) > 1 {
				w.Errorf("cleared %v", cleared(answer))
			}
			w.wants(answer, http.StatusUnauthorized, api.Code(answer.Code()))
			return false
		}
		var minted api.TokenResponse
		answer.JSON(w, &minted)
		if minted.User.ID != t.user || minted.Session != t.session {
			w.Fatalf("a tab of %s got a token of %s", t.user, minted.User.ID)
		}
	}
	return true
}

func TestP12_Accounts_EachTabActsForItsPerson(t *testing.T) {
	w, alice, bob := two(t)
	if len(sessionCookies(alice.Browser)) != 2 || !alice.acts(w) || !bob.acts(w) || !alice.acts(w) {
		t.Fatal("a person is missing")
	}
	var session api.SessionResponse
	w.ok(bob.named(true).Get("/session")).JSON(t, &session)
	want := []api.Account{{ID: bob.user, Name: "BOB"}, {ID: alice.user, Name: "ALICE"}}
	slices.SortFunc(session.Accounts, func(a, b api.Account) int { return strings.Compare(b.Name, a.Name) })
	if session.User.ID != bob.user || !slices.Equal(session.Accounts, want) {
		t.Errorf("%+v, want %+v", session, want)
	}
	var minted api.TokenResponse
	w.ok(bob.named(false).Post("/token", `{"organization":"acme"}`)).JSON(t, &minted)
	if len(minted.Accounts) != 2 {
		t.Errorf("the tab is told of %v", minted.Accounts)
	}
	var refused api.Error
	answer := alice.Post("/token?quiet=1", `{}`)
	answer.JSON(t, &refused)
	if refused.Code != api.AccountRequired || refused.Code.Action() != api.Choose || len(refused.Accounts) != 2 || refused.SignedIn == nil || !*refused.SignedIn {
		t.Errorf("nobody named: %s", answer.Body)
	}
	w.wants(alice.Get("/session"), http.StatusBadRequest, api.AccountRequired)
	w.wants(alice.named(false).Post("/token", `{"user":"`+bob.user+`"}`), http.StatusBadRequest, api.InvalidRequest)
	for _, header := range []string{"bob", bob.user + " a b", "usr_" + strings.Repeat("x", 200), ""} {
		w.wants(alice.With(api.HeaderAccount, header).Get("/session"), http.StatusBadRequest, api.InvalidRequest)
	}
}

// TestP12_Accounts_WrongKeyOrMark checks that a tab gets nothing of another person's,
// whatever mark it sends and whatever cookies there are.
func TestP12_Accounts_WrongKeyOrMark(t *testing.T) {
	w, alice, bob := two(t)
	crossed := &personTab{alice.Browser, alice.user, bob.session} // bob's mark in alice's tab
	var minted api.TokenResponse
	w.ok(crossed.named(true).Post("/token", `{"organization":"acme"}`)).JSON(t, &minted)
	if minted.User.ID != alice.user {
		t.Errorf("the mark chose %s", minted.User.ID)
	}
	w.wants((&personTab{alice.Browser, bob.user, bob.session}).named(true).Post("/token", `{"organization":"acme"}`), http.StatusUnauthorized, api.DeviceKeyMismatch)
	w.ok(alice.named(true).Post("/logout", `{"scope":"session"}`))
	for _, mark := range []bool{true, false} { // bob's cookie is the only one
		answer := alice.named(mark).Post("/token", `{"organization":"acme","user":"`+alice.user+`"}`)
		w.wants(answer, http.StatusUnauthorized, api.LoginRequired)
		if len(answer.Cookies()) != 0 {
			t.Errorf("%v", answer.Cookies())
		}
	}
	if !bob.acts(w) {
		t.Error("alice's tab has ended bob's session")
	}
}

// TestAccounts_KeyIsNotBoundAcrossPeople checks that a tab's request does not bind its key
// to another person's new session.
func TestAccounts_KeyIsNotBoundAcrossPeople(t *testing.T) {
	w := newBackendWith(t, several(), nil)
	alice := w.first("alice")
	landed := alice.Browser.On(nil)
	answer := landed.Choose(landed.BeginByScript(publicURL+"/login?account=another"), "bob")
	bob := answer.URL.Query().Get(api.ParamSignedIn)
	w.ok(alice.named(true).Post("/logout", `{"scope":"session"}`))
	w.wants(alice.named(false).Post("/token", `{"organization":"acme"}`), http.StatusUnauthorized, api.LoginRequired)
	if tab := w.tabOf(landed, bob); !tab.acts(w) {
		t.Error("bob's session has alice's key")
	}
}

func TestAccounts_PlainSignInEndsTheOthers(t *testing.T) {
	w, alice, bob := two(t)
	w.Pass(2 * time.Second)
	other := alice.Browser.On(httpbrowser.NewDevice(t))
	other.SignIn("zoe")
	if other.Post("/token", `{}`); len(sessionCookies(other)) != 1 || alice.acts(w) || bob.acts(w) {
		t.Errorf("%v", sessionCookies(other))
	}
}

func TestAccounts_SignInAgainEndsNobody(t *testing.T) {
	w, alice, bob := two(t)
	w.Pass(2 * time.Second)
	again := alice.Choose(alice.BeginByScript(publicURL+"/login?account="+alice.user), "alice")
	if user := again.URL.Query().Get(api.ParamSignedIn); user != alice.user {
		t.Fatalf("%s", again.URL)
	}
	if renewed := w.tabOf(alice.Browser, alice.user); renewed.session == alice.session || !renewed.acts(w) || !bob.acts(w) || len(sessionCookies(bob.Browser)) != 2 {
		t.Errorf("%v", sessionCookies(bob.Browser))
	}
}

func TestAccounts_Mismatch(t *testing.T) {
	w, alice, bob := two(t)
	w.Pass(2 * time.Second)
	before := sessionCookies(alice.Browser)
	seen := func() int { return w.Count(`SELECT SUM(seen_at) FROM users`) }
	known := seen()
	for _, c := range []struct{ account, person string }{{"another", "alice"}, {"another", "bob"}, {alice.user, "bob"}, {alice.user, "zoe"}} {
		own := alice.On(httpbrowser.NewDevice(t))
		landed := own.Choose(own.BeginByScript(publicURL+"/login?account="+c.account), c.person)
		landed = own.Choose(landed, c.person) // where the provider asks once more
		if landed.URL.Query().Get(api.ParamError) != string(api.AccountMismatch) || landed.URL.Query().Has(api.ParamSignedIn) {
			t.Errorf("%v: %s", c, landed.URL)
		}
	}
	if after := sessionCookies(alice.Browser); len(after) != len(before) || seen() != known || !alice.acts(w) || !bob.acts(w) {
		t.Errorf("before %v, after %v; seen %v, then %v", before, after, known, seen())
	}
}

func TestAccounts_FifthRefusesItself(t *testing.T) {
	w, alice, bob := two(t)
	tabs := []*personTab{alice, bob, w.addTo(alice.Browser, "carol"), w.addTo(alice.Browser, "dave")}
	header := 0
	for name, value := range alice.Cookies() {
		header += len(name) + len(value) + len("=; ")
	}
	if header > 2560 {
		t.Errorf("the cookies have %d bytes", header)
	}
	own := alice.On(httpbrowser.NewDevice(t))
	answer := own.Post("/login?account=another", "{}")
	w.wants(answer, http.StatusForbidden, api.AccountLimitReached)
	var refused api.Error
	if answer.JSON(t, &refused); len(refused.Accounts) != 4 {
		t.Errorf("%s", answer.Body)
	}
	w.ok(own.Post("/login?account="+bob.user, "{}"))
	w.allAct(tabs)
	dave := tabs[3]
	w.ok(dave.named(true).Post("/logout", `{"scope":"session"}`))
	w.wants(dave.named(false).Post("/token", `{}`), http.StatusUnauthorized, api.LoginRequired)
	w.allAct(tabs[:3])
}

// addTo adds one of the further members of acme.
func (w *backend) addTo(b *httpbrowser.Browser, person string) *personTab {
	w.Helper()
	w.Apply(withMore())
	return w.add(b, person)
}

// withMore is several, with further members of acme.
func withMore() directory.Desired {
	d := several()
	for _, name := range []string{"carol", "dave", "erin"} {
		d.Organizations[0].Members = append(d.Organizations[0].Members, directory.Member{User: directory.User{Issuer: issuer, Subject: name}})
	}
	return d
}

func (w *backend) allAct(tabs []*personTab) {
	w.Helper()
	for i, tab := range tabs {
		if !tab.acts(w) {
			w.Errorf("person %d was signed out", i)
		}
	}
}

// TestAccounts_FifthAtOnce checks that of two people who are added at once to three, one
// refuses itself.
func TestAccounts_FifthAtOnce(t *testing.T) {
	w, alice, bob := two(t)
	tabs := []*personTab{alice, bob, w.addTo(alice.Browser, "carol")}
	w.Pass(2 * time.Second)
	dave, erin := alice.On(httpbrowser.NewDevice(t)), alice.On(httpbrowser.NewDevice(t))
	pages := []httpbrowser.Response{dave.BeginByScript(publicURL + "/login?account=another"), erin.BeginByScript(publicURL + "/login?account=another")}
	landed := dave.Follow(publicURL + "/callback?" + w.Provider.SignIn(pages[0].URL.String(), "dave").Encode())
	w.Pass(time.Second)
	late := erin.Follow(publicURL + "/callback?" + w.Provider.SignIn(pages[1].URL.String(), "erin").Encode())
	if late.URL.Query().Get(api.ParamError) != string(api.AccountLimitReached) {
		t.Fatalf("%s", late.URL)
	}
	w.allAct(append(tabs, w.tabOf(dave, landed.URL.Query().Get(api.ParamSignedIn))))
}

// TestAccounts_OnlyTheAppsPageAdds checks that no navigation adds a person, and that an app
// for one person takes no account.
func TestAccounts_OnlyTheAppsPageAdds(t *testing.T) {
	w, alice, bob := two(t)
	w.wants(alice.Step(publicURL+"/login?account=another"), http.StatusBadRequest, api.InvalidRequest)
	alice.Open(issuer + "/")
	foreign := alice.Step(publicURL + "/login?account=another")
	if strings.Contains(foreign.Body, "account=") || foreign.Status != http.StatusOK {
		t.Errorf("%d %s", foreign.Status, foreign.Body)
	}
	w.wants(alice.With("Origin", "http://evil.test").With("Sec-Fetch-Site", "cross-site").Post("/login?account=another", "{}"), http.StatusForbidden, api.OriginNotAllowed)
	w.wants(alice.Post("/login?account=me", "{}"), http.StatusBadRequest, api.InvalidRequest)
	w.allAct([]*personTab{alice, bob})
	w.Apply(desired())
	w.ok(alice.named(true).Get("/session")) // reads the workspace anew
	w.wants(alice.Post("/login?account=another", "{}"), http.StatusBadRequest, api.InvalidRequest)
}

// TestAccounts_AttemptInAnotherBrowser checks that an attempt for an account does not start
// again in a browser that it was brought to.
func TestAccounts_AttemptInAnotherBrowser(t *testing.T) {
	w, alice, _ := two(t)
	page := alice.On(httpbrowser.NewDevice(t)).BeginByScript(publicURL + "/login?account=another")
	for _, victim := range []*httpbrowser.Browser{w.browser(), w.signedIn("zoe")} {
		before := len(sessionCookies(victim))
		landed := victim.Follow(publicURL + "/callback?" + w.Provider.SignIn(page.URL.String(), "carol").Encode())
		if len(sessionCookies(victim)) != before || strings.Contains(landed.URL.Path, "/authorize") {
			t.Errorf("%s %v", landed.URL, sessionCookies(victim))
		}
	}
}
