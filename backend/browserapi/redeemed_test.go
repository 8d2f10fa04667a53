package browserapi_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/policy"
)

// TestMint_RefusalCarriesSuccessor checks that the refresh token is redeemed before
// other checks, so that a refusal also sets the successor.
func TestMint_RefusalCarriesSuccessor(t *testing.T) {
	for name, refused := range map[string]struct {
		before func(*backend)
		body   string
		status int
		code   api.Code
		logged bool // with the organization
	}{
		"another person":         {nil, `{"organization":"acme","user":"usr_other"}`, http.StatusConflict, api.IdentityChanged, false},
		"a disabled person":      {func(w *backend) { w.disable("alice") }, enters, http.StatusUnauthorized, api.SessionRevoked, false},
		"another's organization": {nil, `{"organization":"umbrella","enter":true}`, http.StatusForbidden, api.OrganizationAccessDenied, false},
		"none of several":        {nil, `{}`, http.StatusBadRequest, api.OrganizationRequired, false},
		"a malformed report":     {nil, `{"organization":"acme","idle_seconds":-1}`, http.StatusBadRequest, api.InvalidRequest, true},
		"a step-up":              {func(w *backend) { w.rule(map[string]policy.Rules{"acme": mfa}) }, enters, http.StatusUnauthorized, api.InsufficientUserAuthentication, true},
		"one that was left": {func(w *backend) { w.Change(`UPDATE organization_sessions SET ended_at = 1, ending = 'signed_out'`) }, renews,
			http.StatusUnauthorized, api.OrganizationSessionExpired, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newBackend(t, nil)
			b := w.signedIn("alice")
			w.mint(b, "acme")
			w.Pass(rotation + time.Second)
			if refused.before != nil {
				refused.before(w)
			}
			cookie, before := w.theSession(b)
			got := b.Post("/token", refused.body)
			w.wants(got, refused.status, refused.code)
			lines := strings.Split(strings.TrimSpace(w.Logged.String()), "\n")
			if last := lines[len(lines)-1]; strings.Contains(last, `"organization":"org_acme"`) != refused.logged {
				t.Error(last)
			}
			if _, after := w.theSession(b); after == before || len(cleared(got)) != 0 {
				t.Errorf("%s is %s still; %v", cookie, after, got.Cookies())
			}
			w.Pass(rotation / 2)
			if _, successor := w.theSession(b); refused.before == nil {
				w.mint(b, "acme")
				if _, after := w.theSession(b); after != successor {
					t.Errorf("the successor was no current token: it is %s, then %s", successor, after)
				}
			}
		})
	}
}

// TestMint_RefusalOfTheftClears checks that the cookie is cleared and not replaced.
func TestMint_RefusalOfTheftClears(t *testing.T) {
	w := newBackend(t, nil)
	b := w.signedIn("alice")
	cookie, _ := w.theSession(b)
	got := theft(w, b, b.Copy())
	w.wants(got, http.StatusUnauthorized, api.RefreshTokenReused)
	if set := got.Cookies(); len(set) != 1 || set[0].Name != cookie || set[0].MaxAge >= 0 {
		t.Errorf("%v, want %s cleared", set, cookie)
	}
}
