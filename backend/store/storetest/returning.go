package storetest

import (
	"maps"
	"slices"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/backend/session"
)

// absence is a way in which a person's access to acme is taken away and returns.
type absence struct {
	given, away, back func(*suite, directory.User)
	everybody         bool // applies to all people
	everywhere        bool // applies to other organizations too
}

func nothing(*suite, directory.User) {}

// admits makes a member of a person at a time.
func admits(at int64) func(*suite, directory.User) {
	return func(s *suite, u directory.User) {
		s.must(s.Admit(s.ctx, directory.Admission{Organization: "org_acme", UserID: u.ID}, at))
	}
}

func (s *suite) claimed(u directory.User, roles map[string][]string) {
	s.Helper()
	s.must(s.ReplaceClaimed(s.ctx, u.ID, roles, Now+10))
}

// absences are the ways. Each concerns carol, who has no organization before.
var absences = map[string]absence{
	"a member blocked": {
		given: admits(Now),
		away:  func(s *suite, u directory.User) { s.must(s.SetMemberDisabled(s.ctx, "org_acme", u.ID, true, Now+5)) },
		back:  func(s *suite, u directory.User) { s.must(s.SetMemberDisabled(s.ctx, "org_acme", u.ID, false, Now+9)) },
	},
	"a member removed": {
		given: admits(Now),
		away:  func(s *suite, u directory.User) { s.must(s.RemoveMember(s.ctx, "org_acme", u.ID)) },
		back:  admits(Now + 9),
	},
	"a claim": {
		given: func(s *suite, u directory.User) { s.claimed(u, map[string][]string{"acme": nil}) },
		away:  func(s *suite, u directory.User) { s.claimed(u, nil) },
		back:  func(s *suite, u directory.User) { s.claimed(u, map[string][]string{"acme": nil}) },
	},
	"the organization's provider": {
		given: func(s *suite, u directory.User) { s.must(s.Provision(s.ctx, u.ID, "org_acme", nil, true, Now)) },
		away:  func(s *suite, u directory.User) { s.must(s.Deprovision(s.ctx, u.ID, "org_acme")) },
		back:  func(s *suite, u directory.User) { s.must(s.Provision(s.ctx, u.ID, "org_acme", nil, true, Now+9)) },
	},
	"staff access ended": {
		given: func(s *suite, u directory.User) { s.must(s.GrantStaff(s.ctx, box(u, 0))) },
		away:  func(s *suite, u directory.User) { s.must(s.EndStaff(s.ctx, "org_acme", u.ID)) },
		back:  func(s *suite, u directory.User) { s.must(s.GrantStaff(s.ctx, box(u, 0))) },
	},
	"staff access over, and granted again": {
		given: func(s *suite, u directory.User) { s.must(s.GrantStaff(s.ctx, box(u, -3500))) },
		away:  nothing, // at Now + 100
		back:  func(s *suite, u directory.User) { s.must(s.GrantStaff(s.ctx, box(u, 200))) },
	},
	"staff access over, and a membership": {
		given: func(s *suite, u directory.User) { s.must(s.GrantStaff(s.ctx, box(u, -3500))) },
		away:  nothing,
		back:  admits(Now + 200),
	},
	"the person": {
		given:      admits(Now),
		away:       func(s *suite, u directory.User) { s.must(s.SetUserDisabled(s.ctx, u.ID, true, Now+5)) },
		back:       func(s *suite, u directory.User) { s.must(s.SetUserDisabled(s.ctx, u.ID, false, Now+9)) },
		everywhere: true,
	},
	"the organization": {
		given:     admits(Now),
		away:      func(s *suite, _ directory.User) { s.must(s.SetOrganizationDisabled(s.ctx, "org_acme", true, Now+5)) },
		back:      func(s *suite, _ directory.User) { s.must(s.SetOrganizationDisabled(s.ctx, "org_acme", false, Now+9)) },
		everybody: true,
	},
}

// beginsAnew: no organization session from before the return of access continues, even
// if it was entered by a mint that began before access was taken away.
func beginsAnew(s *suite) {
	bob := s.session(s.person("bob"))
	for i, name := range slices.Sorted(maps.Keys(absences)) {
		a := absences[name]
		carol := s.person("carol " + name)
		a.given(s, carol)
		s.must(s.Admit(s.ctx, directory.Admission{Organization: "org_globex", UserID: carol.ID}, Now))
		one, late := s.session(carol), s.session(carol)
		for _, n := range []session.Session{bob, one} {
			o := begun(Now + int64(i))
			o.EndedAt = s.endOf(n)
			s.must(s.Enter(s.ctx, n.ID, "org_acme", o))
		}
		s.must(s.Enter(s.ctx, one.ID, "org_globex", begun(Now)))
		s.is(s.stay(one, "acme").Live(), true)
		a.away(s, carol)
		s.must(s.Enter(s.ctx, late.ID, "org_acme", begun(Now+6)))
		a.back(s, carol)
		for _, n := range []session.Session{one, late} {
			if o := s.stay(n, "acme"); o.Live() || o.EndReason != policy.Removed {
				s.Errorf("%s: %+v", name, o)
			}
		}
		s.is(s.stay(one, "globex").Live(), !a.everywhere)
		s.is(s.endOf(bob) == 0, !a.everybody)
	}
}

// endOf returns when a session's organization session in acme ended.
func (s *suite) endOf(n session.Session) int64 { return s.stay(n, "acme").EndedAt }

// changesNothing: a change that takes no access away ends no session.
func changesNothing(s *suite) {
	carol, dave := s.person("carol"), s.person("dave")
	admits(Now)(s, carol)
	s.must(s.GrantStaff(s.ctx, box(dave, 0)))
	one, staff := s.session(carol), s.session(dave)
	for _, n := range []session.Session{one, staff} {
		s.must(s.Enter(s.ctx, n.ID, "org_acme", begun(Now)))
	}
	admits(Now+5)(s, carol)
	s.must(s.SetMemberDisabled(s.ctx, "org_acme", carol.ID, false, Now+5))
	s.must(s.SetUserDisabled(s.ctx, carol.ID, false, Now+5))
	s.must(s.SetOrganizationDisabled(s.ctx, "org_acme", false, Now+5))
	s.must(s.GrantStaff(s.ctx, box(dave, 10)))
	s.person("carol")
	_, err := s.EnsureUser(s.ctx, carol, Now+5)
	s.must(err)
	s.is(s.endOf(one)+s.endOf(staff), int64(0))
}

// connectsAnew: organization sessions that rest on a connection do not continue when it
// is enabled again.
func connectsAnew(s *suite) {
	s.connected("con_1")
	s.connected("con_2")
	alice := s.person("alice")
	by := map[string]session.Session{"": s.session(alice), "con_1": s.session(alice), "con_2": s.session(alice)}
	s.must(s.EnableConnection(s.ctx, "org_acme", "con_1"))
	for connection, n := range by {
		o := begun(Now)
		o.Authentication.Connection = connection
		s.must(s.Enter(s.ctx, n.ID, "org_acme", o))
	}
	s.must(s.EnableConnection(s.ctx, "org_acme", "con_1")) // no change
	s.is(s.endOf(by["con_1"]), int64(0))
	s.must(s.DisableConnection(s.ctx, "org_acme", "con_1"))
	s.is(s.endOf(by["con_1"]), int64(0)) // it is not checked now, so it does not count yet
	s.must(s.EnableConnection(s.ctx, "org_acme", "con_1"))
	s.is(s.stay(by["con_1"], "acme").EndReason, policy.Removed)
	s.is(s.endOf(by[""])+s.endOf(by["con_2"]), int64(0))
}
