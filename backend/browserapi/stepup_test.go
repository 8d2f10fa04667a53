package browserapi_test

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/backend/token"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

// rule sets the rules of organizations by slug. "" is the workspace.
func (w *stored) rule(rules map[string]policy.Rules) {
	w.Helper()
	w.Apply(ruled(rules))
}

func ruled(rules map[string]policy.Rules) directory.Desired {
	d := desired()
	d.Workspace.Policy = rules[""]
	for i := range d.Organizations {
		d.Organizations[i].Rules = rules[d.Organizations[i].Slug]
	}
	return d
}

var (
	mfa    = policy.Rules{ACR: []string{"mfa"}}
	enters = `{"organization":"acme","enter":true}`
	renews = `{"organization":"acme"}`
)

// answersWith makes the provider authenticate all users with this class.
func answersWith(w *backend, acr string) {
	w.Provider.Claims = func(claims map[string]any) {
		claims["acr"] = acr
		if acr == "mfa" {
			claims["amr"] = []string{"pwd", "otp"}
		}
	}
}

// challenged returns the error of an answer that requires a step-up.
func (w *answers) challenged(answer httpbrowser.Response) api.Error {
	w.Helper()
	w.wants(answer, http.StatusUnauthorized, api.InsufficientUserAuthentication)
	var e api.Error
	answer.JSON(w, &e)
	return e
}

// stepUp follows a challenge to the provider and back.
func (w *answers) stepUp(b *httpbrowser.Browser, e api.Error, person string) httpbrowser.Response {
	w.Helper()
	return b.Choose(b.Begin(e.LoginURL+"&return_to="+url.QueryEscape("/notes?a=1")), person)
}

// claims returns the verified claims of a minted token.
func (w *backend) claims(minted api.TokenResponse) *token.Claims {
	w.Helper()
	client := &http.Client{Transport: w.Hosts}
	verifier, err := token.NewVerifier(token.Config{
		Issuer: publicURL, Audience: origin + "/api", Now: w.Now,
		Keys: token.NewKeySet(publicURL+"/.well-known/jwks.json", client), Organizations: token.NewKeySets(publicURL, client),
	})
	if err != nil {
		w.Fatal(err)
	}
	claims, err := verifier.Verify(w.Context(), minted.AccessToken)
	if err != nil {
		w.Fatal(err)
	}
	return claims
}

func TestStepUp_OrganizationThatAsked(t *testing.T) {
	w := newBackend(t, nil)
	w.rule(map[string]policy.Rules{"acme": mfa})
	b := w.signedIn("alice")
	name, before := w.theSession(b)
	globex := w.claims(w.mint(b, "globex"))
	w.Pass(time.Minute)

	answer := b.Post("/token", enters)
	e := w.challenged(answer)
	if got, want := answer.Header.Get("WWW-Authenticate"), `Bearer error="insufficient_user_authentication", acr_values="mfa"`; got != want {
		t.Errorf("the challenge is %s, want %s", got, want)
	}
	address, err := url.Parse(e.LoginURL)
	if err != nil {
		t.Fatal(err)
	}
	for parameter, want := range map[string]string{"organization": "org_acme", "user": globex.Subject, "acr_values": "mfa", "app": "web"} {
		if got := address.Query().Get(parameter); got != want {
			t.Errorf("%s is %q, want %q", parameter, got, want)
		}
	}
	answersWith(w, "mfa")
	landed := w.stepUp(b, e, "alice")
	if got := landed.URL.String(); got != origin+"/notes?a=1" {
		t.Errorf("landed on %s", got)
	}
	if all := sessionCookies(b); all[name] != before || len(all) != 2 {
		t.Errorf("the step-up left the cookies %v, want %s as it was, and a new one", all, name)
	}

	acme := w.claims(w.mint(b, "acme"))
	if acme.ACR != "mfa" || acme.AuthTime != w.Now().Unix() || acme.SessionID == globex.SessionID || strings.Join(acme.AMR, " ") != "pwd otp" {
		t.Errorf("acme's token: %+v", acme)
	}
	if again := w.claims(w.mint(b, "globex")); again.ACR != "1" || again.AuthTime != globex.AuthTime {
		t.Errorf("globex's token: acr %s, auth_time %d, want 1, %d", again.ACR, again.AuthTime, globex.AuthTime)
	}
}

// TestStepUp_RequestedByAPI follows RFC 9470 for an organization whose rules are
// already satisfied.
func TestStepUp_RequestedByAPI(t *testing.T) {
	w := newBackend(t, nil)
	b := w.signedIn("alice")
	first := w.claims(w.mint(b, "acme"))
	w.Pass(time.Hour)
	if again := w.claims(w.mint(b, "acme")); again.AuthTime != first.AuthTime {
		t.Fatal("minting freshened auth_time")
	}
	b.Choose(b.Login("organization=acme&max_age=0&user="+first.Subject), "alice")
	if raised := w.claims(w.mint(b, "acme")); raised.AuthTime != w.Now().Unix() || raised.SessionID == first.SessionID {
		t.Errorf("auth_time %d, want now, %d", raised.AuthTime, w.Now().Unix())
	}
}

func TestStepUp_JudgedByIdentityToken(t *testing.T) {
	for name, test := range map[string]struct {
		edit func(w *backend, loginURL string) string
		lie  func(claims map[string]any)
		// person is the user who answers, alice by default.
		person string
		code   string // the returned code; "" if the session merely gains nothing
	}{
		"the provider answers with less": {
			lie:  func(claims map[string]any) { claims["acr"] = "1" },
			code: "unmet_authentication_requirements",
		},
		"the link asks for less": {
			edit: func(_ *backend, u string) string { return strings.Replace(u, "acr_values=mfa&", "", 1) },
			lie:  func(claims map[string]any) { claims["acr"] = "1" },
		},
		"the authentication is old": {
			edit: func(_ *backend, u string) string { return u + "&max_age=10" },
			lie: func(claims map[string]any) {
				claims["acr"], claims["auth_time"] = "mfa", claims["auth_time"].(int64)-100
			},
			code: "authentication_not_renewed",
		},
		"somebody else answers": {
			lie:    func(claims map[string]any) { claims["acr"] = "mfa" },
			person: "bob",
			code:   string(api.IdentityChanged),
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newBackend(t, nil)
			w.rule(map[string]policy.Rules{"acme": mfa})
			b := w.signedIn("alice")
			e := w.challenged(b.Post("/token", enters))
			if test.edit != nil {
				e.LoginURL = test.edit(w, e.LoginURL)
			}
			w.Provider.Claims = test.lie
			before := b.Cookies()
			landed := w.stepUp(b, e, cmp.Or(test.person, "alice"))
			if got := landed.URL.Query().Get(api.ParamError); got != test.code || landed.URL.Query().Get("a") != "1" {
				t.Errorf("it came back to %s, want tabard_error %q", landed.URL, test.code)
			}
			after := b.Cookies()
			if test.code == "" { // the authentication is stored in a new session, although it is too weak
				maps.DeleteFunc(after, func(name, _ string) bool { return before[name] == "" })
			}
			if fmt.Sprint(after) != fmt.Sprint(before) {
				t.Errorf("cookies %v, before %v", b.Cookies(), before)
			}
			w.challenged(b.Post("/token", enters))
			w.mint(b, "globex")
		})
	}
}

// TestStepUp_ConcurrentChanges covers an ended session and a removed member.
func TestStepUp_ConcurrentChanges(t *testing.T) {
	for name, test := range map[string]struct {
		happen func(w *backend, b *httpbrowser.Browser)
		code   api.Code
	}{
		"signed out":         {func(_ *backend, b *httpbrowser.Browser) { b.Post("/logout", `{"scope":"session"}`) }, api.SessionRevoked},
		"the session's end":  {func(w *backend, _ *httpbrowser.Browser) { w.Pass(5 * time.Minute) }, api.SessionExpired},
		"left":               {func(w *backend, _ *httpbrowser.Browser) { w.remove("alice") }, api.OrganizationAccessDenied},
		"the person's block": {func(w *backend, _ *httpbrowser.Browser) { w.disable("alice") }, api.SessionRevoked},
	} {
		t.Run(name, func(t *testing.T) {
			w := newBackend(t, nil)
			w.rule(map[string]policy.Rules{"": {SessionAge: 240}, "acme": mfa})
			b := w.signedIn("alice")
			e := w.challenged(b.Post("/token", enters))
			page := b.Follow(e.LoginURL)
			test.happen(w, b)
			answersWith(w, "mfa")
			landed := b.Choose(page, "alice")
			if got := landed.URL.Query().Get(api.ParamError); got != string(test.code) {
				t.Errorf("it came back to %s, want %s", landed.URL, test.code)
			}
			if got := b.Post("/token", enters); got.Status == http.StatusOK {
				t.Error("the step-up gave a token")
			}
		})
	}
}

func TestStepUp_CountsOnce(t *testing.T) {
	w := newBackend(t, nil)
	w.rule(map[string]policy.Rules{"acme": mfa})
	b := w.signedIn("alice")
	e := w.challenged(b.Post("/token", enters))
	page := b.Follow(e.LoginURL)
	kept := b.Copy()
	answersWith(w, "mfa")
	b.Choose(page, "alice")
	first := w.claims(w.mint(b, "acme")).AuthTime

	w.Pass(time.Minute)
	for _, browser := range []*httpbrowser.Browser{b, kept} {
		if landed := browser.Choose(page, "alice").URL.String(); landed != origin+"/" {
			t.Errorf("the second use led to %s", landed)
		}
	}
	if again := w.claims(w.mint(b, "acme")).AuthTime; again != first {
		t.Errorf("auth_time moved from %d to %d", first, again)
	}
}

// TestStepUp_OwnLiveSessionOnly checks that the session's cookie is required.
func TestStepUp_OwnLiveSessionOnly(t *testing.T) {
	w := newBackend(t, nil)
	w.rule(map[string]policy.Rules{"acme": mfa})
	alice := w.signedIn("alice")
	e := w.challenged(alice.Post("/token", enters))

	t.Run("another person's", func(t *testing.T) {
		bob := w.inSubtest(t).signedIn("bob")
		if got := bob.Follow(e.LoginURL + "&return_to=/").URL.Query().Get(api.ParamError); got != string(api.IdentityChanged) {
			t.Errorf("bob came back with %q", got)
		}
	})
	for name, browser := range map[string]func(w *backend) *httpbrowser.Browser{
		"none": func(w *backend) *httpbrowser.Browser { return w.browser() },
		"a forged one": func(w *backend) *httpbrowser.Browser {
			b := w.browser()
			cookie, value := w.theSession(alice)
			b.SetCookie(cookie, tampered(value))
			return b
		},
		"one that ended": func(w *backend) *httpbrowser.Browser {
			b := w.signedIn("alice")
			kept := b.Copy()
			b.Post("/logout", `{"scope":"session"}`)
			return kept
		},
		"one that a foreign page leads to": func(w *backend) *httpbrowser.Browser {
			b := alice.Copy()
			b.Open("http://127.0.0.1:8081/.well-known/openid-configuration")
			return b
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := w.inSubtest(t)
			b := browser(w)
			old := sessionCookies(b)
			landed := w.stepUp(b, e, "alice")
			if on, asked := linksOf(landed)["Continue to sign in"]; asked {
				b.Choose(b.Follow(on), "alice")
			}
			var made bool
			for cookie := range sessionCookies(b) {
				made = made || old[cookie] == ""
			}
			if !made {
				t.Error("it is no sign-in of its own")
			}
			w.challenged(alice.Post("/token", enters))
		})
	}
}

func TestStepUp_SignInForOrganization(t *testing.T) {
	w := newBackend(t, nil)
	w.rule(map[string]policy.Rules{"acme": {Isolated: true}})
	b := w.signedIn("alice")
	e := w.challenged(b.Post("/token", enters))
	if !strings.Contains(e.LoginURL, "prompt=login") || e.MaxAge == nil || *e.MaxAge != 0 {
		t.Errorf("the challenge is %+v", e)
	}
	w.stepUp(b, e, "alice")
	w.mint(b, "acme")

	direct := w.browser()
	direct.Choose(direct.Login("organization=acme"), "alice")
	w.mint(direct, "acme")

	carried := w.browser() // the provider answers from its own session
	w.Provider.Claims = func(claims map[string]any) {
		claims["auth_time"] = claims["auth_time"].(int64) - login.AttemptLife
	}
	carried.Choose(carried.Login("organization=acme"), "alice")
	w.challenged(carried.Post("/token", enters))
	w.mint(carried, "globex")
}

// TestStepUp_SignInIsNotAudited checks that a sign-in for an organization, which steps
// up its organization session, is only recorded as a sign-in.
func TestStepUp_SignInIsNotAudited(t *testing.T) {
	w := newBackend(t, nil)
	b := w.browser()
	b.Choose(b.Begin(publicURL+"/login?organization=acme"), "alice")
	w.mint(b, "acme")
	if signIns, stepUps := w.events(audit.SignIn), w.events(audit.StepUp); len(signIns) != 1 || len(stepUps) != 0 {
		t.Errorf("%+v, %+v", signIns, stepUps)
	}
}
