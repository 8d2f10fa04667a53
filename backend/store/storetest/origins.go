package storetest

import (
	"errors"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/backend/session"
)

const acmeOrigin = "https://acme.app.test"

// joined creates a session of acme's origin that joined a browser's first one.
func (s *suite) joined(user directory.User, first session.Session) session.Session {
	s.Helper()
	n := newSession(user)
	n.Parent, n.ConfinedTo, n.Holder, n.Origin, n.UpstreamSID, n.UpstreamToken = first.ID, "org_acme", session.Joined, acmeOrigin, "", ""
	s.must(s.Create(s.ctx, n))
	return n
}

// actsByTheFirst: a joined session acts by the organization sessions of the one that it
// joined, in its own organization alone.
func actsByTheFirst(s *suite) {
	alice := s.person("alice")
	first := s.acting(alice)
	n := s.joined(alice, first)
	s.is(s.stored(n.ID), n)
	own, err := s.Subject(s.ctx, n.ID, "acme", Now)
	s.must(err)
	above, err := s.Subject(s.ctx, first.ID, "acme", Now)
	s.must(err)
	s.is(own.Membership, above.Membership)
	s.is([]any{own.Session.SignInID(), own.Session.Origin}, []any{first.ID, acmeOrigin})
	other, err := s.Subject(s.ctx, n.ID, "globex", Now)
	s.must(err)
	s.is(other.Membership, (*directory.Membership)(nil))
	all, err := s.Memberships(s.ctx, n.ID, 10, Now)
	s.must(err)
	s.is(len(all), 1)
	s.is(all[0].OrganizationSession, above.Membership.OrganizationSession)

	left := policy.OrganizationSession{StartedAt: Now, ActiveAt: Now, EndedAt: Now, EndReason: policy.SignedOut}
	ended, err := s.Leave(s.ctx, n.SignInID(), "org_acme", left)
	s.must(err)
	s.is(ended, true)
	own, err = s.Subject(s.ctx, n.ID, "acme", Now)
	s.must(err)
	s.is(own.Membership.OrganizationSession.EndReason, policy.SignedOut)
	s.is(s.live(first.ID, n.ID), []bool{true, true}) // only what it acted for has ended
	s.must(s.Revoke(s.ctx, first.ID, session.ReasonSignedOut, Now))
	s.is(s.live(first.ID, n.ID), []bool{false, false})
}

// endsAtAnOrigin: a person's sessions that pages of an origin use end alone.
func endsAtAnOrigin(s *suite) {
	alice, bob := s.person("alice"), s.person("bob")
	first, his := s.acting(alice), s.acting(bob)
	n, other := s.joined(alice, first), s.joined(bob, his)
	s.must(s.RevokeAtOrigin(s.ctx, alice.ID, "", session.ReasonSignedOut, Now))
	s.is(s.live(first.ID, n.ID), []bool{true, true})
	s.must(s.RevokeAtOrigin(s.ctx, alice.ID, acmeOrigin, session.ReasonSignedOut, Now))
	s.is(s.live(first.ID, n.ID, his.ID, other.ID), []bool{true, false, true, true})
}

// namesEnabledOrganizations by id or slug.
func namesEnabledOrganizations(s *suite) {
	for _, ref := range []string{"acme", "org_acme"} {
		o, err := s.EnabledOrganization(s.ctx, ref)
		s.must(err)
		s.is([]string{o.ID, o.Slug}, []string{"org_acme", "acme"})
	}
	s.must(s.SetOrganizationDisabled(s.ctx, "org_acme", true, Now))
	for _, ref := range []string{"acme", "org_acme", "nobody", "org_nobody", ""} {
		if _, err := s.EnabledOrganization(s.ctx, ref); !errors.Is(err, directory.ErrNoOrganization) {
			s.Errorf("%s: %v", ref, err)
		}
	}
}
