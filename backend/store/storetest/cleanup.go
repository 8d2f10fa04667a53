package storetest

import (
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/session"
)

// stolen ends a session by a token that nobody can hold any more.
func (s *suite) stolen(n session.Session, now int64) {
	s.Helper()
	row, err := s.Present(s.ctx, session.Presentation{
		Token:  session.Token{Session: n.ID, Gen: n.Gen, ID: session.NewTokenID(), Parent: session.NewTokenID(), IssuedAt: now},
		Limits: session.LimitsFor(false), Now: now,
	})
	s.must(err)
	s.is(row.RevokeReason, session.ReasonReuse)
}

func (s *suite) followsUp() {
	alice, bob := s.person("alice"), s.person("bob")
	victim, other, bobs := s.session(alice), s.session(alice), s.session(bob)
	s.stolen(victim, Now+10)
	after := newSession(alice)
	after.CreatedAt = Now + 11
	s.must(s.Create(s.ctx, after))

	for range 2 {
		s.must(s.FollowUpThefts(s.ctx, false, Now+20))
	}
	events, err := s.Events(s.ctx, audit.Query{Limit: 10})
	s.must(err)
	s.is(events, []audit.Event{{
		ID: "reused:" + victim.ID.String(), At: Now + 10, Action: audit.RefreshTokenReused, Outcome: audit.Done,
		Actor: audit.Server, UserID: alice.ID, SessionID: victim.ID.String(), App: "app",
	}})
	s.is(s.stored(other.ID).RevokedAt, int64(0))

	s.must(s.FollowUpThefts(s.ctx, true, Now+20))
	s.is(s.stored(other.ID).RevokeReason, session.ReasonReuseElsewhere)
	s.is(s.stored(after.ID).RevokedAt, int64(0))
	s.is(s.stored(bobs.ID).RevokedAt, int64(0))
	s.is(s.stored(victim.ID).RevokedAt, int64(Now+10))
}

func (s *suite) forgets() {
	alice := s.person("alice")
	var ids []session.ID
	for i := range int64(4) {
		n := newSession(alice)
		n.ExpiresAt = Now + i
		s.must(s.Create(s.ctx, n))
		s.must(s.Enter(s.ctx, n.ID, "org_acme", begun(Now)))
		s.must(s.Authenticate(s.ctx, n.ID, n.Attempt, password))
		ids = append(ids, n.ID)
	}
	for _, want := range []int64{2, 1, 0} {
		got, err := s.DeleteExpired(s.ctx, Now+3, 2)
		s.must(err)
		s.is(got, want)
	}
	for _, id := range ids[:3] {
		_, err := s.Session(s.ctx, id)
		s.is(err, session.ErrNotFound)
	}
	s.stored(ids[3])
}
