package storetest

import (
	"errors"
	"sync"
	"sync/atomic"

	"github.com/tabard-auth/tabard/backend/directory"
)

// invitation returns an invitation to acme for a person at the workspace's provider.
func invitation(id, subject string, roles ...string) directory.Invitation {
	return directory.Invitation{
		ID: id, OrganizationID: "org_acme", Issuer: "https://id.test", Subject: subject, Name: "Whoever", Email: "w@acme.test",
		Roles: roles, CreatedAt: Now, ExpiresAt: Now + 100,
	}
}

func (s *suite) invited(i directory.Invitation) directory.Invitation {
	s.Helper()
	kept, err := s.Invite(s.ctx, i)
	s.must(err)
	return kept
}

// accepts reports whether a person accepts an invitation.
func (s *suite) accepts(u directory.User, ref string, now int64) bool {
	s.Helper()
	i, err := s.Invited(s.ctx, u.ID, "", ref, now)
	if err == directory.ErrNoInvitation {
		return false
	}
	s.must(err)
	accepted, err := s.Accept(s.ctx, i, u.ID, now)
	s.must(err)
	return accepted
}

func keepsInvitations(s *suite) {
	_, err := s.Invite(s.ctx, invitation("inv_z", "zoe", "no such role"))
	s.is(errors.Is(err, directory.ErrNoRole), true)
	first := s.invited(invitation("inv_b", "carol"))
	s.is(first, directory.Invitation{
		ID: "inv_b", OrganizationID: "org_acme", Issuer: "https://id.test", Subject: "carol", Name: "Whoever", Email: "w@acme.test",
		Roles: []string{}, CreatedAt: Now, ExpiresAt: Now + 100,
	})
	again := invitation("inv_c", "carol")
	again.Name, again.Email, again.CreatedAt, again.ExpiresAt = "", "c@acme.test", Now+1, Now+200
	first.Email, first.ExpiresAt = "c@acme.test", Now+200
	s.is(s.invited(again), first)
	got, err := s.Invitation(s.ctx, "org_acme", "inv_b", Now+199)
	s.must(err)
	s.is(got, first)
	for _, absent := range []func() error{
		func() error { _, err := s.Invitation(s.ctx, "org_acme", "inv_b", Now+200); return err }, // has expired
		func() error { _, err := s.Invitation(s.ctx, "org_globex", "inv_b", Now); return err },
		func() error { _, err := s.Invitation(s.ctx, "org_acme", "inv_c", Now); return err },
		func() error { return s.WithdrawInvitation(s.ctx, "org_globex", "inv_b") },
	} {
		s.is(absent(), directory.ErrNoInvitation)
	}
	s.invited(invitation("inv_a", "dave"))
	s.invited(invitation("inv_d", "alice")) // is a member
	gone := invitation("inv_e", "erin")
	gone.ExpiresAt = Now
	s.invited(gone)
	elsewhere := invitation("inv_f", "frank")
	elsewhere.OrganizationID = "org_globex"
	s.invited(elsewhere)
	var ids []string
	for after := ""; ; {
		page, err := s.Invitations(s.ctx, "org_acme", after, Now, 1)
		s.must(err)
		if len(page) == 0 {
			break
		}
		after = page[0].ID
		ids = append(ids, after)
	}
	s.is(ids, []string{"inv_a", "inv_b"})
	s.must(s.WithdrawInvitation(s.ctx, "org_acme", "inv_b"))
	s.is(s.WithdrawInvitation(s.ctx, "org_acme", "inv_b"), directory.ErrNoInvitation)
	s.is(s.accepts(s.person("carol"), "acme", Now), false)
}

// acceptsInvitations: only the invited person accepts.
func acceptsInvitations(s *suite) {
	carol, dave, erin := s.person("carol"), s.person("dave"), s.person("erin")
	s.invited(invitation("inv_1", "carol"))
	_, err := s.Invited(s.ctx, carol.ID, "org_globex", "acme", Now) // a session that opens globex only
	s.is(err, directory.ErrNoInvitation)
	for _, ref := range []string{"globex", "org_globex", "nowhere", ""} {
		s.is(s.accepts(carol, ref, Now), false)
	}
	s.is(s.accepts(dave, "acme", Now), false)
	s.is(s.accepts(carol, "acme", Now+100), false)
	s.is(s.person("carol"), carol) // the invitation does not rename her
	i, err := s.Invited(s.ctx, carol.ID, "org_acme", "org_acme", Now)
	s.must(err)
	s.must(s.SetUserDisabled(s.ctx, carol.ID, true, Now))
	accepted, err := s.Accept(s.ctx, i, carol.ID, Now)
	s.must(err)
	s.is(accepted, false)
	s.must(s.SetUserDisabled(s.ctx, carol.ID, false, Now))
	s.is(s.accepts(carol, "acme", Now+5), true)
	s.is(s.accepts(carol, "acme", Now+5), false) // once
	got, err := s.Member(s.ctx, "org_acme", carol.ID)
	s.must(err)
	s.is(got, directory.MemberRecord{User: s.person("carol"), Roles: []string{}, Source: directory.FromAdmin, CreatedAt: Now + 5})
	named, err := s.MemberNamed(s.ctx, "org_acme", carol.Issuer, carol.Subject)
	s.must(err)
	s.is(named, got)
	_, err = s.MemberNamed(s.ctx, "org_globex", carol.Issuer, carol.Subject)
	s.is(err, directory.ErrNoMember)

	// A blocked person cannot accept. Staff can once their access has ended.
	s.must(s.SetMemberDisabled(s.ctx, "org_acme", carol.ID, true, Now))
	s.invited(invitation("inv_2", "carol"))
	s.is(s.accepts(carol, "acme", Now), false)
	s.must(s.GrantStaff(s.ctx, box(erin, 0)))
	s.invited(invitation("inv_3", "erin"))
	s.is(s.accepts(erin, "acme", Now), false)
	late := invitation("inv_3", "erin")
	late.ExpiresAt = Now + 9000
	s.invited(late)
	s.is(s.accepts(erin, "acme", Now+3600), true)
	s.is(s.place(s.session(erin), Now+9999).StaffUntil, int64(0))
}

func endsInvitations(s *suite) {
	carol, dave := s.person("carol"), s.person("dave")
	s.invited(invitation("inv_1", "carol"))
	s.must(s.SetOrganizationDisabled(s.ctx, "org_acme", true, Now))
	s.is(s.accepts(carol, "acme", Now), false)
	s.must(s.SetOrganizationDisabled(s.ctx, "org_acme", false, Now))

	// Removing a person that is not a member is an error and ends no invitation.
	s.is(s.RemoveMember(s.ctx, "org_acme", carol.ID), directory.ErrNoMember)
	_, err := s.Invitation(s.ctx, "org_acme", "inv_1", Now)
	s.must(err)
	// A person that was a member meanwhile and is no longer one, by any means, is not
	// invited either. The invitations of others are not affected.
	s.invited(invitation("inv_5", "erin"))
	for _, way := range []string{"a member removed", "a claim", "the organization's provider"} {
		s.invited(invitation("inv_1", "carol"))
		absences[way].given(s, carol)
		absences[way].away(s, carol)
		s.is(s.accepts(carol, "acme", Now), false)
	}
	_, err = s.Invitation(s.ctx, "org_acme", "inv_5", Now)
	s.must(err)

	s.invited(invitation("inv_2", "carol"))
	forgotten, err := s.DeleteExpired(s.ctx, Now+100, 10)
	s.must(err)
	s.is(forgotten, int64(0)) // of sessions
	s.is(s.accepts(carol, "acme", Now), true)
	s.invited(invitation("inv_3", "dave"))
	_, err = s.DeleteExpired(s.ctx, Now+101, 10)
	s.must(err)
	s.is(s.accepts(dave, "acme", Now), false)

	s.invited(invitation("inv_4", "dave"))
	s.must(s.DeleteOrganization(s.ctx, "org_acme", Now))
	s.must(s.SetOrganizationDisabled(s.ctx, "org_acme", false, Now))
	s.is(s.accepts(dave, "org_acme", Now), false)
	s.is(s.WithdrawInvitation(s.ctx, "org_acme", "inv_4"), directory.ErrNoInvitation)
}

// invitesByConnection invites a person at the organization's own provider, also one
// that belongs to another provider and is linked.
func invitesByConnection(s *suite) {
	s.connected("con_1")
	carol, own := s.person("carol"), invitation("inv_1", "c.martin")
	own.Issuer = "con_1"
	s.invited(own)
	s.is(s.accepts(carol, "acme", Now), false)
	s.must(s.Link(s.ctx, "con_1", "c.martin", carol.ID, Now))
	s.is(s.accepts(carol, "acme", Now), true)
	named, err := s.MemberNamed(s.ctx, "org_acme", "con_1", "c.martin")
	s.must(err)
	s.is(named.ID, carol.ID)
	s.invited(own)
	all, err := s.Invitations(s.ctx, "org_acme", "", Now, 10)
	s.must(err)
	s.is(len(all), 0)
	s.must(s.RemoveMember(s.ctx, "org_acme", carol.ID))
	s.is(s.accepts(carol, "acme", Now), false)
}

func acceptsOnceInARace(s *suite) {
	carol := s.person("carol")
	i := s.invited(invitation("inv_1", "carol"))
	var accepted atomic.Int64
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			ok, err := s.Accept(s.ctx, i, carol.ID, Now)
			if err != nil {
				s.Error(err)
			}
			if ok {
				accepted.Add(1)
			}
		})
	}
	group.Wait()
	s.is(accepted.Load(), int64(1))
}

func changesMembersOnly(s *suite) {
	alice, carol, dave := s.person("alice"), s.person("carol"), s.person("dave")
	s.is(s.ChangeMember(s.ctx, "org_acme", carol.ID, nil, Now), directory.ErrNoMember)
	s.is(s.ChangeMember(s.ctx, "org_acme", "usr_nobody", nil, Now), directory.ErrNoMember)
	s.is(s.ChangeMember(s.ctx, "org_acme", alice.ID, nil, Now), directory.ErrFromFile)
	s.must(s.GrantStaff(s.ctx, box(dave, 0)))
	s.is(s.ChangeMember(s.ctx, "org_acme", dave.ID, nil, Now), directory.ErrStaff)
	s.is(s.ChangeMember(s.ctx, "org_acme", dave.ID, nil, Now+3600), directory.ErrNoMember)
	s.must(s.Provision(s.ctx, carol.ID, "org_acme", []string{"viewer"}, true, Now))
	s.must(s.SetMemberDisabled(s.ctx, "org_acme", carol.ID, true, Now+1))
	s.must(s.ChangeMember(s.ctx, "org_acme", carol.ID, []string{}, Now+2))
	got, err := s.Member(s.ctx, "org_acme", carol.ID)
	s.must(err)
	s.is(got, directory.MemberRecord{User: carol, Roles: []string{}, Source: directory.FromAdmin, CreatedAt: Now, DisabledAt: Now + 1})
}
