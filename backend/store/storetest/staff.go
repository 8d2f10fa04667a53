package storetest

import (
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/session"
)

// box returns staff access to acme from Now+at on, for an hour.
func box(u directory.User, at int64, roles ...string) directory.StaffAccess {
	return directory.StaffAccess{
		OrganizationID: "org_acme", UserID: u.ID, Roles: append([]string{}, roles...), Reason: "a [ticket] of 4711's",
		GrantedBy: "key_1", CreatedAt: Now + at, ExpiresAt: Now + at + 3600,
	}
}

// place returns the membership of a session's person in acme at a time: by reading it
// alone, and by reading all organizations. Both must agree.
func (s *suite) place(n session.Session, now int64) *directory.Membership {
	s.Helper()
	byID, err := s.Subject(s.ctx, n.ID, "org_acme", now)
	s.must(err)
	bySlug, err := s.Subject(s.ctx, n.ID, "acme", now)
	s.must(err)
	s.is(byID, bySlug)
	all, err := s.Memberships(s.ctx, n.ID, 10, now)
	s.must(err)
	for _, m := range all {
		if m.Organization.Slug == "acme" {
			s.is(&m, byID.Membership)
			return &m
		}
	}
	s.is(byID.Membership == nil, true)
	return nil
}

func staffEnds(s *suite) {
	carol := s.person("carol")
	n := s.session(carol)
	s.must(s.GrantStaff(s.ctx, box(carol, 0, "admin", "billing")))
	for _, now := range []int64{Now, Now + 3599} {
		m := s.place(n, now)
		if m == nil {
			s.Fatalf("at %d it admits nobody", now-Now)
		}
		s.is(m.StaffUntil, int64(Now+3600))
		s.is(m.Roles, []string{"admin", "billing"})
	}
	for _, now := range []int64{Now + 3600, Now + 9999} {
		s.is(s.place(n, now) == nil, true)
	}
	s.must(s.GrantStaff(s.ctx, box(carol, 4000))) // another period, without a role
	m := s.place(n, Now+4001)
	s.is(m.StaffUntil, int64(Now+7600))
	s.is(m.Roles, []string{})
	for range 2 { // a reply was lost
		s.must(s.EndStaff(s.ctx, "org_acme", carol.ID))
	}
	s.is(s.place(n, Now+4001) == nil, true)

	alice := s.session(s.person("alice"))
	s.is(s.place(alice, Now).StaffUntil, int64(0))
	s.must(s.EndStaff(s.ctx, "org_acme", alice.UserID))
	s.is(s.place(alice, Now) == nil, false)
}

func listsStaff(s *suite) {
	alice, carol, dave, erin := s.person("alice"), s.person("carol"), s.person("dave"), s.person("erin")
	s.is(s.GrantStaff(s.ctx, box(alice, 0)), directory.ErrMember)
	s.must(s.SetMemberDisabled(s.ctx, "org_acme", alice.ID, true, Now))
	s.is(s.GrantStaff(s.ctx, box(alice, 0)), directory.ErrMember)
	for _, u := range []directory.User{carol, dave} {
		s.must(s.GrantStaff(s.ctx, box(u, 100, "admin")))
	}
	s.must(s.GrantStaff(s.ctx, box(erin, -3600))) // is over
	var all []directory.StaffRecord
	for after := ""; ; {
		page, err := s.Staff(s.ctx, "org_acme", after, Now, 1)
		s.must(err)
		if len(page) == 0 {
			break
		}
		all, after = append(all, page...), page[0].UserID
	}
	want := []directory.StaffRecord{{User: carol, StaffAccess: box(carol, 100, "admin")}, {User: dave, StaffAccess: box(dave, 100, "admin")}}
	if carol.ID > dave.ID {
		want[0], want[1] = want[1], want[0]
	}
	s.is(all, want)
	for user, wanted := range map[string]error{carol.ID: nil, erin.ID: directory.ErrNoStaff, alice.ID: directory.ErrNoStaff, "usr_nobody": directory.ErrNoStaff} {
		_, err := s.StaffAccess(s.ctx, "org_acme", user, Now)
		s.is(err, wanted)
	}

	// They do not appear among the members.
	_, err := s.Member(s.ctx, "org_acme", carol.ID)
	s.is(err, directory.ErrNoMember)
	members, err := s.Members(s.ctx, "org_acme", "", 10)
	s.must(err)
	s.is(len(members), 2)
	s.is(s.RemoveMember(s.ctx, "org_acme", carol.ID), directory.ErrNoMember)
	s.is(s.SetMemberDisabled(s.ctx, "org_acme", carol.ID, true, Now), directory.ErrNoMember)
	s.is(s.SetMemberDisabled(s.ctx, "org_acme", carol.ID, false, Now), directory.ErrNoMember)
	s.is(s.place(s.session(carol), Now).StaffUntil, int64(Now+3700))
}

// staffStays makes every source of memberships name a person with staff access, before
// and after it ends. Afterward it is as if there had been none.
func staffStays(s *suite) {
	admit := func(u directory.User, now int64) error {
		return s.Admit(s.ctx, directory.Admission{Organization: "acme", UserID: u.ID, Roles: []string{}}, now)
	}
	claim := func(u directory.User, now int64) error {
		return s.ReplaceClaimed(s.ctx, u.ID, map[string][]string{"acme": {"viewer"}}, now)
	}
	provision := func(justInTime bool) func(directory.User, int64) error {
		return func(u directory.User, now int64) error {
			return s.Provision(s.ctx, u.ID, "org_acme", []string{"viewer"}, justInTime, now)
		}
	}
	for name, source := range map[string]struct {
		names   func(u directory.User, now int64) error
		refuses error
		then    directory.Source // "" means not a member
	}{
		"admin":               {admit, directory.ErrStaff, directory.FromAdmin},
		"claim":               {claim, nil, directory.FromClaim},
		"connection":          {provision(true), nil, directory.FromConnection},
		"connection of known": {provision(false), nil, ""},
		"claim of another":    {func(u directory.User, now int64) error { return s.ReplaceClaimed(s.ctx, u.ID, nil, now) }, nil, ""},
		"connection no more":  {func(u directory.User, _ int64) error { return s.Deprovision(s.ctx, u.ID, "org_acme") }, nil, ""},
	} {
		u := s.person("staff, and " + name)
		n := s.session(u)
		s.must(s.GrantStaff(s.ctx, box(u, 0, "admin")))
		s.is(source.names(u, Now+3599), source.refuses)
		if got := s.place(n, Now+3599); got == nil || got.StaffUntil != Now+3600 || len(got.Roles) != 1 || got.Roles[0] != "admin" {
			s.Fatalf("%s made %+v of staff access", name, got)
		}
		s.must(source.names(u, Now+3600))
		got, err := s.Member(s.ctx, "org_acme", u.ID)
		if source.then == "" {
			s.is(err, directory.ErrNoMember)
			continue
		}
		s.must(err)
		s.is(got.Source, source.then)
		s.is(got.CreatedAt, int64(Now+3600))
		s.is(s.place(n, Now+99999).StaffUntil, int64(0))
		s.is(s.GrantStaff(s.ctx, box(u, 4000)), directory.ErrMember)
	}
}
