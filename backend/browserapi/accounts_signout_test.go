package browserapi_test

import (
	"net/http"
	"strings"
	"testing"

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
	answer := w.ok(alice.named(true).Post("/logout", `{"scope":"browser"}`))
	if answer.JSON(t, &out); len(out.Users) != 2 || out.EndSessionURL == "" || len(sessionCookies(bob.Browser)) != 0 {
		t.Errorf("%s %v", answer.Body, sessionCookies(bob.Browser))
	}
	w.wants((&personTab{thief, bob.user, bob.session}).named(true).Post("/token", `{"organization":"acme"}`), http.StatusUnauthorized, api.SessionRevoked)
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
