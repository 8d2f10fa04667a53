package browserapi_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

func TestAccounts_SignOut(t *testing.T) {
	w, alice, bob := two(t)
	var out api.LogoutResponse
	w.ok(alice.named(true).Post("/logout", `{"scope":"organization","organization":"acme"}`))
	if !bob.acts(w) {
		t.Error("bob has left an organization with alice")
	}
	answer := w.ok(alice.named(true).Post("/logout", `{"scope":"session","user":"`+alice.user+`"}`))
	if answer.JSON(t, &out); out.EndSessionURL != "" || len(cleared(answer)) != 1 {
		t.Errorf("%s, cleared %v", answer.Body, cleared(answer))
	}
	if alice.acts(w) || !bob.acts(w) {
		t.Error("signing out alice did not sign out alice alone")
	}
	answer = w.ok(alice.named(true).Post("/logout", `{"scope":"session","user":"`+alice.user+`"}`))
	if len(answer.Cookies()) != 0 || !bob.acts(w) {
		t.Errorf("again: %v", answer.Cookies())
	}
	w.wants(alice.named(true).Post("/logout", `{"scope":"browser"}`), http.StatusUnauthorized, api.LoginRequired)
	w.ok(bob.named(true).Post("/logout", `{"scope":"session"}`)).JSON(t, &out)
	if out.EndSessionURL == "" {
		t.Error("the last one is not offered to end the provider's session")
	}
	w.ok(bob.named(true).Post("/logout", `{"scope":"browser"}`))
}

func TestAccounts_SignOutOfTheBrowser(t *testing.T) {
	w, alice, bob := two(t)
	thief := bob.Copy().On(httpbrowser.NewDevice(t))
	var out api.LogoutResponse
	answer := w.ok(w.signOutAll(alice, bob))
	if answer.JSON(t, &out); len(out.Users) != 2 || out.EndSessionURL == "" || len(sessionCookies(bob.Browser)) != 0 {
		t.Errorf("%s %v", answer.Body, sessionCookies(bob.Browser))
	}
	w.wants((&personTab{thief, bob.user, bob.session}).named(true).Post("/token", `{"organization":"acme"}`), http.StatusUnauthorized, api.SessionRevoked)
}

// TestP10_Accounts_SignOutBesideALaterSignIn checks that a person who signed in again, and
// whose page never came back from that, is signed out by a tab that knows the session before
// alone. A later session with another key loses its cookie: that may be copied.
func TestP10_Accounts_SignOutBesideALaterSignIn(t *testing.T) {
	for _, scope := range []string{api.ScopeSession, api.ScopeBrowser} {
		w, alice, bob := two(t)
		w.Pass(2 * time.Second)
		alice.Choose(alice.BeginByScript(publicURL+"/login?account="+alice.user), "alice")
		own := alice.On(httpbrowser.NewDevice(t))
		own.Choose(own.BeginByScript(publicURL+"/login?account="+alice.user), "alice")
		late := alice.Copy()
		if n := len(sessionCookies(late)); n != 4 {
			t.Fatalf("%d sessions", n)
		}
		answer := w.ok(alice.named(true).Post("/logout", `{"scope":"`+scope+`","user":"`+alice.user+`"}`))
		if strings.Contains(answer.Body, `"users"`) != (scope == api.ScopeBrowser) {
			t.Errorf("%s", answer.Body)
		}
		if n := len(sessionCookies(alice.Browser)); (n == 1) != (scope == api.ScopeSession) {
			t.Errorf("%s: %d cookies are left", scope, n)
		}
		w.wants((&personTab{alice.Browser, alice.user, ""}).named(true).Post("/token", `{"organization":"acme"}`), http.StatusUnauthorized, api.LoginRequired)
		if scope == api.ScopeSession && !bob.acts(w) {
			t.Error("bob is signed out")
		}
		if n := w.Count(`SELECT COUNT(*) FROM sessions WHERE revoked_at IS NULL`); n != 2 { // bob's, and that of another key
			t.Errorf("%s: %d sessions go on", scope, n)
		}
	}
}

// TestP10_Accounts_LeaveBesideALaterSignIn checks that a person who signed in again, and whose
// page has not come back from that, leaves an organization for good by a tab that knows the
// session before alone: what that page asks for does not enter it again, and only they do.
func TestP10_Accounts_LeaveBesideALaterSignIn(t *testing.T) {
	for name, mark := range map[string]bool{"by the mark": true, "by the person": false} {
		t.Run(name, func(t *testing.T) {
			w, alice, bob := two(t)
			w.Pass(2 * time.Second)
			alice.Choose(alice.BeginByScript(publicURL+"/login?account="+alice.user), "alice")
			w.ok(alice.named(mark).Post("/logout", `{"scope":"organization","organization":"acme"}`))
			landed := alice.named(false)
			w.wants(landed.Post("/token", `{"organization":"acme"}`), http.StatusUnauthorized, api.OrganizationSessionExpired)
			w.ok(landed.Post("/token", `{"organization":"acme","enter":true}`))
			if !bob.acts(w) {
				t.Error("bob has left it with alice")
			}
		})
	}
}

// TestP10_Accounts_LeaveNotForAnotherKey checks that a later session whose key the request does
// not prove stays where it is: its cookie may be copied.
func TestP10_Accounts_LeaveNotForAnotherKey(t *testing.T) {
	w, alice, _ := two(t)
	w.Pass(2 * time.Second)
	own := alice.On(httpbrowser.NewDevice(t))
	own.Choose(own.BeginByScript(publicURL+"/login?account="+alice.user), "alice")
	w.ok(alice.named(true).Post("/logout", `{"scope":"organization","organization":"acme"}`))
	w.ok((&personTab{own, alice.user, ""}).named(false).Post("/token", `{"organization":"acme"}`))
}

// TestSignOut_TwoSessionsOfAnother checks that one proof is for both sessions of a person who
// signed in twice.
func TestSignOut_TwoSessionsOfAnother(t *testing.T) {
	w, alice, bob := two(t)
	w.Pass(2 * time.Second)
	bob.Choose(bob.BeginByScript(publicURL+"/login?account="+bob.user), "bob")
	w.ok(w.signOutAll(alice, bob))
	if n := w.Count(`SELECT COUNT(*) FROM sessions WHERE revoked_at IS NULL`); n != 0 || len(sessionCookies(alice.Browser)) != 0 {
		t.Errorf("%d sessions go on, and the browser keeps %v", n, sessionCookies(alice.Browser))
	}
}

// signOutAll signs everybody in a browser out, with proofs by the keys of others.
func (w *backend) signOutAll(tab *personTab, others ...*personTab) httpbrowser.Response {
	w.Helper()
	var proofs []string
	for _, other := range others {
		proofs = append(proofs, other.Device().Proof(w, http.MethodPost, publicURL+"/logout", w.Now()))
	}
	body, err := json.Marshal(api.LogoutRequest{Scope: api.ScopeBrowser, User: tab.user, Proofs: strings.Join(proofs, " ")})
	if err != nil {
		w.Fatal(err)
	}
	return tab.named(true).Post("/logout", string(body))
}

// TestSignOut_FurtherProofs checks that a proof of another person's key is for this request,
// once, and that a session without one only loses its cookie.
func TestSignOut_FurtherProofs(t *testing.T) {
	w, alice, bob := two(t)
	signOut := func(proofs string) httpbrowser.Response {
		return alice.named(true).Post("/logout", `{"scope":"browser","proofs":"`+proofs+`"}`)
	}
	proof := func(path string, at time.Time) string {
		return bob.Device().Proof(t, http.MethodPost, publicURL+path, at)
	}
	w.wants(signOut("x"), http.StatusBadRequest, api.InvalidDPoPProof)
	w.wants(signOut(proof("/token", w.Now())), http.StatusBadRequest, api.InvalidDPoPProof)
	w.wants(signOut(proof("/logout", w.Now().Add(-time.Minute))), http.StatusConflict, api.RequestTooOld)
	w.wants(signOut("a b c d e"), http.StatusBadRequest, api.InvalidRequest)
	w.allAct([]*personTab{alice, bob})
	used := proof("/logout", w.Now())
	w.ok(bob.named(true).With("DPoP", used).Post("/logout", `{"scope":"organization","organization":"acme"}`))
	w.wants(signOut(used), http.StatusBadRequest, api.InvalidDPoPProof)
	kept := bob.Copy().On(bob.Device())
	w.ok(signOut(httpbrowser.NewDevice(t).Proof(t, http.MethodPost, publicURL+"/logout", w.Now()))) // a key of nobody's
	if len(sessionCookies(alice.Browser)) != 0 {
		t.Errorf("%v", sessionCookies(alice.Browser))
	}
	w.ok((&personTab{kept, bob.user, bob.session}).named(true).Post("/token", `{"organization":"acme","enter":true}`)) // his session goes on
}

// TestAccounts_CopiedJarSignsNobodyOut checks that whoever signs in in a copied jar, plainly or
// beside its people, ends none of their sessions and takes none of their places.
func TestAccounts_CopiedJarSignsNobodyOut(t *testing.T) {
	for _, query := range []string{"/login", "/login?account=another"} {
		w, alice, bob := two(t)
		w.Apply(withMore())
		w.Pass(2 * time.Second)
		thief := alice.Copy()
		for _, person := range []string{"dave", "erin"} {
			own := thief.On(httpbrowser.NewDevice(t))
			landed := own.Choose(own.BeginByScript(publicURL+query), person)
			if user := landed.URL.Query().Get(api.ParamSignedIn); user != "" {
				own = own.With(api.HeaderAccount, user)
			}
			defer func() {
				w.ok(own.Post("/logout", `{"scope":"browser"}`))
				w.allAct([]*personTab{alice, bob})
			}()
			w.Pass(2 * time.Second)
		}
		w.allAct([]*personTab{alice, bob, w.add(alice.Browser, "carol")})
	}
}

// TestAccounts_CopiedCookieSignsNobodyOut checks that a session of one's own and a copied
// cookie end nothing in the browser that it was copied from.
func TestAccounts_CopiedCookieSignsNobodyOut(t *testing.T) {
	w, alice, bob := two(t)
	w.Apply(withMore())
	thief := w.first("dave")
	for name, value := range sessionCookies(alice.Browser) {
		thief.SetCookie(name, value)
	}
	w.ok(thief.named(false).Post("/logout", `{"scope":"browser"}`))
	w.allAct([]*personTab{alice, bob})
}

// TestAccounts_CopiedCookiesTellNoNames checks that names need a key of the browser's.
func TestAccounts_CopiedCookiesTellNoNames(t *testing.T) {
	w, alice, _ := two(t)
	for _, thief := range []*httpbrowser.Browser{alice.Copy(), alice.Copy().On(httpbrowser.NewDevice(t))} {
		answer := thief.Post("/token", `{}`)
		w.wants(answer, http.StatusBadRequest, api.AccountRequired)
		if strings.Contains(answer.Body, `"ALICE"`) || strings.Contains(answer.Body, `"BOB"`) {
			t.Errorf("%s", answer.Body)
		}
	}
	if answer := alice.Post("/token", `{}`); !strings.Contains(answer.Body, `"BOB"`) {
		t.Errorf("%s", answer.Body)
	}
}

// TestSignOut_CopiedJarSignsNobodyOut: in an app for one person, a session of one's own in a
// copied jar ends no session with a device key.
func TestSignOut_CopiedJarSignsNobodyOut(t *testing.T) {
	w := newBackend(t, nil)
	alice := w.keyed("alice")
	w.mint(alice, "acme")
	thief := alice.Copy().On(httpbrowser.NewDevice(t))
	thief.SignIn("bob")
	w.ok(thief.Post("/logout", `{"scope":"browser"}`))
	w.mint(alice, "acme")
}
