package storetest

import (
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/session"
)

// stolen ends a session by a token that no honest party can hold any more.
func (s *suite) stolen(n session.Session, now int64) {
	s.Helper()
	row, err := s.Redeem(s.ctx, session.Redemption{
		Token:  session.Token{Session: n.ID, Gen: n.Gen, ID: session.NewTokenID(), Parent: session.NewTokenID(), IssuedAt: now},
		Limits: session.LimitsFor(false), Now: now,
	})
	s.must(err)
	s.is(row.RevokeReason, session.ReasonReuse)
}

func followsUp(s *suite) {
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

// reachesBrowsers: the handling of a theft does not cross between sessions in browsers
// and those that apps' servers hold, in either direction. The latter end with their
// parents.
func reachesBrowsers(s *suite) {
	alice := s.person("alice")
	parent, elsewhere := s.acting(alice), s.acting(alice)
	browsers := s.handedOver(alice, parent)
	held, other := s.child(alice, parent), s.child(alice, elsewhere)
	s.stolen(held, Now+10)
	s.must(s.FollowUpThefts(s.ctx, true, Now+11))
	s.is(s.live(parent.ID, elsewhere.ID, browsers.ID, held.ID, other.ID), []bool{true, true, true, false, true})

	s.must(s.Revoke(s.ctx, elsewhere.ID, session.ReasonSignedOut, Now+12)) // and other with it
	third := s.acting(alice)
	kept := s.child(alice, third)
	s.stolen(browsers, Now+13) // it opens only acme, but did not begin at its provider
	for _, end := range []func() error{
		func() error { return s.FollowUpThefts(s.ctx, true, Now+14) },
		func() error {
			return s.RevokeUser(s.ctx, alice.ID, "", session.ReasonReuseElsewhere, Now+14)
		},
	} {
		s.must(end())
		s.is(s.live(parent.ID, third.ID, kept.ID), []bool{false, false, false})
		s.is(s.stored(third.ID).RevokeReason, session.ReasonReuseElsewhere)
		s.is(s.stored(kept.ID).RevokeReason, session.ReasonParent)
	}
	fourth := s.acting(alice)
	s.must(s.RevokeUser(s.ctx, alice.ID, "", session.ReasonReuseElsewhere, Now+15))
	s.is(s.live(fourth.ID), []bool{false})
}

// handedOver creates a session in a browser that was entered from parent, which began
// at the workspace's provider.
func (s *suite) handedOver(u directory.User, parent session.Session) session.Session {
	s.Helper()
	n := newSession(u)
	n.Parent, n.ConfinedTo, n.SignIn.Connection = parent.ID, "org_acme", ""
	s.must(s.Create(s.ctx, n))
	return n
}

func forgets(s *suite) {
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
	s.must(s.Revoke(s.ctx, ids[3], session.ReasonSignedOut, Now))
	for _, c := range []struct{ now, limit, want int64 }{{Now - 1, 9, 3}, {Now - 1, 2, 2}, {Now, 9, 2}, {Now + 9, 9, 0}} {
		live, err := s.CountLive(s.ctx, c.now, c.limit)
		s.must(err)
		s.is(live, c.want)
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
