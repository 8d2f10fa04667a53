package browserapi_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/directory"
)

// TestSignIn_AppliedRulesAtOnce checks this without a mint in between, which would
// reload the workspace.
func TestSignIn_AppliedRulesAtOnce(t *testing.T) {
	w := newBackend(t, nil)
	w.signedIn("alice") // the workspace is cached
	d := desired()
	d.Workspace.Policy.SessionAge = 3600
	d.Workspace.MembershipClaim = &directory.MembershipClaim{Claim: "groups", Roles: []string{"viewer"}}
	w.Apply(d)
	w.Provider.People = map[string]map[string]any{"zoe": {"groups": []string{"globex"}}}
	zoe := w.signedIn("zoe")
	if got := w.mint(zoe, "globex"); got.SessionExpiresIn != 3600 {
		t.Errorf("the session lasts %v", time.Duration(got.SessionExpiresIn)*time.Second)
	}

	d.Workspace.Apps[0].Disabled = true
	w.Apply(d)
	b := w.browser()
	b.SignIn("alice")
	if kept := sessionCookies(b); len(kept) != 0 {
		t.Errorf("an app that was just disabled signs people in: %v", kept)
	}
	w.wants(zoe.Post("/token", enterAcme), http.StatusForbidden, api.OriginNotAllowed)
}
