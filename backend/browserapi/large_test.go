package browserapi_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/token"
)

// permitting gives a role n permissions of 25 characters.
func (w *stored) permitting(role string, n int) {
	w.Helper()
	d := desired()
	for i := range n {
		d.Workspace.Roles[role] = append(d.Workspace.Roles[role], fmt.Sprintf("billing:statements:%06d", i))
	}
	w.Apply(d)
}

// TestToken_TooLargeIsNotMinted uses 250 permissions of 25 characters, as an older
// workspace may have. The user stays signed in, and smaller tokens are minted.
func TestToken_TooLargeIsNotMinted(t *testing.T) {
	w := newBackend(t, nil)
	w.Pass(w.Now().Truncate(24 * time.Hour).Add(24 * time.Hour).Sub(w.Now())) // the audit log has one event for each day
	alice, bob := w.keyed("alice"), w.keyed("bob")
	w.mint(alice, "acme")
	w.permitting("admin", 250)
	began := w.Now().Unix() / 86_400
	for range 50 { // several rotations
		w.wants(alice.Post("/token", enters), http.StatusInternalServerError, api.ServerError)
		w.wants(alice.Post("/token", renews), http.StatusInternalServerError, api.ServerError)
		w.mint(bob, "acme") // a viewer
		w.Pass(7 * time.Minute)
	}
	w.mint(alice, "globex") // a viewer there
	if api.ServerError.Action() != api.Retry {
		t.Error("the tab gives up")
	}
	if log := w.Logged.String(); !strings.Contains(log, "the access token is too large") || !strings.Contains(log, `org_acme, app web`) || !strings.Contains(log, `"level":"ERROR"`) {
		t.Error("the log does not say which tokens are too large, of which roles and where")
	}
	days := w.Now().Unix()/86_400 - began + 1 // recorded once a day
	refused := w.events(audit.MintToken)
	if int64(len(refused)) != days || refused[0].Outcome != audit.Refused || refused[0].Reason != audit.TooLarge || refused[0].OrganizationID != "org_acme" {
		t.Errorf("the trail says %+v", refused)
	}

	w.permitting("admin", 150) // these just fit
	minted := w.mint(alice, "acme")
	if n := len(minted.AccessToken); n > token.MaxBytes || n < 5000 {
		t.Errorf("the token is of %d bytes", n)
	}
	w.claims(minted)
}
