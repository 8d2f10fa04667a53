package browserapi_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

// stepUpRequired returns a backend in which acme requires a step-up, a signed-in browser
// without a device key, and the challenge.
func stepUpRequired(t *testing.T) (*backend, *httpbrowser.Browser, api.Error) {
	w := newBackend(t, nil)
	w.rule(map[string]policy.Rules{"acme": mfa, "initech": mfa})
	b := w.signedIn("alice")
	w.mint(b, "globex")
	w.Pass(time.Minute)
	e := w.challenged(b.Post("/token", enters))
	answersWith(w, "mfa")
	return w, b, e
}

func TestStepUp_CopiedCookie(t *testing.T) {
	w, b, e := stepUpRequired(t)
	thief := b.Copy()
	w.stepUp(b, e, "alice")
	w.challenged(thief.Post("/token", enters)) // before the first use of the new cookie
	raised := w.claims(w.mint(b, "acme"))
	if raised.ACR != "mfa" || raised.AuthTime != w.Now().Unix() {
		t.Errorf("acme's token: %+v", raised)
	}
	w.wants(thief.Copy().Post("/token", enters), http.StatusUnauthorized, api.SessionRevoked)
	w.wants(thief.Post("/token", `{"organization":"globex"}`), http.StatusUnauthorized, api.SessionRevoked)
	w.mint(b, "acme")
}

// TestStepUp_NewSessionTakesOver checks that the new session keeps the organization
// sessions, their idle times and sign-outs, and the absolute end.
func TestStepUp_NewSessionTakesOver(t *testing.T) {
	w := newBackend(t, nil)
	w.rule(map[string]policy.Rules{"acme": mfa, "globex": {IdleTimeout: 3600}})
	b := w.signedIn("alice")
	before := w.mint(b, "globex")
	w.mint(b, "initech")
	if got := b.Post("/logout", `{"scope":"organization","organization":"initech"}`); got.Status != http.StatusOK {
		t.Fatal(got.Body)
	}
	w.Pass(50 * time.Minute)
	answersWith(w, "mfa")
	w.stepUp(b, w.challenged(b.Post("/token", enters)), "alice")
	acme := w.mint(b, "acme")
	if acme.Session == before.Session || acme.User != before.User || acme.SessionExpiresIn != before.SessionExpiresIn-50*60 {
		t.Errorf("%+v after %+v", acme, before)
	}
	if len(sessionCookies(b)) != 1 {
		t.Errorf("the browser keeps %v", sessionCookies(b))
	}
	globex := b.Post("/token", `{"organization":"globex"}`)
	var minted api.TokenResponse
	globex.JSON(t, &minted)
	if claims := w.claims(minted); claims.ACR != "1" || minted.OrganizationSession.IdleExpiresIn != 600 {
		t.Errorf("globex began anew: %+v %+v", claims, minted)
	}
	w.wants(b.Post("/token", `{"organization":"initech"}`), http.StatusUnauthorized, api.OrganizationSessionExpired)
	w.Pass(11 * time.Minute)
	w.wants(b.Post("/token", `{"organization":"globex"}`), http.StatusUnauthorized, api.OrganizationSessionExpired)
}

// TestStepUp_AnswerLost checks that the old session continues if the callback's answer
// is lost, and that a second try succeeds.
func TestStepUp_AnswerLost(t *testing.T) {
	w, b, e := stepUpRequired(t)
	deaf := b.Copy()
	w.stepUp(deaf, e, "alice")
	w.mint(b, "globex")
	w.stepUp(b, w.challenged(b.Post("/token", enters)), "alice")
	w.mint(b, "acme")
	w.mint(b, "globex")
}

// TestStepUp_TwoAtOnce steps up in two tabs, in both orders. Both organizations keep
// their authentications.
func TestStepUp_TwoAtOnce(t *testing.T) {
	for name, between := range map[string]func(w *backend, b *httpbrowser.Browser){
		"both come back first":       func(*backend, *httpbrowser.Browser) {},
		"one goes on in between":     func(w *backend, b *httpbrowser.Browser) { w.mint(b, "acme") },
		"a third organization mints": func(w *backend, b *httpbrowser.Browser) { w.mint(b, "globex") },
	} {
		t.Run(name, func(t *testing.T) {
			w, b, e := stepUpRequired(t)
			other := b.Tab()
			second := w.challenged(b.Post("/token", `{"organization":"initech","enter":true}`))
			one, two := b.Begin(e.LoginURL), other.Begin(second.LoginURL)
			w.Pass(time.Second)
			b.Choose(one, "alice")
			between(w, b)
			w.Pass(time.Second)
			other.Choose(two, "alice")
			for _, organization := range []string{"initech", "acme", "globex"} {
				w.mint(b, organization)
			}
			if len(sessionCookies(b)) != 1 {
				t.Errorf("the browser keeps %v", sessionCookies(b))
			}
		})
	}
}

// TestStepUp_SignedOutIsOut checks that a sign-out of the old session, before or after
// the callback, also ends the new one.
func TestStepUp_SignedOutIsOut(t *testing.T) {
	out := `{"scope":"session"}`
	t.Run("before the callback", func(t *testing.T) {
		w, b, e := stepUpRequired(t)
		page := b.Begin(e.LoginURL)
		b.Post("/logout", out)
		b.Choose(page, "alice")
		if len(sessionCookies(b)) != 0 {
			t.Errorf("the browser keeps %v", sessionCookies(b))
		}
		w.wants(b.Post("/token", enters), http.StatusUnauthorized, api.LoginRequired)
	})
	t.Run("sent before, and heard after", func(t *testing.T) {
		w, b, e := stepUpRequired(t)
		late := b.Copy()
		w.stepUp(b, e, "alice")
		late.Post("/logout", out)
		w.wants(b.Post("/token", enters), http.StatusUnauthorized, api.SessionRevoked)
		if len(sessionCookies(b)) != 0 {
			t.Errorf("the browser keeps %v", sessionCookies(b))
		}
	})
	t.Run("after one of two, before the other's callback", func(t *testing.T) {
		w, b, e := stepUpRequired(t)
		second := w.challenged(b.Post("/token", `{"organization":"initech","enter":true}`))
		other := b.Tab()
		page := other.Begin(second.LoginURL)
		w.stepUp(b, e, "alice")
		w.mint(b, "acme")
		b.Post("/logout", out)
		other.Choose(page, "alice")
		if len(sessionCookies(b)) != 0 {
			t.Errorf("the browser keeps %v", sessionCookies(b))
		}
	})
}

// TestStepUp_SessionWithKeyContinues checks that a session with a device key is not
// replaced.
func TestStepUp_SessionWithKeyContinues(t *testing.T) {
	w := newBackend(t, nil)
	w.rule(map[string]policy.Rules{"acme": mfa})
	b := w.browser().On(httpbrowser.NewDevice(t))
	w.signIn(b, "alice")
	before := w.mint(b, "globex")
	answersWith(w, "mfa")
	w.stepUp(b, w.challenged(b.Post("/token", enters)), "alice")
	if after := w.mint(b, "acme"); after.Session != before.Session {
		t.Errorf("session %s, want %s", after.Session, before.Session)
	}
}

// TestStepUp_NewCookieEndsOldSession checks this for a request with the new cookie
// only.
func TestStepUp_NewCookieEndsOldSession(t *testing.T) {
	w, b, e := stepUpRequired(t)
	old, value := w.theSession(b)
	w.stepUp(b, e, "alice")
	alone := w.browser()
	for name, v := range sessionCookies(b) {
		if name != old {
			alone.SetCookie(name, v)
		}
	}
	w.mint(alone, "acme")
	thief := w.browser()
	thief.SetCookie(old, value)
	w.wants(thief.Post("/token", `{"organization":"globex"}`), http.StatusUnauthorized, api.SessionRevoked)
	if got := w.mint(alone, "globex"); got.Session == "" {
		t.Error("globex is lost")
	}
}

// TestStepUp_FirstUsedAtPreviousRelease checks a step-up whose new cookie comes to a
// replica of the previous release first, which ends the old session as superseded. That
// is no sign-out.
func TestStepUp_FirstUsedAtPreviousRelease(t *testing.T) {
	w, b, e := stepUpRequired(t)
	old, _ := w.theSession(b)
	w.stepUp(b, e, "alice")
	w.Change(`UPDATE sessions SET revoked_at = ?, revoke_reason = 'superseded' WHERE replaces = ''`, w.Now().Unix())
	b.SetCookie(old, "")
	w.mint(b, "acme")
	if got := b.Post("/token", `{"organization":"globex"}`); got.Status != http.StatusOK {
		t.Errorf("globex: %d %s", got.Status, got.Body)
	}
}
