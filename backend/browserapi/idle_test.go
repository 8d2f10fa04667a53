package browserapi_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

// idleBackend returns a backend in which acme's idle timeout is ten minutes and alice has
// entered it.
func idleBackend(t *testing.T) (*backend, *httpbrowser.Browser) {
	w := newBackend(t, nil)
	w.rule(map[string]policy.Rules{"acme": {IdleTimeout: 600}})
	b := w.signedIn("alice")
	w.mint(b, "acme")
	return w, b
}

// report renews acme's token and reports the time since the user's last input.
func report(b *httpbrowser.Browser, idle time.Duration) httpbrowser.Response {
	return b.Post("/token", fmt.Sprintf(`{"organization":"acme","idle_seconds":%d}`, int64(idle.Seconds())))
}

// endedFor fails the test unless the answer says that acme's organization session ended
// for this reason.
func (w *answers) endedFor(answer httpbrowser.Response, why policy.EndReason) {
	w.Helper()
	w.wants(answer, http.StatusUnauthorized, api.OrganizationSessionExpired)
	var e api.Error
	answer.JSON(w, &e)
	if e.Reason != string(why) {
		w.Errorf("it ended for %q, want %q", e.Reason, why)
	}
}

func TestIdle_BackgroundRenewalDoesNotExtend(t *testing.T) {
	for name, renew := range map[string]func(*httpbrowser.Browser, time.Duration) httpbrowser.Response{
		"reporting nothing":          func(b *httpbrowser.Browser, _ time.Duration) httpbrowser.Response { return b.Post("/token", renews) },
		"reporting a growing number": report,
	} {
		t.Run(name, func(t *testing.T) {
			w, b := idleBackend(t)
			for idle := time.Minute; idle <= 10*time.Minute; idle += time.Minute {
				w.Pass(time.Minute)
				if got := renew(b, idle); got.Status != http.StatusOK {
					t.Fatalf("after %v: %d %s", idle, got.Status, got.Body)
				}
			}
			w.Pass(time.Second)
			w.endedFor(renew(b, 10*time.Minute+time.Second), policy.Idle)
			w.mint(b, "globex")
		})
	}
}

func TestIdle_ActivityExtends(t *testing.T) {
	w, b := idleBackend(t)
	for range 5 {
		w.Pass(9 * time.Minute)
		if got := report(b, time.Minute); got.Status != http.StatusOK {
			t.Fatalf("%d %s", got.Status, got.Body)
		}
	}
	w.Pass(9*time.Minute + time.Second)
	w.endedFor(report(b, 9*time.Minute), policy.Idle)
}

func TestIdle_ReportAfterDeadline(t *testing.T) {
	for _, idle := range []time.Duration{0, time.Minute, 5 * time.Minute} { // the last one would have been in time
		w, b := idleBackend(t)
		w.Pass(11 * time.Minute)
		w.endedFor(report(b, idle), policy.Idle)
		w.endedFor(b.Post("/token", renews), policy.Idle)
	}
}

func TestIdle_ActivityCountsForItsOrganization(t *testing.T) {
	w, b := idleBackend(t)
	w.rule(map[string]policy.Rules{"acme": {IdleTimeout: 600}, "globex": {IdleTimeout: 600}})
	sibling := b.Tab()
	w.mint(sibling, "globex")
	w.Pass(9 * time.Minute)
	sibling.Post("/token", `{"organization":"globex","idle_seconds":0}`)
	w.Pass(2 * time.Minute)
	w.endedFor(b.Post("/token", renews), policy.Idle)

	w, b = idleBackend(t)
	sibling = b.Tab()
	w.Pass(9 * time.Minute)
	report(sibling, 0)
	w.Pass(2 * time.Minute)
	if got := b.Post("/token", renews); got.Status != http.StatusOK {
		t.Errorf("a sibling tab's activity did not count: %d %s", got.Status, got.Body)
	}
}

func TestIdle_NegativeReportRefused(t *testing.T) {
	w, b := idleBackend(t)
	w.wants(b.Post("/token", `{"organization":"acme","idle_seconds":-1}`), http.StatusBadRequest, api.InvalidRequest)
	if got := b.Post("/token", `{"organization":"acme","idle_seconds":9223372036854775807}`); got.Status != http.StatusOK {
		t.Errorf("idle for ever: %d %s", got.Status, got.Body)
	}
}

// TestIdle_StepUpReturns checks that an idle user needs one step-up to return.
func TestIdle_StepUpReturns(t *testing.T) {
	w, b := idleBackend(t)
	w.Pass(11 * time.Minute)
	if got := stateOf(w, b, "acme"); got != api.StateExpired {
		t.Errorf("the state is %s", got)
	}
	e := w.challenged(b.Post("/token", enters))
	if e.Reason != string(policy.Idle) || e.MaxAge == nil || *e.MaxAge >= 60 {
		t.Errorf("the challenge is %+v", e)
	}
	w.wants(b.Post("/token", renews), http.StatusUnauthorized, api.OrganizationSessionExpired)
	w.stepUp(b, e, "alice")
	w.wants(b.Post("/token", renews), http.StatusUnauthorized, api.OrganizationSessionExpired)
	if got := stateOf(w, b, "acme"); got != api.StateAvailable {
		t.Errorf("after the step-up the state is %s", got)
	}
	if claims := w.claims(w.mint(b, "acme")); claims.AuthTime != w.Now().Unix() {
		t.Errorf("auth_time %d, want now, %d", claims.AuthTime, w.Now().Unix())
	}
}

func stateOf(w *backend, b *httpbrowser.Browser, slug string) string {
	w.Helper()
	var session api.SessionResponse
	b.Get("/session").JSON(w, &session)
	for _, o := range session.Organizations {
		if o.Slug == slug {
			return o.State
		}
	}
	return "not there"
}

func TestSession_StateOfOrganizations(t *testing.T) {
	w := newBackend(t, nil)
	rules := map[string]policy.Rules{"acme": {OrganizationSessionAge: 600}, "globex": mfa}
	w.rule(rules)
	b := w.signedIn("alice")
	states := func(acme, globex, initech string) {
		t.Helper()
		for slug, want := range map[string]string{"acme": acme, "globex": globex, "initech": initech} {
			if got := stateOf(w, b, slug); got != want {
				t.Errorf("%s is %s, want %s", slug, got, want)
			}
		}
	}
	states(api.StateAvailable, api.StateStepUpRequired, api.StateAvailable)
	w.mint(b, "acme")
	w.mint(b, "initech")
	states(api.StateActive, api.StateStepUpRequired, api.StateActive)
	b.Post("/logout", `{"scope":"organization","organization":"initech"}`)
	states(api.StateActive, api.StateStepUpRequired, api.StateAvailable)
	answersWith(w, "mfa")
	w.stepUp(b, w.challenged(b.Post("/token", `{"organization":"globex","enter":true}`)), "alice")
	states(api.StateActive, api.StateAvailable, api.StateAvailable)
	w.Pass(601 * time.Second)
	states(api.StateExpired, api.StateAvailable, api.StateAvailable)
	w.endedFor(b.Post("/token", renews), policy.Expired)
	rules[""] = policy.Rules{DeviceKey: true}
	w.rule(rules)
	states(api.StateExpired, api.StateStepUpRequired, api.StateStepUpRequired)
	demanded := b.Post("/token", `{"organization":"initech","enter":true}`)
	w.wants(demanded, http.StatusUnauthorized, api.DeviceKeyRequired)
	var e api.Error
	if demanded.JSON(t, &e); e.Reason != api.ReasonPolicy {
		t.Errorf("the reason is %q, not that the organization demands a key", e.Reason)
	}
}

func TestIdle_DeadlinesInAnswer(t *testing.T) {
	w := newBackend(t, nil)
	w.rule(map[string]policy.Rules{
		"":     {OrganizationSessionAge: 3600},
		"acme": {IdleTimeout: 900, AuthenticationAge: 1800, FreshOnSwitch: true},
	})
	b := w.signedIn("alice")
	signedInAt := w.Now().Unix()
	w.Pass(time.Minute)
	w.mint(b, "acme")
	w.Pass(time.Minute)
	var got api.TokenResponse
	report(b, 10*time.Second).JSON(t, &got)
	if want := (api.OrganizationSession{AuthTime: signedInAt, ExpiresIn: 1680, IdleExpiresIn: 840, IdleTimeout: 900, FreshOnSwitch: true}); got.OrganizationSession != want {
		t.Errorf("acme: %+v, want %+v", got.OrganizationSession, want)
	}
	w.Pass(time.Minute)
	report(b, 0).JSON(t, &got)
	if got.OrganizationSession.IdleExpiresIn != 900 {
		t.Errorf("after activity it idles out in %d s", got.OrganizationSession.IdleExpiresIn)
	}
	if globex := w.mint(b, "globex").OrganizationSession; globex != (api.OrganizationSession{AuthTime: signedInAt, ExpiresIn: 3600}) {
		t.Errorf("globex: %+v", globex)
	}
	w.Pass(14*time.Minute + 59*time.Second)
	b.Post("/token", renews).JSON(t, &got)
	if got.ExpiresIn != 1 || got.OrganizationSession.IdleExpiresIn != 1 {
		t.Errorf("in its last second a token lives %d s, idling out in %d", got.ExpiresIn, got.OrganizationSession.IdleExpiresIn)
	}
}
