package serverapi_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/serverapi/crossapp"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

// handedOver brings alice's browser into the app reports, and returns its tab there.
func (w *crossed) handedOver() *httpbrowser.Browser {
	w.Helper()
	w.landing()
	got := redeems(w.alice.Tab(), w.code(w.begins(w.alice)))
	if got.Status != http.StatusOK || got.URL.String() != reportsOrigin+"/month" {
		w.Fatalf("%d %s %s", got.Status, got.URL, got.Body)
	}
	tab := w.atReports(w.alice)
	w.minted(w.renew(tab, "acme"))
	return tab
}

func TestABrowserIsHandedOverWithoutASignIn(t *testing.T) {
	w := newCrossed(t)
	tab := w.handedOver()
	claims := w.claims(w.minted(w.renew(tab, "acme")).AccessToken)
	child := w.stored(claims.SessionID)
	if claims.Subject != w.uid || child.Parent.String() != w.session || child.ConfinedTo != "org_acme" || child.Holder != "" ||
		child.ExpiresAt != w.stored(w.session).ExpiresAt || child.UserAgent != "httpbrowser" {
		t.Errorf("%+v %+v", claims, child)
	}
	w.minted(w.renew(w.alice, "globex")) // the app that they come from goes on as it was
	if !w.audited(audit.HandOver) || !w.audited(audit.EnterApp) {
		t.Error("the trail misses it")
	}
}

// refusesCode fails the test unless a code is refused.
func (w *crossed) refusesCode(got httpbrowser.Response) {
	w.Helper()
	if got.Status < 400 || len(w.sessionsSet(got)) > 0 || !strings.Contains(got.Header.Get("Content-Type"), "text/html") {
		w.Errorf("%d %v %s", got.Status, got.Header, got.Body)
	}
}

// sessionsSet are the cookies of sessions that an answer sets.
func (w *crossed) sessionsSet(got httpbrowser.Response) (set []string) {
	for _, c := range got.Cookies() {
		if strings.HasPrefix(c.Name, "__Host-Http-tabard.") && c.MaxAge >= 0 {
			set = append(set, c.Name)
		}
	}
	return set
}

func TestACodeIsGoodOnceInOneBrowser(t *testing.T) {
	w := newCrossed(t)
	w.landing()
	code := w.code(w.begins(w.alice))
	victim := w.signedIn("bob")
	w.refusesCode(redeems(victim, code)) // an attacker's link
	w.begins(victim)
	w.refusesCode(redeems(victim, code)) // also in one that began for itself
	before := w.alice.Copy()
	if got := redeems(w.alice.Tab(), code); got.Status != http.StatusOK {
		t.Fatalf("%d %s", got.Status, got.Body)
	}
	w.refusesCode(redeems(w.alice.Tab(), code))
	w.refusesCode(redeems(before, code)) // with the cookie kept
	refused := 0
	for _, e := range w.trail() {
		if e.Action == audit.EnterApp && e.Outcome == audit.Refused && e.App == "reports" && e.Actor == code.KeyID {
			refused++
		}
	}
	if refused != 4 {
		t.Errorf("%d refusals are in the trail", refused)
	}
}

func TestACodeLivesForAMinute(t *testing.T) {
	w := newCrossed(t)
	w.landing()
	in, over := w.code(w.begins(w.alice)), w.code(w.begins(w.alice))
	w.Pass(time.Minute)
	if got := redeems(w.alice.Tab(), in); got.Status != http.StatusOK {
		t.Errorf("%d %s", got.Status, got.Body)
	}
	w.Pass(time.Second)
	w.refusesCode(redeems(w.alice.Copy(), over))
}

// TestHandover_ABeginningLivesForFiveMinutes, although the browser keeps its value longer.
func TestHandover_ABeginningLivesForFiveMinutes(t *testing.T) {
	w := newCrossed(t)
	w.landing()
	good, late := w.begins(w.alice), w.begins(w.alice)
	w.Pass(5 * time.Minute)
	w.subject = w.minted(w.renew(w.alice, "acme")) // by a token that is good still
	before := w.alice.Copy()
	if got := redeems(w.alice.Tab(), w.code(good)); got.Status != http.StatusOK {
		t.Errorf("after five minutes: %d %s", got.Status, got.Body)
	}
	w.Pass(time.Second)
	w.refusesCode(redeems(before, w.code(late)))
}

func TestACodeOpensWhatItsPersonMayStillEnter(t *testing.T) {
	for name, end := range map[string]func(*crossed){
		"signed out":       func(w *crossed) { w.logout(`{"scope":"session"}`) },
		"signed out of it": func(w *crossed) { w.logout(`{"scope":"organization","organization":"acme"}`) },
		"a disabled person": func(w *crossed) {
			w.does("POST", "/users/"+w.uid+"/disable", "", w.whole, nil)
		},
		"a member no more": func(w *crossed) {
			w.does("POST", "/organizations/acme/members/"+w.uid+"/disable", "", w.whole, nil)
		},
		"an app that is off": func(w *crossed) { w.apply(func(a *directory.App) { a.Disabled = true }) },
		"an app elsewhere":   func(w *crossed) { w.apply(func(a *directory.App) { a.Origins = []string{"http://localhost:8091"} }) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newCrossed(t)
			w.landing()
			challenge := w.begins(w.alice)
			got := w.calls(sessionsPath, `{"app_id":"reports","response_type":"code","code_challenge":"`+challenge+`","return_to":"`+reportsOrigin+`/month"}`, w.web, w.subject.AccessToken)
			var code crossapp.Code
			got.into(t, &code)
			end(w)
			w.refusesCode(redeems(w.alice.Tab(), code))
		})
	}
}

func (w *crossed) apply(change func(*directory.App)) {
	w.Helper()
	d := desired()
	change(&d.Workspace.Apps[1])
	w.must(w.Store.Apply(w.Context(), d, w.Now().Unix()))
}

// TestAnAppThatIsEnteredFromNowhereAdmitsNobody: an empty list is not a missing one.
func TestAnAppThatIsEnteredFromNowhereAdmitsNobody(t *testing.T) {
	w := newCrossed(t)
	w.apply(func(a *directory.App) { a.EnteredFrom = []string{} })
	w.denies(w.enter(), "wrong_app")
	w.apply(func(a *directory.App) { a.EnteredFrom = nil })
	w.entered(w.enter())
}

func TestACodeIsMadeForABrowserAndAnAddressOfTheApp(t *testing.T) {
	w := newCrossed(t)
	challenge := w.begins(w.alice)
	for _, ask := range []string{
		`"response_type":"code"`,
		`"response_type":"code","code_challenge":"short"`,
		`"response_type":"code","code_challenge":"` + challenge + `","return_to":"https://evil.example/"`,
		`"response_type":"code","code_challenge":"` + challenge + `","return_to":"` + origin + `/"`, // the app that they come from
		`"response_type":"code","code_challenge":"` + challenge + `","return_to":"//evil.example"`,
		`"code_challenge":"` + challenge + `"`,
		`"return_to":"/month"`,
		`"response_type":"token"`,
	} {
		got := w.calls(sessionsPath, `{"app_id":"reports",`+ask+`}`, w.web, w.subject.AccessToken)
		w.wants(got, http.StatusBadRequest, api.InvalidRequest)
	}
}

// TestOnlyAPageOfTheWorkspaceBegins: a page that could make a browser begin, and read the
// challenge, could bind a code of its own to it.
func TestOnlyAPageOfTheWorkspaceBegins(t *testing.T) {
	w := newCrossed(t)
	for name, b := range map[string]*httpbrowser.Browser{
		"a foreign page": w.alice.With("Origin", "https://evil.example").With("Sec-Fetch-Site", "cross-site"),
		"a sibling":      w.alice.With("Origin", "http://localhost:9999").With("Sec-Fetch-Site", "same-site"),
		"a form":         w.alice.Without("Tabard-Client"),
		"a plain form":   w.alice.With("Content-Type", "text/plain"),
	} {
		if got := b.Post("/handover", `{}`); got.Status < 400 || len(got.Cookies()) > 0 || strings.Contains(got.Body, "code_challenge") {
			t.Errorf("%s: %d %s", name, got.Status, got.Body)
		}
	}
	if set := w.alice.Post("/handover", `{}`).Cookies(); len(set) != 0 {
		t.Errorf("a browser that has a value gets %v", set)
	}
	code := w.code(w.begins(w.alice))
	for name, b := range map[string]*httpbrowser.Browser{
		"a frame":      w.alice.With("Sec-Fetch-Dest", "iframe"),
		"a script":     w.alice.With("Sec-Fetch-Mode", "cors"),
		"another site": w.alice.With("Sec-Fetch-Site", "cross-site"),
	} {
		if got := redeems(b.Tab(), code); got.Status < 400 || len(w.sessionsSet(got)) > 0 {
			t.Errorf("%s: %d", name, got.Status)
		}
	}
	w.refusesCode(w.alice.Submit(code.RedeemAt, url.Values{"code": {code.Code, code.Code}}))
	w.refusesCode(w.alice.Submit(code.RedeemAt, url.Values{"code": {code.Code[:len(code.Code)-1]}}))
	w.refusesCode(w.alice.Submit(code.RedeemAt, url.Values{}))
}

// TestEveryTabOfTheOtherAppKeepsItsOrganization: a person that goes there from two
// organizations is in both.
func TestEveryTabOfTheOtherAppKeepsItsOrganization(t *testing.T) {
	w := newCrossed(t)
	tab := w.handedOver()
	w.Pass(2 * time.Second)
	acme := w.subject
	w.subject = w.minted(w.renew(w.alice, "globex"))
	if got := redeems(w.alice.Tab(), w.code(w.begins(w.alice))); got.Status != http.StatusOK {
		t.Fatalf("%d %s", got.Status, got.Body)
	}
	for range 2 {
		for _, named := range []string{"acme", "globex", "org_acme", "org_globex"} {
			if got := w.minted(w.renew(tab, named)); !strings.HasSuffix(named, got.Organization.Slug) {
				t.Errorf("%s: %+v", named, got.Organization)
			}
		}
	}
	w.subject = acme
	if got := redeems(w.alice.Tab(), w.code(w.begins(w.alice))); got.Status != http.StatusOK { // once more: the older one ends
		t.Fatalf("%d %s", got.Status, got.Body)
	}
	w.minted(w.renew(tab, "globex"))
	w.minted(w.renew(tab, "acme"))
	live, err := w.Store.Live(t.Context(), w.uid, "", w.Now().Unix(), 10)
	if w.must(live, err); len(live) != 3 {
		t.Errorf("%d sessions live", len(live))
	}
	if got := tab.Post("/logout", `{"scope":"session"}`); got.Status != http.StatusOK {
		t.Errorf("%d %s", got.Status, got.Body)
	}
	w.refused(w.renew(tab, "acme"), api.LoginRequired)
	w.refused(w.renew(tab, "globex"), api.LoginRequired)
	w.minted(w.renew(w.alice, "acme"))
}

// TestWhoIsSignedInThereAlreadyStaysSo: their own sign-in opens more, and outlives the
// other app's.
func TestWhoIsSignedInThereAlreadyStaysSo(t *testing.T) {
	w := newCrossed(t)
	w.landing()
	tab := w.atReports(w.alice)
	tab.Choose(tab.Login("app=reports"), "alice")
	before := w.minted(w.mint(tab, "globex")).Session
	if got := redeems(w.alice.Tab(), w.code(w.begins(w.alice))); got.Status != http.StatusOK || len(w.sessionsSet(got)) > 0 {
		t.Fatalf("%d %s", got.Status, got.Body)
	}
	if after := w.minted(w.renew(tab, "globex")).Session; after != before {
		t.Error("the session is another")
	}
}

// TestAStepUpRaisesTheSessionOfItsOrganization, of several that stand beside each other.
func TestAStepUpRaisesTheSessionOfItsOrganization(t *testing.T) {
	w := newCrossed(t)
	tab := w.handedOver()
	w.Pass(2 * time.Second)
	w.subject = w.minted(w.renew(w.alice, "globex"))
	if got := redeems(w.alice.Tab(), w.code(w.begins(w.alice))); got.Status != http.StatusOK {
		t.Fatalf("%d %s", got.Status, got.Body)
	}
	w.Pass(2 * time.Second)
	w.does("PUT", "/organizations/acme/policy", `{"authentication_age":1}`, w.whole, nil)
	got := w.renew(tab, "acme")
	w.refused(got, api.InsufficientUserAuthentication)
	var e api.Error
	got.JSON(t, &e)
	tab.Choose(tab.Follow(e.LoginURL), "alice")
	claims := w.claims(w.minted(w.renew(tab, "acme")).AccessToken)
	if claims.AuthTime != w.Now().Unix() || w.stored(claims.SessionID).Parent.String() != w.session {
		t.Errorf("%+v", claims)
	}
	w.minted(w.renew(tab, "globex"))
	w.refused(w.renew(w.alice, "acme"), api.InsufficientUserAuthentication) // the app that they came from asks for itself
}

// TestABrowserHasRoomForTheNewest: entering from more organizations than a browser keeps
// sessions of ends the oldest.
func TestABrowserHasRoomForTheNewest(t *testing.T) {
	w := newCrossed(t)
	w.landing()
	tab := w.atReports(w.alice)
	for i := range 14 {
		slug := fmt.Sprintf("number-%d", i)
		w.does("POST", "/organizations", `{"slug":"`+slug+`","name":"Number"}`, w.whole, nil)
		w.does("PUT", "/organizations/"+slug+"/members/"+w.uid, `{"roles":["viewer"]}`, w.whole, nil)
		w.Pass(time.Second)
		w.subject = w.minted(w.mint(w.alice, slug))
		if got := redeems(w.alice.Tab(), w.code(w.begins(w.alice))); got.Status != http.StatusOK {
			t.Fatalf("%d: %d %s", i, got.Status, got.Body)
		}
		w.minted(w.renew(tab, slug))
	}
	w.minted(w.renew(tab, "number-3")) // with the session that they came from twelve
	w.refused(w.renew(tab, "number-2"), api.OrganizationAccessDenied)
	w.minted(w.renew(w.alice, "number-2"))
	for range 3 { // more sign-ins leave no more
		w.Pass(time.Second)
		w.alice.SignIn("alice")
		n := 0
		for name := range w.alice.Cookies() {
			if strings.HasPrefix(name, "__Host-Http-tabard.") {
				n++
			}
		}
		if n > 12 {
			t.Errorf("the browser keeps %d sessions", n)
		}
	}
}

// TestHandover_SeveralPeople checks that in an app for several people the hand-over of a second
// one ends nobody's session and says whose page it is, and that a fifth is refused.
func TestHandover_SeveralPeople(t *testing.T) {
	w := newCrossed(t)
	w.landing()
	d := desired()
	for i := range d.Workspace.Apps {
		d.Workspace.Apps[i].Accounts = directory.SeveralAccounts
	}
	people := []string{"alice", "bob", "carol", "dave", "erin"}
	for _, name := range people[2:] {
		d.Organizations[0].Members = append(d.Organizations[0].Members, directory.Member{User: directory.User{Issuer: issuer, Subject: name}})
	}
	w.must(w.Store.Apply(w.Context(), d, w.Now().Unix()))
	w.must(w.signedIn("alice"), nil) // reads the workspace anew
	here := w.atReports(w.alice)     // erin signs in there, and the others come from the first app
	landed := here.Choose(here.BeginByScript(publicURL+"/login?account=another"), "erin")
	tabs := []*httpbrowser.Browser{here.With(api.HeaderAccount, landed.URL.Query().Get(api.ParamSignedIn))}
	for i, name := range people[:4] {
		tab := w.alice
		if w.Pass(2 * time.Second); i > 0 {
			landed := w.alice.Choose(w.alice.BeginByScript(publicURL+"/login?account=another"), name)
			tab = w.alice.With(api.HeaderAccount, landed.URL.Query().Get(api.ParamSignedIn))
		}
		w.subject = w.minted(tab.Post("/token", `{"organization":"acme","enter":true}`))
		got := redeems(w.alice.Tab(), w.code(w.begins(w.alice)))
		if name == "dave" {
			if w.refusesCode(got); !strings.Contains(got.Body, string(api.AccountLimitReached)) {
				t.Errorf("a fifth: %d %s", got.Status, got.Body)
			}
			break
		}
		if got.Status != http.StatusOK || got.URL.Query().Get(api.ParamSignedIn) != w.subject.User.ID {
			t.Fatalf("%s: %d %s %s", name, got.Status, got.URL, got.Body)
		}
		tabs = append(tabs, here.With(api.HeaderAccount, w.subject.User.ID))
	}
	for _, tab := range tabs {
		w.minted(tab.Post("/token", `{"organization":"acme","enter":true}`))
	}
}
