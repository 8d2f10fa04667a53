package storetest

import (
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/orgsession"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/backend/session"
)

// child creates a session of another app that was entered from one that acts for acme.
func (s *suite) child(user directory.User, parent session.Session) session.Session {
	s.Helper()
	n := newSession(user)
	n.App, n.JKT, n.UpstreamSID, n.UpstreamToken = "other", "", "", ""
	n.Parent, n.ConfinedTo, n.Holder = parent.ID, "org_acme", session.AppServer
	s.must(s.Create(s.ctx, n))
	return n
}

func (s *suite) live(ids ...session.ID) (live []bool) {
	s.Helper()
	for _, id := range ids {
		live = append(live, s.stored(id).RevokedAt == 0)
	}
	return live
}

// acting creates a session that acts for acme and for globex.
func (s *suite) acting(user directory.User) session.Session {
	s.Helper()
	n := s.session(user)
	for _, organization := range []string{"org_acme", "org_globex"} {
		s.must(s.Enter(s.ctx, n.ID, organization, policy.OrganizationSession{StartedAt: Now - 30, ActiveAt: Now - 20,
			Authentication: policy.Authentication{Time: Now - 40, ACR: "urn:test", AMR: []string{"pwd"}}}))
	}
	return n
}

func inherits(s *suite) {
	alice := s.person("alice")
	parent := s.acting(alice)
	further := policy.Authentication{Time: Now - 1, ACR: "urn:more", AMR: []string{"otp"}, Organization: "org_acme", Until: Now + 60}
	s.must(s.Authenticate(s.ctx, parent.ID, "attempt", further))
	n := s.child(alice, parent)
	for range 2 { // a reply was lost
		s.must(s.Inherit(s.ctx, n.ID))
	}
	s.is(s.stored(n.ID), n)
	own, err := s.Subject(s.ctx, n.ID, "acme", Now)
	s.must(err)
	above, err := s.Subject(s.ctx, parent.ID, "acme", Now)
	s.must(err)
	s.is(own.Membership, above.Membership)
	s.is([]any{own.Session.Parent, own.Session.ConfinedTo, own.Session.Holder}, []any{n.Parent, n.ConfinedTo, n.Holder})
	own, err = s.Subject(s.ctx, n.ID, "globex", Now)
	s.must(err)
	s.is(own.Membership, (*directory.Membership)(nil))
	all, err := s.Authentications(s.ctx, n.ID)
	s.must(err)
	s.is(all, []policy.Authentication{further})
}

func inheritsNothingEnded(s *suite) {
	alice := s.person("alice")
	left, stranger := s.acting(alice), s.session(alice)
	_, err := s.Leave(s.ctx, left.ID, "org_acme", policy.OrganizationSession{EndedAt: Now, ActiveAt: Now, EndReason: policy.SignedOut})
	s.must(err)
	s.is(s.Inherit(s.ctx, s.child(alice, left).ID), orgsession.ErrEnded)
	s.is(s.Inherit(s.ctx, s.child(alice, stranger).ID), orgsession.ErrEnded)
}

func endsWithItsParent(s *suite) {
	alice := s.person("alice")
	parent, another := s.acting(alice), s.acting(alice)
	n, other := s.child(alice, parent), s.child(alice, another)
	s.must(s.Inherit(s.ctx, n.ID))
	s.must(s.Revoke(s.ctx, parent.ID, session.ReasonReuse, Now+1))
	s.is(s.live(n.ID, other.ID), []bool{false, true})
	got := s.stored(n.ID)
	s.is(got.RevokedAt, int64(Now+1))
	s.is(got.RevokeReason, session.ReasonParent) // theft of the parent is not the child's
	subject, err := s.Subject(s.ctx, n.ID, "acme", Now)
	s.must(err)
	s.is(subject.Session.Row, got.Row)
	p := session.Redemption{
		Token:  session.Successor(n.ID, n.Row, session.NewTokenID(), Now+1),
		Limits: session.LimitsFor(false), Now: Now + 1,
	}
	row, err := s.Redeem(s.ctx, p)
	s.must(err)
	s.is(row, got.Row)
	listed, err := s.Live(s.ctx, alice.ID, "", Now, 10)
	s.must(err)
	page, err := s.LivePage(s.ctx, alice.ID, "", Now, 10)
	s.must(err)
	s.is([]int{len(listed), len(page)}, []int{2, 2})
	stays, err := s.OrganizationSessions(s.ctx, "org_acme", alice.ID, "", Now, 10)
	s.must(err)
	s.is(len(stays), 1) // the other one's; other inherited none
	s.must(s.Revoke(s.ctx, other.ID, session.ReasonSignedOut, Now+2))
	s.is(s.live(another.ID), []bool{true}) // never in the other direction
}

func endsWithItsParentsStay(s *suite) {
	alice := s.person("alice")
	for _, end := range []func(session.ID){
		func(id session.ID) {
			_, err := s.Leave(s.ctx, id, "org_acme", policy.OrganizationSession{ActiveAt: Now, EndedAt: Now + 1, EndReason: policy.SignedOut})
			s.must(err)
		},
		func(id session.ID) {
			_, err := s.EndOrganizationSession(s.ctx, "org_acme", id, Now+1)
			s.must(err)
		},
	} {
		parent, another := s.acting(alice), s.acting(alice)
		n, other := s.child(alice, parent), s.child(alice, another)
		_, err := s.EndOrganizationSession(s.ctx, "org_globex", parent.ID, Now+1)
		s.must(err)
		s.is(s.live(n.ID), []bool{true})
		end(parent.ID)
		s.is(s.live(parent.ID, n.ID, other.ID), []bool{true, false, true})
		s.must(s.Enter(s.ctx, parent.ID, "org_acme", policy.OrganizationSession{StartedAt: Now + 2, ActiveAt: Now + 2, EndedAt: Now + 1}))
		s.is(s.live(n.ID), []bool{false}) // ended is ended
	}
	parent := s.acting(alice)
	n := s.child(alice, parent)
	_, err := s.Leave(s.ctx, parent.ID, "org_acme", policy.OrganizationSession{ActiveAt: Now, EndedAt: Now + 1, EndReason: policy.Idle})
	s.must(err)
	s.is(s.live(n.ID), []bool{true}) // activity there keeps it alive there
}

func countsWithItsParent(s *suite) {
	alice := s.person("alice")
	older, parent := s.acting(alice), s.acting(alice)
	n, other := s.child(alice, parent), s.child(alice, older)
	s.must(s.Inherit(s.ctx, n.ID))
	s.must(s.Inherit(s.ctx, other.ID))
	s.must(s.Supersede(s.ctx, n.ID, "org_acme", 1, Now+1))
	s.is(s.live(n.ID, other.ID), []bool{true, false})
	at := func(id session.ID) bool {
		subject, err := s.Subject(s.ctx, id, "org_acme", Now)
		s.must(err)
		return subject.Membership.OrganizationSession.Live()
	}
	s.is([]bool{at(parent.ID), at(n.ID), at(older.ID)}, []bool{true, true, false})
}
