package storetest

import (
	"context"

	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/orgsession"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/backend/session"
)

// Companions is the part of the store that records events with changes.
type Companions interface {
	CreateAccompanied(ctx context.Context, s session.Session, with *audit.Companion) error
	RevokeAccompanied(ctx context.Context, id session.ID, reason session.Reason, now int64, with *audit.Companion) error
}

// recordsCompanions checks that an event is recorded with its change, by the store or by the
// caller, and not without the change.
func recordsCompanions(s *suite) {
	n := s.session(s.person("alice"))
	companion := func(id string) *audit.Companion {
		return &audit.Companion{Event: audit.Event{ID: id, At: Now, Action: audit.EnterOrganization, Outcome: audit.Done, SessionID: n.ID.String()}}
	}
	recorded := func(c *audit.Companion, want bool) {
		s.Helper()
		if !c.Recorded && want {
			s.must(s.RecordEvent(s.ctx, c.Event))
		}
		at, err := s.Recorded(s.ctx, c.ID)
		s.must(err)
		s.is(at != 0, want)
	}
	entered, again, refused, left, ended, created, used := companion("evt_1"), companion("evt_1"), companion("evt_2"), companion("evt_3"), companion("evt_4"), companion("evt_5"), companion("evt_6")
	s.must(s.Enter(s.ctx, n.ID, "org_acme", begun(Now), entered))
	s.must(s.Enter(s.ctx, n.ID, "org_acme", begun(Now), again)) // its reply was lost
	recorded(entered, true)
	_, err := s.Leave(s.ctx, n.ID, "org_acme", over(begun(Now), Now+1, policy.SignedOut), left)
	s.must(err)
	recorded(left, true)
	s.is(s.Enter(s.ctx, n.ID, "org_acme", begun(Now+2), refused), orgsession.ErrEnded)
	recorded(refused, false)

	other := n
	other.ID, other.Attempt = session.NewID(), "another"
	s.must(s.CreateAccompanied(s.ctx, other, created))
	recorded(created, true)
	other.ID = session.NewID()
	s.is(s.CreateAccompanied(s.ctx, other, used), session.ErrAttemptUsed)
	recorded(used, false)
	s.must(s.RevokeAccompanied(s.ctx, n.ID, session.ReasonSignedOut, Now+3, ended))
	recorded(ended, true)
	revoked, err := s.Session(s.ctx, n.ID)
	s.must(err)
	s.is(revoked.RevokedAt, int64(Now+3))
}
