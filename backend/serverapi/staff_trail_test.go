package serverapi_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/host"
)

// enteredByStaff tells whether the trail has that staff entered acme.
func (w *backend) enteredByStaff() bool {
	for _, e := range w.trail() {
		if e.Action == audit.EnterOrganization && e.Reason == audit.ByStaff && e.OrganizationID == "org_acme" {
			return true
		}
	}
	return false
}

// TestNoStaffActInAnOrganizationThatDoesNotReadOfIt: every call of the store fails once
// while they enter.
func TestNoStaffActInAnOrganizationThatDoesNotReadOfIt(t *testing.T) {
	for at, calls := 0, 0; at <= calls; at++ {
		w := newBackend(t, nil)
		faulty := w.Failing()
		zoe := w.staffed()
		faulty.Fail(at, false)
		first := w.mint(zoe, "acme")
		if at == 0 {
			calls = len(faulty.Calls())
		}
		faulty.Fail(0, false)
		if then := w.mint(zoe, "acme"); then.Status != http.StatusOK || !w.enteredByStaff() {
			t.Errorf("call %d failed with %d; then %d, and nobody reads of it", at, first.Status, then.Status)
		}
	}
}

// TestStaffAccessThatIsForbiddenIsNoSecondOrganization: a person with one organization
// need not name it.
func TestStaffAccessThatIsForbiddenIsNoSecondOrganization(t *testing.T) {
	w := newBackend(t, nil)
	zoe := w.staffed()
	w.does("POST", "/organizations/globex/members", `{"user_id":"`+w.userID("zoe")+`","roles":["viewer"]}`, w.whole, nil)
	w.refused(zoe.Post("/token", `{"enter":true}`), api.OrganizationRequired)
	w.does("PUT", "/organizations/acme/policy", `{"no_staff":true}`, w.acme, nil)
	if got := w.minted(zoe.Post("/token", `{"enter":true}`)); got.Organization.Slug != "globex" {
		t.Errorf("for %s", got.Organization.Slug)
	}
}

// parting is a store whose client goes away after a change.
type parting struct {
	host.Store
	after audit.Action
	goes  context.CancelFunc
}

// RecordEvent implements audit.Store; as a database does, it fails for a canceled request.
func (l *parting) RecordEvent(ctx context.Context, e audit.Event) error {
	if e.Action == l.after && l.goes != nil {
		l.goes()
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("nobody waits: %w", err)
	}
	return l.Store.RecordEvent(ctx, e)
}

// TestWhoGoesAwayIsInTheTrailAllTheSame: a change is recorded even if its client no longer
// waits for the answer.
func TestWhoGoesAwayIsInTheTrailAllTheSame(t *testing.T) {
	for _, action := range []audit.Action{audit.EnterOrganization, audit.SignOut} {
		l := &parting{}
		w := newBackend(t, func(s host.Store) host.Store { l.Store = s; return l })
		alice := w.signedIn("alice")
		backend := w.Hosts["localhost:8080"]
		w.Hosts["localhost:8080"] = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			ctx, goes := context.WithCancel(r.Context())
			defer goes()
			l.after, l.goes = action, goes
			backend.ServeHTTP(rw, r.WithContext(ctx))
		})
		w.mint(alice, "acme")
		alice.Post("/logout", `{"scope":"session"}`)
		l.goes = nil
		found := false
		for _, e := range w.trail() {
			found = found || e.Action == action
		}
		if !found {
			t.Errorf("%s is not in the trail", action)
		}
	}
}
