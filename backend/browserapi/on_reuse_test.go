package browserapi_test

import (
	"net/http"
	"testing"

	"github.com/tabard-auth/tabard/backend/api"
)

// TestP7ANewWorkspaceEndsAllOfThePersonsSessions checks the default of a file without
// on_reuse, also after it is applied again.
func TestP7ANewWorkspaceEndsAllOfThePersonsSessions(t *testing.T) {
	w := newBackend(t, nil)
	for range 2 {
		victim, elsewhere, bob := w.signedIn("alice"), w.signedIn("alice"), w.signedIn("bob")
		w.wants(theft(w, victim, victim.Copy()), http.StatusUnauthorized, api.RefreshTokenReused)
		w.wants(elsewhere.Post("/token", `{"organization":"acme"}`), http.StatusUnauthorized, api.SessionRevoked)
		w.mint(bob, "acme")
		w.Apply(desired())
	}
}
