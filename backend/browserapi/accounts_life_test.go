package browserapi_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

// TestAccounts_BackToOne checks that a change of the setting ends nobody before the next
// sign-in.
func TestAccounts_BackToOne(t *testing.T) {
	w, alice, bob := two(t)
	w.Apply(desired())
	w.allAct([]*personTab{alice, bob, alice})
	w.ok(bob.Post("/token", `{"organization":"acme"}`)) // the newest, as before
	w.ok(alice.Post("/token", `{"organization":"acme","user":"`+alice.user+`"}`))
	w.allAct([]*personTab{alice, bob})
	w.Pass(2 * time.Second)
	other := bob.On(httpbrowser.NewDevice(t))
	other.SignIn("zoe")
	if other.Post("/token", `{}`); len(sessionCookies(other)) != 1 || alice.acts(w) || bob.acts(w) {
		t.Errorf("%v", sessionCookies(other))
	}
}

// TestAccounts_StepUp checks that the step-up of a session without a device key, which
// begins another session, ends no other person's, and that of a person who is gone is a
// sign-in beside the others.
func TestAccounts_StepUp(t *testing.T) {
	w := newBackendWith(t, several(), nil)
	b := w.signedIn("alice")
	var session api.SessionResponse
	w.ok(b.Get("/session")).JSON(t, &session)
	alice := w.tabOf(b, session.User.ID)
	bob := w.add(b, "bob")
	w.Pass(2 * time.Second)
	stepUp := func(person string) httpbrowser.Response {
		page := b.Confirm(b.BeginByScript(publicURL+"/login?organization=acme&max_age=0&user="+alice.user), person, "otp")
		return b.Confirm(page, person, "otp") // where the provider asks once more
	}
	if landed := stepUp("alice"); landed.URL.Query().Has(api.ParamError) {
		t.Fatal(landed.URL)
	}
	renewed := w.tabOf(b, alice.user)
	if renewed.session == alice.session || !renewed.acts(w) || !bob.acts(w) {
		t.Errorf("%v", sessionCookies(b))
	}
	w.ok(renewed.named(true).Post("/logout", `{"scope":"session"}`))
	w.Pass(2 * time.Second)
	if landed := stepUp("zoe"); landed.URL.Query().Get(api.ParamError) != string(api.AccountMismatch) {
		t.Errorf("%s", landed.URL)
	}
	if landed := stepUp("alice"); landed.URL.Query().Get(api.ParamSignedIn) != alice.user {
		t.Errorf("%s", landed.URL)
	}
	w.allAct([]*personTab{w.tabOf(b, alice.user), bob})
}

// TestAccounts_MarkSparesReads checks that a mint that names its session costs what one
// costs where one person is signed in.
func TestAccounts_MarkSparesReads(t *testing.T) {
	count := func(w *backend, tab *personTab) []string {
		faulty := w.Failing()
		w.ok(tab.named(true).Post("/token", `{"organization":"acme","user":"`+tab.user+`"}`)) // fills caches
		faulty.Fail(0, false)
		w.ok(tab.named(true).Post("/token", `{"organization":"acme","user":"`+tab.user+`"}`))
		return faulty.Calls()
	}
	one := newBackend(t, nil)
	want := count(one, one.first("alice"))
	w, alice, bob := two(t)
	for _, tab := range []*personTab{alice, bob} {
		if got := count(w, tab); !slices.Equal(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
	}
}

// TestAccounts_Preflight checks that pages of sibling hosts may name their person.
func TestAccounts_Preflight(t *testing.T) {
	w := newBackendWith(t, several(), nil)
	for site, want := range map[string]bool{origin: true, sibling: false} {
		answer := w.Browser(site).Fetch(http.MethodOptions, "/token", "")
		if got := strings.Contains(answer.Header.Get("Access-Control-Allow-Headers"), api.HeaderAccount); got != want {
			t.Errorf("%s: %v", site, answer.Header)
		}
	}
}

// TestP11_Accounts_SignInAgainAsksWhom checks that a person signs in again although the
// provider's session is another's: the provider is asked once more, to let them choose.
func TestP11_Accounts_SignInAgainAsksWhom(t *testing.T) {
	for person, want := range map[string]bool{"alice": true, "bob": false} {
		w, alice, bob := two(t)
		w.Pass(2 * time.Second)
		begun := alice.BeginByScript(publicURL + "/login?account=" + alice.user)
		if begun.URL.Query().Has(api.ParamPrompt) {
			t.Errorf("asks at once: %s", begun.URL)
		}
		asked := alice.Step(publicURL + "/callback?" + w.Provider.SignIn(begun.URL.String(), "bob").Encode())
		to, err := asked.URL.Parse(asked.Header.Get("Location"))
		if err != nil || to.Query().Get("prompt") != "select_account" {
			t.Fatalf("%d %s", asked.Status, to)
		}
		landed := alice.Follow(publicURL + "/callback?" + w.Provider.SignIn(to.String(), person).Encode())
		if got := landed.URL.Query(); (got.Get(api.ParamSignedIn) == alice.user) != want || (got.Get(api.ParamError) == string(api.AccountMismatch)) == want {
			t.Errorf("%s: %s", person, landed.URL)
		}
		w.allAct([]*personTab{w.tabOf(alice.Browser, alice.user), bob})
	}
}
