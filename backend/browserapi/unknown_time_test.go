package browserapi_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/jws"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
	"github.com/tabard-auth/tabard/web-demo/idp/logintest"
)

// withoutAuthTime makes the provider omit auth_time from identity tokens. Userinfo has it.
func withoutAuthTime(p *logintest.Provider) {
	p.Claims = func(claims map[string]any) { delete(claims, "auth_time"); delete(claims, "name") }
	p.UserInfo = func(claims map[string]any) { claims["auth_time"] = p.Now().Unix() }
}

// TestP11AProviderThatSaysNoTimeSignsPeopleInAsEver checks this without a rule about
// age.
func TestP11AProviderThatSaysNoTimeSignsPeopleInAsEver(t *testing.T) {
	w := newBackend(t, nil)
	w.rule(map[string]policy.Rules{"acme": {ACR: []string{"1"}, AMR: []string{"pwd"}}, "globex": {IdleTimeout: 900, OrganizationSessionAge: 7200}})
	withoutAuthTime(w.Provider)
	b := w.signedIn("alice")
	for range 3 {
		for _, slug := range []string{"acme", "globex", "initech"} {
			minted := w.mint(b, slug)
			message, err := jws.Parse(minted.AccessToken, 8<<10)
			if err != nil || message.Claims.Value("auth_time") != nil || minted.OrganizationSession.AuthTime != 0 {
				t.Errorf("%s: auth_time is %s, %d; %v", slug, message.Claims.Value("auth_time"), minted.OrganizationSession.AuthTime, err)
			}
			w.claims(minted)
		}
		w.Pass(time.Minute)
	}
	for slug, state := range w.states(b) {
		if state != api.StateActive {
			t.Errorf("%s is %s", slug, state)
		}
	}
}

// states returns the states of the organizations in GET /session, by slug.
func (w *answers) states(b *httpbrowser.Browser) map[string]string {
	w.Helper()
	var shown api.SessionResponse
	b.Get("/session").JSON(w, &shown)
	states := map[string]string{}
	for _, o := range shown.Organizations {
		states[o.Slug] = o.State
	}
	return states
}

// TestUnknownTime_FailsRulesAboutAge checks that each attempt ends with a refusal that
// names the missing claim. Other organizations are not affected.
func TestUnknownTime_FailsRulesAboutAge(t *testing.T) {
	for name, rules := range map[string]policy.Rules{
		"an age":                  {AuthenticationAge: 300},
		"an age of sixty years":   {AuthenticationAge: 60 * 365 * 24 * 3600},
		"a login of its own":      {Isolated: true},
		"a method of this moment": {AuthenticationAge: 300, AMR: []string{"pwd"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newBackend(t, nil)
			w.rule(map[string]policy.Rules{"acme": rules})
			withoutAuthTime(w.Provider)
			b := w.signedIn("alice")
			for range 2 {
				e := w.challenged(b.Post("/token", enters))
				if e.MaxAge == nil {
					t.Fatal("the challenge asks for no age")
				}
				if landed := w.stepUp(b, e, "alice"); refusedWith(landed) != "auth_time_missing" {
					t.Errorf("the step-up came back to %s", landed.URL)
				}
			}
			if state := w.states(b)["acme"]; state != api.StateStepUpRequired {
				t.Errorf("acme is %s", state)
			}
			w.mint(b, "globex")

			direct := w.browser()
			direct.Choose(direct.Login("organization=acme"), "alice")
			w.challenged(direct.Post("/token", enters))
		})
	}
}

// TestUnknownTime_MaxAgeRequested checks that max_age is requested (OpenID Connect Core
// section 2), so that a workspace with a rule about age needs no step-up after a
// sign-in.
func TestUnknownTime_MaxAgeRequested(t *testing.T) {
	for _, where := range []string{"", "acme"} {
		w := newBackend(t, nil)
		w.rule(map[string]policy.Rules{where: {AuthenticationAge: 300}})
		b := w.browser()
		page := b.Login("")
		asked := page.URL.Query().Get("max_age")
		w.Provider.Claims = func(claims map[string]any) {
			if asked == "" {
				delete(claims, "auth_time")
			}
		}
		b.Choose(page, "alice")
		if where == "" {
			if asked != "300" {
				t.Errorf("the sign-in asks for max_age %q", asked)
			}
			w.mint(b, "acme")
			continue
		}
		e := w.challenged(b.Post("/token", enters))
		asked = "300"
		w.stepUp(b, e, "alice")
		w.mint(b, "acme")
	}
	w := newBackend(t, nil)
	w.rule(map[string]policy.Rules{"": {AuthenticationAge: 300}})
	withoutAuthTime(w.Provider)
	w.signedIn("alice") // sign-ins need no auth_time
	if got := w.browser().Login("prompt=none").URL.Query().Get("max_age"); got != "" {
		t.Errorf("a sign-in without a word asks for max_age %s", got)
	}
}

// TestUnknownTime_LapsedOrganizationSession checks that only a later authentication, or
// a new session, enters the organization again.
func TestUnknownTime_LapsedOrganizationSession(t *testing.T) {
	w := newBackend(t, nil)
	w.rule(map[string]policy.Rules{"acme": {IdleTimeout: 900}})
	withoutAuthTime(w.Provider)
	b := w.signedIn("alice")
	w.mint(b, "acme")
	w.Pass(time.Hour)
	w.wants(b.Post("/token", renews), http.StatusUnauthorized, api.OrganizationSessionExpired)
	if landed := w.stepUp(b, w.challenged(b.Post("/token", enters)), "alice"); refusedWith(landed) != "auth_time_missing" {
		t.Errorf("the step-up came back to %s", landed.URL)
	}
	w.signIn(b, "alice")
	w.mint(b, "acme")
}

// TestUnknownTime_UserInfoDoesNotCount checks that an auth_time of userinfo does not
// satisfy a rule.
func TestUnknownTime_UserInfoDoesNotCount(t *testing.T) {
	w := newBackend(t, nil)
	w.rule(map[string]policy.Rules{"acme": {Isolated: true}, "globex": {ACR: []string{"urn:mfa"}}})
	w.Provider.Claims = func(claims map[string]any) {
		delete(claims, "auth_time")
		delete(claims, "acr")
		delete(claims, "name") // so that userinfo is requested
		claims["ACR"] = "urn:mfa"
	}
	w.Provider.UserInfo = func(claims map[string]any) { claims["auth_time"], claims["acr"] = w.Now().Unix()-86_400, "urn:mfa" }
	b := w.browser()
	b.Choose(b.Login("organization=acme"), "alice")
	w.challenged(b.Post("/token", enters))
	w.challenged(b.Post("/token", `{"organization":"globex","enter":true}`))
	e := w.challenged(b.Post("/token", `{"organization":"globex","enter":true}`))
	if landed := w.stepUp(b, e, "alice"); refusedWith(landed) != "unmet_authentication_requirements" {
		t.Errorf("the step-up came back to %s", landed.URL)
	}
	w.mint(b, "initech")
}

// TestUnknownTime_PreviousRelease checks sessions of the previous release, which stored
// a time.
func TestUnknownTime_PreviousRelease(t *testing.T) {
	w := newBackend(t, nil)
	w.rule(map[string]policy.Rules{"acme": {AuthenticationAge: 3600}})
	b := w.signedIn("alice")
	at := w.Now().Unix()
	withoutAuthTime(w.Provider)
	w.Pass(time.Minute)
	if claims := w.claims(w.mint(b, "acme")); claims.AuthTime != at {
		t.Errorf("auth_time is %d", claims.AuthTime)
	}
}

// TestUnknownTime_Connection checks that such a provider still opens its organization.
func TestUnknownTime_Connection(t *testing.T) {
	w := newBackend(t, nil)
	withoutAuthTime(w.connect("acme", directory.Provisioning{JustInTime: true}))
	w.rule(requireConnections("acme"))
	w.mint(w.begin("acme", "zoe"), "acme")
}
