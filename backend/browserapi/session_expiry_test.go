package browserapi_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/policy"
)

// TestSession_ProvidersExpiry checks that the session ends at the earlier of
// session_expiry and the policy's end, and that no access token outlives it.
func TestSession_ProvidersExpiry(t *testing.T) {
	for name, test := range map[string]struct {
		claim func(now int64) any
		want  time.Duration
	}{
		"earlier than the policy": {func(now int64) any { return now + 1800 }, 30 * time.Minute},
		"a fraction":              {func(now int64) any { return float64(now) + 1800.5 }, 30 * time.Minute},
		"later than the policy":   {func(now int64) any { return now + 7200 }, time.Hour},
		"in milliseconds":         {func(now int64) any { return (now + 1800) * 1000 }, time.Hour},
		"not a time":              {func(int64) any { return "soon" }, time.Hour},
		"zero":                    {func(int64) any { return 0 }, time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			w := newBackend(t, nil)
			w.rule(map[string]policy.Rules{"": {SessionAge: 3600, AccessTTL: 600}})
			w.Provider.Claims = func(claims map[string]any) { claims["session_expiry"] = test.claim(w.Now().Unix()) }
			b := w.signedIn("alice")
			end := w.Now().Add(test.want).Unix()
			w.Pass(test.want - time.Minute)
			if claims := w.claims(w.mint(b, "acme")); claims.Expires > end {
				t.Errorf("a token lives %d s longer than the session", claims.Expires-end)
			}
			kept := w.browser() // a copied cookie ignores Max-Age
			kept.SetCookie(w.theSession(b))
			w.Pass(time.Minute)
			w.wants(kept.Post("/token", renews), http.StatusUnauthorized, api.SessionExpired)
			w.wants(b.Post("/token", renews), http.StatusUnauthorized, api.LoginRequired)
		})
	}
	w := newBackend(t, nil)
	w.Provider.Claims = func(claims map[string]any) { claims["session_expiry"] = w.Now().Unix() - 1 }
	b := w.browser()
	if landed := b.Choose(b.Login(""), "alice"); refusedWith(landed) != "invalid_response" {
		t.Errorf("a session that has ended began: %s", landed.URL)
	}
}

// TestSessionExpiry_AtAStepUp: what an organization's own provider says of its session's end
// ends what was entered by it, and neither the session here nor another organization.
func TestSessionExpiry_AtAStepUp(t *testing.T) {
	w := newBackend(t, nil)
	p := w.connect("acme", directory.Provisioning{})
	w.rule(requireConnections("acme"))
	expires := func(after int64) {
		p.Claims = func(c map[string]any) { c["session_expiry"] = w.Now().Unix() + after }
	}
	b := w.keyed("alice")
	expires(1800)
	w.enterBy(b, "acme", "a.martin")
	w.Pass(29 * time.Minute)
	minted := w.mint(b, "acme")
	if minted.ExpiresIn > 60 || minted.OrganizationSession.ExpiresIn != 60 {
		t.Errorf("it ends in %d s, the token in %d", minted.OrganizationSession.ExpiresIn, minted.ExpiresIn)
	}
	w.Pass(time.Minute)
	w.challenged(b.Post("/token", renews))
	w.mint(b, "globex")
	expires(3600)
	w.enterBy(b, "acme", "a.martin")
	w.mint(b, "acme")
}
