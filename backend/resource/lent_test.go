package resource_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/tabard-auth/tabard/backend/resource"
	"github.com/tabard-auth/tabard/backend/token"
	"github.com/tabard-auth/tabard/backend/token/tokentest"
)

// TestGuard_Lent tries a lent token, and the tab's own beside it, at routes of every kind of
// demand: the lent one opens only those that demand what it was lent for.
func TestGuard_Lent(t *testing.T) {
	issuer := tokentest.NewIssuer()
	t.Cleanup(issuer.Close)
	verifier, err := token.NewVerifier(issuer.Config())
	if err != nil {
		t.Fatal(err)
	}
	guard, err := resource.NewGuard(verifier, resource.Config{})
	if err != nil {
		t.Fatal(err)
	}
	signed := func(lent bool, permissions ...string) string {
		claims := issuer.Claims("org_acme")
		claims.Lent, claims.Permissions = lent, permissions
		return issuer.Sign(claims)
	}
	own, lent, empty := signed(false, "notes:read", "notes:write"), signed(true, "notes:read"), signed(true)
	for name, route := range map[string]struct {
		rule             resource.Rule
		own, lent, empty bool
	}{
		"no demand":             {resource.Rule{}, true, false, false},
		"an organization":       {resource.Rule{Organization: "organization"}, true, false, false},
		"its permission":        {resource.Rule{Demand: token.Demand{Permissions: []string{"notes:read"}}}, true, true, false},
		"another permission":    {resource.Rule{Demand: token.Demand{Permissions: []string{"notes:write"}}}, true, false, false},
		"both":                  {resource.Rule{Demand: token.Demand{Permissions: []string{"notes:read", "notes:write"}}}, true, false, false},
		"a recent sign-in":      {resource.Rule{Demand: token.Demand{MaxAge: 1 << 40}}, true, false, false},
		"opened to lent tokens": {resource.Rule{Demand: token.Demand{Lent: true}}, true, true, true},
	} {
		handler := guard.Protect(route.rule, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		for token, want := range map[string]bool{own: route.own, lent: route.lent, empty: route.empty} {
			r := httptest.NewRequest("GET", "/organizations/acme", nil)
			r.SetPathValue("organization", "acme")
			r.Header.Set("Authorization", "Bearer "+token)
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			if opened := w.Code == http.StatusOK; opened != want || !opened && w.Code != http.StatusForbidden {
				t.Errorf("%s: %d, want opened %v", name, w.Code, want)
			}
		}
	}
}
