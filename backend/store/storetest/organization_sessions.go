package storetest

import (
	"github.com/tabard-auth/tabard/backend/orgsession"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/backend/session"
)

// never is the organization session of a session that never entered.
var never policy.OrganizationSession

// password is the authentication of the following organization sessions.
var password = policy.Authentication{Time: Now - 5, ACR: "urn:test", AMR: []string{"pwd"}, Connection: "own", Organization: "org_acme", Until: Now + 900}

func (s *suite) stay(n session.Session, ref string) policy.OrganizationSession {
	s.Helper()
	subject, err := s.Subject(s.ctx, n.ID, ref, Now)
	s.must(err)
	if subject.Membership == nil {
		s.Fatalf("%s does not admit", ref)
	}
	return subject.Membership.OrganizationSession
}

// leaves ends an organization session and checks whether it was alive.
func (s *suite) leaves(n session.Session, o policy.OrganizationSession, want bool) {
	s.Helper()
	ended, err := s.Leave(s.ctx, n.ID, "org_acme", o)
	s.must(err)
	s.is(ended, want)
}

// begun returns an organization session since a time.
func begun(at int64) policy.OrganizationSession {
	return policy.OrganizationSession{StartedAt: at, ActiveAt: at, Authentication: password}
}

// over returns the same with its end.
func over(o policy.OrganizationSession, at int64, why policy.EndReason) policy.OrganizationSession {
	o.EndedAt, o.EndReason = at, why
	return o
}

func entersAndLeaves(s *suite) {
	n := s.session(s.person("alice"))
	first, again := begun(Now+1), begun(Now+2)
	again.Authentication = policy.Authentication{Time: Now, AMR: []string{}}
	s.is(s.stay(n, "acme"), never)
	s.must(s.Enter(s.ctx, n.ID, "org_acme", first))
	s.must(s.Enter(s.ctx, n.ID, "org_acme", again))
	s.is(s.stay(n, "acme"), first)

	s.leaves(n, over(again, Now+3, policy.SignedOut), true)
	s.leaves(n, over(again, Now+4, policy.Idle), false)
	s.is(s.stay(n, "acme"), over(first, Now+3, policy.SignedOut))
	s.is(s.stay(n, "globex"), never)
	members, err := s.Memberships(s.ctx, n.ID, 10, Now)
	s.must(err)
	s.is(members[0].OrganizationSession, over(first, Now+3, policy.SignedOut))

	again.StartedAt, again.ActiveAt = Now+5, Now+5
	s.is(s.Enter(s.ctx, n.ID, "org_acme", again), orgsession.ErrEnded) // read before it ended
	s.is(s.stay(n, "acme"), over(first, Now+3, policy.SignedOut))
	again.EndedAt = Now + 3
	s.must(s.Enter(s.ctx, n.ID, "org_acme", again))
	s.must(s.Enter(s.ctx, n.ID, "org_acme", again)) // a reply was lost
	again.EndedAt = 0
	s.is(s.stay(n, "acme"), again)
}

func leavesUnentered(s *suite) {
	n := s.session(s.person("alice"))
	left := over(begun(Now), Now, policy.SignedOut)
	s.leaves(n, left, true)
	s.is(s.stay(n, "acme"), left)
}

func leavesNobodyActive(s *suite) {
	n := s.session(s.person("alice"))
	entered := begun(Now)
	s.must(s.Enter(s.ctx, n.ID, "org_acme", entered))
	active := entered
	active.ActiveAt = Now + 60
	s.must(s.Touch(s.ctx, n.ID, "org_acme", active))
	s.leaves(n, over(entered, Now+61, policy.Idle), false)
	s.is(s.stay(n, "acme"), active)
	s.leaves(n, over(active, Now+121, policy.Idle), true)
	s.is(s.stay(n, "acme"), over(active, Now+121, policy.Idle))
}

func touches(s *suite) {
	n := s.session(s.person("alice"))
	o := begun(Now)
	s.must(s.Enter(s.ctx, n.ID, "org_acme", o))
	s.must(s.Enter(s.ctx, n.ID, "org_globex", o))
	touch := func(at int64) {
		o.ActiveAt = at
		s.must(s.Touch(s.ctx, n.ID, "org_acme", o))
	}
	touch(Now + 9)
	touch(Now + 5)
	s.is(s.stay(n, "acme").ActiveAt, int64(Now+9))
	s.is(s.stay(n, "globex").ActiveAt, int64(Now))
	o.ActiveAt = Now + 9
	s.leaves(n, over(o, Now+10, policy.Idle), true)
	touch(Now + 11)
	o.ActiveAt = Now + 9
	s.is(s.stay(n, "acme"), over(o, Now+10, policy.Idle))
}

func raises(s *suite) {
	n := s.session(s.person("alice"))
	o := begun(Now)
	s.must(s.Enter(s.ctx, n.ID, "org_acme", o))
	s.must(s.Enter(s.ctx, n.ID, "org_globex", o))
	raised := policy.Authentication{Time: Now + 7, ACR: "urn:mfa", AMR: []string{"otp"}, Organization: "org_acme"}
	s.must(s.SetAuthentication(s.ctx, n.ID, "org_acme", raised))
	s.is(s.stay(n, "globex"), o)
	o.Authentication = raised
	s.is(s.stay(n, "acme"), o)
	unknown := policy.Authentication{ACR: "urn:mfa", AMR: []string{"otp"}, Organization: "org_acme"} // with an unknown time
	s.must(s.SetAuthentication(s.ctx, n.ID, "org_acme", unknown))
	o.Authentication = unknown
	s.is(s.stay(n, "acme"), o)
	s.must(s.SetAuthentication(s.ctx, n.ID, "org_acme", raised))
	o.Authentication = raised
	s.leaves(n, over(o, Now+8, policy.SignedOut), true)
	s.must(s.SetAuthentication(s.ctx, n.ID, "org_acme", password))
	s.is(s.stay(n, "acme"), over(o, Now+8, policy.SignedOut))
}

func supersedes(s *suite) {
	alice, bob := s.person("alice"), s.person("bob")
	idle, active, ended, other, own := s.session(alice), s.session(alice), s.session(alice), s.session(bob), s.session(alice)
	for i, n := range []session.Session{own, idle, active, ended, other} {
		s.must(s.Enter(s.ctx, n.ID, "org_acme", begun(Now+int64(i))))
	}
	s.must(s.Enter(s.ctx, idle.ID, "org_globex", begun(Now)))
	s.must(s.Revoke(s.ctx, ended.ID, session.ReasonSignedOut, Now+9))
	s.must(s.Supersede(s.ctx, own.ID, "org_acme", 2, Now+9))
	s.is(s.stay(own, "acme"), begun(Now))
	s.is(s.stay(idle, "acme"), over(begun(Now+1), Now+9, policy.Superseded))
	s.is(s.stay(idle, "globex"), begun(Now))
	s.is(s.stay(active, "acme"), begun(Now+2))
	s.is(s.stay(other, "acme"), begun(Now+4))
	s.must(s.Supersede(s.ctx, own.ID, "org_acme", 1, Now+10))
	s.is(s.stay(active, "acme"), over(begun(Now+2), Now+10, policy.Superseded))
	s.is(s.stay(own, "acme"), begun(Now))
}

func authenticatesOnce(s *suite) {
	alice := s.person("alice")
	n, other := s.session(alice), s.session(alice)
	later := password
	later.Time = Now + 5
	s.must(s.Authenticate(s.ctx, n.ID, "attempt 1", password))
	s.must(s.Authenticate(s.ctx, n.ID, "attempt 1", password)) // a reply was lost
	s.is(s.Authenticate(s.ctx, n.ID, "attempt 1", later), session.ErrAttemptUsed)
	s.is(s.Authenticate(s.ctx, other.ID, "attempt 1", password), session.ErrAttemptUsed)
	made, err := s.OfAttempt(s.ctx, "attempt 1")
	s.must(err)
	s.is(made.ID, n.ID)
	s.must(s.Authenticate(s.ctx, n.ID, "attempt 2", later))
	unknown := password
	unknown.Time, unknown.Until, unknown.ConfirmedAt = 0, 0, Now-3
	s.must(s.Authenticate(s.ctx, n.ID, "attempt 3", unknown))
	s.must(s.Authenticate(s.ctx, n.ID, "attempt 3", unknown))
	all, err := s.Authentications(s.ctx, n.ID)
	s.must(err)
	s.is(all, []policy.Authentication{later, password, unknown})
	none, err := s.Authentications(s.ctx, other.ID)
	s.must(err)
	s.is(none, []policy.Authentication(nil))
}
