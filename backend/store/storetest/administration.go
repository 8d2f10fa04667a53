package storetest

import (
	"fmt"
	"slices"
	"sync"

	"github.com/tabard-auth/tabard/backend/admin"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/backend/session"
	"github.com/tabard-auth/tabard/backend/signingkey"
)

func administersOrganizations(s *suite) {
	made := directory.Organization{ID: "org_initech", Slug: "initech", Name: "Initech", Rules: policy.Rules{IdleTimeout: 60}}
	s.must(s.CreateOrganization(s.ctx, made, Now))
	other := directory.Organization{ID: "org_other", Slug: "initech", Name: "Other"}
	s.is(s.CreateOrganization(s.ctx, other, Now), directory.ErrSlugTaken)
	want := directory.OrganizationRecord{Organization: made, CreatedAt: Now}
	for _, ref := range []string{"org_initech", "initech"} {
		got, err := s.Organization(s.ctx, ref)
		s.must(err)
		s.is(got, want)
	}
	_, err := s.Organization(s.ctx, "org_other")
	s.is(err, directory.ErrNoOrganization)

	s.is(s.RenameOrganization(s.ctx, "org_initech", "acme", ""), directory.ErrSlugTaken)
	s.must(s.RenameOrganization(s.ctx, "org_initech", "", "Initech Ltd"))
	s.must(s.RenameOrganization(s.ctx, "org_initech", "umbrella", ""))
	s.must(s.SetOrganizationPolicy(s.ctx, "org_initech", policy.Rules{MaxSessions: 2}))
	s.must(s.SetOrganizationDisabled(s.ctx, "org_initech", true, Now+1))
	s.must(s.SetOrganizationDisabled(s.ctx, "org_initech", true, Now+2))
	got, err := s.Organization(s.ctx, "umbrella")
	s.must(err)
	s.is(got, directory.OrganizationRecord{
		Organization: directory.Organization{ID: "org_initech", Slug: "umbrella", Name: "Initech Ltd", Rules: policy.Rules{MaxSessions: 2}, Disabled: true},
		CreatedAt:    Now, DisabledAt: Now + 1,
	})
	s.must(s.SetOrganizationDisabled(s.ctx, "org_initech", false, Now+3))
	var slugs []string
	for after := ""; ; {
		page, err := s.Organizations(s.ctx, after, 2)
		s.must(err)
		if len(page) == 0 {
			break
		}
		for _, o := range page {
			slugs = append(slugs, o.Slug)
		}
		after = slugs[len(slugs)-1]
	}
	s.is(slugs, []string{"acme", "globex", "hooli", "umbrella"})
}

func oneOrganizationInARace(s *suite) {
	errs := make([]error, 8)
	var group sync.WaitGroup
	for i := range errs {
		group.Go(func() {
			errs[i] = s.CreateOrganization(s.ctx, directory.Organization{ID: fmt.Sprintf("org_%d", i), Slug: "initech", Name: "I"}, Now)
		})
	}
	group.Wait()
	made := 0
	for _, err := range errs {
		if err == nil {
			made++
			continue
		}
		s.is(err, directory.ErrSlugTaken)
	}
	s.is(made, 1)
}

func deletesOrganizations(s *suite) {
	alice := s.person("alice")
	n := s.session(alice)
	key := admin.Key{ID: "key_1", Kind: admin.Administration, Hash: "h", OrganizationID: "org_acme", CreatedAt: Now}
	s.must(s.AddKey(s.ctx, key))
	for range 2 { // a reply was lost
		s.must(s.DeleteOrganization(s.ctx, "org_acme", Now+1))
	}
	for _, ref := range []string{"org_acme", "acme"} {
		_, err := s.Organization(s.ctx, ref)
		s.is(err, directory.ErrNoOrganization)
		subject, err := s.Subject(s.ctx, n.ID, ref, Now)
		s.must(err)
		s.is(subject.Membership == nil, true)
		s.is(s.Admit(s.ctx, directory.Admission{Organization: ref, UserID: alice.ID}, Now) != nil, true)
	}
	s.must(s.SetOrganizationDisabled(s.ctx, "org_acme", false, Now+2))
	subject, err := s.Subject(s.ctx, n.ID, "org_acme", Now)
	s.must(err)
	s.is(subject.Membership == nil, true)
	revoked, err := s.Key(s.ctx, "key_1")
	s.must(err)
	s.is(revoked.RevokedAt, int64(Now+1))
	s.must(s.CreateOrganization(s.ctx, directory.Organization{ID: "org_new", Slug: "acme", Name: "Acme"}, Now))
	members, err := s.Members(s.ctx, "org_new", "", 10)
	s.must(err)
	s.is(len(members), 0)
}

func administersMembers(s *suite) {
	alice, carol := s.person("alice"), s.person("carol")
	s.is(s.RemoveMember(s.ctx, "org_acme", alice.ID), directory.ErrFromFile)
	s.is(s.RemoveMember(s.ctx, "org_acme", carol.ID), directory.ErrNoMember)
	s.is(s.SetMemberDisabled(s.ctx, "org_acme", carol.ID, true, Now), directory.ErrNoMember)
	s.must(s.Admit(s.ctx, directory.Admission{Organization: "org_acme", UserID: carol.ID, Roles: []string{}}, Now+1))
	got, err := s.Member(s.ctx, "org_acme", carol.ID)
	s.must(err)
	s.is(got, directory.MemberRecord{User: carol, Roles: []string{}, Source: directory.FromAdmin, CreatedAt: Now + 1})
	var ids []string
	for after := ""; ; {
		page, err := s.Members(s.ctx, "org_acme", after, 1)
		s.must(err)
		if len(page) == 0 {
			break
		}
		after = page[0].ID
		ids = append(ids, after)
	}
	s.is(len(ids), 3)
	s.is(slices.IsSorted(ids), true)
	s.must(s.RemoveMember(s.ctx, "org_acme", carol.ID))
	_, err = s.Member(s.ctx, "org_acme", carol.ID)
	s.is(err, directory.ErrNoMember)

	known, err := s.EnsureUser(s.ctx, directory.User{ID: "usr_new", Issuer: alice.Issuer, Subject: "alice", Name: "Other", Email: "other"}, Now)
	s.must(err)
	s.is(known, alice)
}

func blocksMembers(s *suite) {
	alice := s.person("alice")
	n := s.session(alice)
	admits := func(organization string) bool {
		subject, err := s.Subject(s.ctx, n.ID, organization, Now)
		s.must(err)
		all, err := s.Memberships(s.ctx, n.ID, 10, Now)
		s.must(err)
		listed := slices.ContainsFunc(all, func(m directory.Membership) bool { return m.Organization.Slug == organization })
		s.is(listed, subject.Membership != nil)
		return listed
	}
	s.must(s.SetMemberDisabled(s.ctx, "org_acme", alice.ID, true, Now+1))
	s.must(s.SetMemberDisabled(s.ctx, "org_acme", alice.ID, true, Now+2))
	s.is([]bool{admits("acme"), admits("globex")}, []bool{false, true})
	got, err := s.Member(s.ctx, "org_acme", alice.ID)
	s.must(err)
	s.is(got.DisabledAt, int64(Now+1))
	s.must(s.SetMemberDisabled(s.ctx, "org_acme", alice.ID, false, Now+3))
	s.is(admits("acme"), true)

	// A membership that a claim or a provider gave stays blocked while it ends and
	// returns.
	carol, dave := s.person("carol"), s.person("dave")
	claimed := map[string][]string{"acme": {"viewer"}}
	comes := func() {
		s.must(s.ReplaceClaimed(s.ctx, carol.ID, claimed, Now))
		s.must(s.Provision(s.ctx, dave.ID, "org_acme", []string{"viewer"}, true, Now))
	}
	comes()
	s.must(s.SetMemberDisabled(s.ctx, "org_acme", carol.ID, true, Now))
	s.must(s.SetMemberDisabled(s.ctx, "org_acme", dave.ID, true, Now))
	s.must(s.ReplaceClaimed(s.ctx, carol.ID, nil, Now))
	s.must(s.Deprovision(s.ctx, dave.ID, "org_acme"))
	comes()
	n = s.session(carol)
	s.is(admits("acme"), false)
	n = s.session(dave)
	s.is(admits("acme"), false)
}

func administersUsers(s *suite) {
	alice := s.person("alice")
	s.must(s.SetUserDisabled(s.ctx, alice.ID, true, Now+1))
	s.must(s.SetUserDisabled(s.ctx, alice.ID, true, Now+2))
	got, err := s.User(s.ctx, alice.ID)
	s.must(err)
	disabled := alice
	disabled.Disabled = true
	s.is(got, directory.UserRecord{User: disabled, CreatedAt: got.CreatedAt, SeenAt: Now, DisabledAt: Now + 1})
	s.must(s.SetUserDisabled(s.ctx, alice.ID, false, Now+3))
	s.is(s.person("alice").Disabled, false)
	s.is(s.SetUserDisabled(s.ctx, "usr_nobody", true, Now), directory.ErrNoUser)
	_, err = s.User(s.ctx, "usr_nobody")
	s.is(err, directory.ErrNoUser)
	first, err := s.Users(s.ctx, "", 1)
	s.must(err)
	rest, err := s.Users(s.ctx, first[0].ID, 10)
	s.must(err)
	s.is([]int{len(first), len(rest)}, []int{1, 1}) // alice and bob
}

func endsStays(s *suite) {
	alice, bob := s.person("alice"), s.person("bob")
	first, second, other := s.session(alice), s.session(alice), s.session(bob)
	for _, n := range []session.Session{first, second, other} {
		s.must(s.Enter(s.ctx, n.ID, "org_acme", begun(Now)))
	}
	s.must(s.Enter(s.ctx, first.ID, "org_globex", begun(Now)))
	listed := func(organization, user string) (ids []string) {
		all, err := s.OrganizationSessions(s.ctx, organization, user, "", Now, 10)
		s.must(err)
		for _, stay := range all {
			ids = append(ids, stay.SessionID.String())
		}
		return ids
	}
	s.is(len(listed("org_acme", "")), 3)
	s.is(len(listed("org_acme", alice.ID)), 2)
	ended, err := s.EndOrganizationSession(s.ctx, "org_acme", first.ID, Now+1)
	s.must(err)
	again, err := s.EndOrganizationSession(s.ctx, "org_acme", first.ID, Now+2)
	s.must(err)
	s.is([]bool{ended, again}, []bool{true, false})
	s.is(listed("org_acme", alice.ID), []string{second.ID.String()})
	s.must(s.EndOrganizationSessions(s.ctx, "org_acme", alice.ID, Now+3))
	s.is(listed("org_acme", ""), []string{other.ID.String()})
	s.is(listed("org_globex", ""), []string{first.ID.String()})
	s.is(s.stay(first, "acme").EndReason, policy.Revoked)
	s.is(s.stored(first.ID).RevokedAt, int64(0))
	s.must(s.Revoke(s.ctx, first.ID, session.ReasonAdmin, Now))
	s.is(len(listed("org_globex", "")), 0)
	page, err := s.LivePage(s.ctx, alice.ID, "", Now, 10)
	s.must(err)
	s.is(len(page), 1)
	page, err = s.LivePage(s.ctx, alice.ID, page[0].ID.String(), Now, 10)
	s.must(err)
	s.is(len(page), 0)
}

func endsAllInBatches(s *suite) {
	alice, bob := s.person("alice"), s.person("bob")
	live := []session.Session{s.session(alice), s.session(bob), s.session(alice), s.session(bob)}
	ended := s.session(alice)
	s.must(s.Revoke(s.ctx, ended.ID, session.ReasonSignedOut, Now))
	var total, batches int64
	for after, more := "", true; more; batches++ {
		n, last, err := s.EndSessions(s.ctx, after, Now, session.ReasonAdmin, Now+1, 2)
		s.must(err)
		total, after, more = total+n, last, last != ""
	}
	s.is([]int64{total, batches}, []int64{4, 3})
	for _, n := range live {
		s.is(s.stored(n.ID).RevokeReason, session.ReasonAdmin)
	}
	s.is(s.stored(ended.ID).RevokeReason, session.ReasonSignedOut)
	began := s.session(alice)
	n, _, err := s.EndSessions(s.ctx, "", Now-1, session.ReasonAdmin, Now+1, 2)
	s.must(err)
	s.is([]any{n, s.stored(began.ID).RevokedAt}, []any{int64(0), int64(0)})
}

func keepsAnEpoch(s *suite) {
	read := func(adopt string) signingkey.DatabaseEpoch {
		e, err := s.Epoch(s.ctx, adopt)
		s.must(err)
		return e
	}
	s.is(read("first"), signingkey.DatabaseEpoch{Value: "first"})
	s.is(read("second"), signingkey.DatabaseEpoch{Value: "first"})
	s.must(s.SetEpoch(s.ctx, "second"))
	s.is(read(""), signingkey.DatabaseEpoch{Value: "second"})
}

// adoptsNoNamedEpoch: people used the database with a release that knew no epochs, or it was
// restored to such a time. A file that names one was given it later, to find that out.
func adoptsNoNamedEpoch(s *suite) {
	s.session(s.person("alice"))
	for range 2 {
		e, err := s.Epoch(s.ctx, "named")
		s.must(err)
		s.is(e, signingkey.DatabaseEpoch{})
	}
	e, err := s.Epoch(s.ctx, "")
	s.must(err)
	s.is(e, signingkey.DatabaseEpoch{})
	s.must(s.SetEpoch(s.ctx, "named"))
	e, err = s.Epoch(s.ctx, "named")
	s.must(err)
	s.is(e, signingkey.DatabaseEpoch{Value: "named"})
}

func rulesWorkspaceOnce(s *suite) {
	w, err := s.Workspace(s.ctx)
	s.must(err)
	s.must(s.SetWorkspacePolicy(s.ctx, *w, policy.Rules{AccessTTL: 61}))
	s.is(s.SetWorkspacePolicy(s.ctx, *w, policy.Rules{AccessTTL: 62}), directory.ErrOvertaken)
	got, err := s.Workspace(s.ctx)
	s.must(err)
	w.Revision, w.Policy = w.Revision+1, policy.Rules{AccessTTL: 61}
	s.is(got, w)
}

func keepsKeys(s *suite) {
	k := admin.Key{
		ID: "key_b", Kind: admin.Administration, Name: "b", Hash: "hash b", OrganizationID: "org_acme",
		CreatedAt: Now, CreatedBy: "key_a", ExpiresAt: Now + 60,
	}
	for range 2 { // a reply was lost
		s.must(s.AddKey(s.ctx, k))
	}
	s.must(s.AddKey(s.ctx, admin.Key{ID: "key_a", Kind: admin.Administration, Hash: "hash a"}))
	got, err := s.KeyByHash(s.ctx, "hash b")
	s.must(err)
	s.is(got, k)
	s.must(s.UseKey(s.ctx, "key_b", "new hash", Now+1))
	s.must(s.RevokeKey(s.ctx, "key_b", Now+2))
	s.must(s.RevokeKey(s.ctx, "key_b", Now+3))
	k.Hash, k.LastUsedAt, k.RevokedAt = "new hash", Now+1, Now+2
	got, err = s.Key(s.ctx, "key_b")
	s.must(err)
	s.is(got, k)
	_, err = s.KeyByHash(s.ctx, "hash b")
	s.is(err, admin.ErrNoKey)
	s.is(s.RevokeKey(s.ctx, "key_none", Now), admin.ErrNoKey)
	page, err := s.Keys(s.ctx, "key_a", 10)
	s.must(err)
	s.is(page, []admin.Key{k})
}

func eventsFiltered(s *suite) {
	for i, e := range []audit.Event{
		{Action: audit.SignIn, Actor: "usr_1", UserID: "usr_1"},
		{Action: audit.CreateKey, Actor: "key_1", ActorName: "first", OrganizationID: "org_acme", Target: "key_2"},
		{Action: audit.CreateKey, Actor: audit.CommandLine, OrganizationID: "org_acme"},
		{Action: audit.EndSession, Actor: "key_1", UserID: "usr_1", OrganizationID: "org_globex"},
	} {
		e.ID, e.At = fmt.Sprintf("evt_%d", i), Now+int64(i)
		s.must(s.RecordEvent(s.ctx, e))
	}
	for _, c := range []struct {
		q    audit.Query
		want []string
	}{
		{audit.Query{Action: audit.CreateKey}, []string{"evt_2", "evt_1"}},
		{audit.Query{Actor: "key_1"}, []string{"evt_3", "evt_1"}},
		{audit.Query{Since: Now + 2}, []string{"evt_3", "evt_2"}},
		{audit.Query{Until: Now + 1}, []string{"evt_1", "evt_0"}},
		{audit.Query{UserID: "usr_1", Actor: "key_1"}, []string{"evt_3"}},
		{audit.Query{OrganizationID: "org_acme", Since: Now + 1, Until: Now + 1}, []string{"evt_1"}},
		{audit.Query{OrganizationID: "org_globex", UserID: "usr_1", Action: audit.SignIn}, nil},
	} {
		c.q.Limit = 10
		all, err := s.Events(s.ctx, c.q)
		s.must(err)
		var ids []string
		for _, e := range all {
			ids = append(ids, e.ID)
		}
		s.is(ids, c.want)
	}
}
