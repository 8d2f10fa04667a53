package serverapi_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/api"
)

// TestRenewal_RefusalHandsOutNoSuccessor: a server that is refused gets no refresh
// token, and goes on with the one that it has.
func TestRenewal_RefusalHandsOutNoSuccessor(t *testing.T) {
	policy := func(rules string) func(*crossed) {
		return func(w *crossed) { w.does("PUT", "/organizations/acme/policy", rules, w.acme, nil) }
	}
	for name, refused := range map[string]struct {
		before, after func(*crossed)
		status        int
		code          api.Code
	}{
		"a step-up":    {policy(`{"acr":["mfa"]}`), policy(`{}`), http.StatusUnauthorized, api.InsufficientUserAuthentication},
		"a device key": {policy(`{"device_key_required":true}`), policy(`{}`), http.StatusUnauthorized, api.DeviceKeyRequired},
		"a member disabled": {func(w *crossed) { w.does("POST", "/organizations/acme/members/"+w.uid+"/disable", "", w.acme, nil) }, nil,
			http.StatusForbidden, api.OrganizationAccessDenied},
		"a person disabled": {func(w *crossed) { w.does("POST", "/users/"+w.uid+"/disable", "", w.whole, nil) }, nil,
			http.StatusUnauthorized, api.SessionRevoked},
	} {
		t.Run(name, func(t *testing.T) {
			w := newCrossed(t)
			refresh := w.entered(w.enter()).Refresh
			w.Pass(due)
			refused.before(w)
			got := w.renews(refresh)
			w.wants(got, refused.status, refused.code)
			if strings.Contains(got.Body, "refresh") || strings.Contains(got.Body, "eyJ") {
				t.Error(got.Body)
			}
			if refused.after == nil {
				return
			}
			refused.after(w)
			if again := w.entered(w.renews(refresh)); again.Refresh == "" || again.Refresh == refresh {
				t.Errorf("no successor: %q", again.Refresh)
			}
		})
	}
}
