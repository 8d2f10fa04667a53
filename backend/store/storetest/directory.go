package storetest

import (
	"errors"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/backend/session"
)

func subjects(s *suite) {
	alice := s.person("alice")
	n := s.session(alice)
	byID, err := s.Subject(s.ctx, n.ID, "org_acme", Now)
	s.must(err)
	bySlug, err := s.Subject(s.ctx, n.ID, "acme", Now)
	s.must(err)
	s.is(byID, bySlug)
	workspace, err := s.Workspace(s.ctx)
	s.must(err)
	s.is(byID, directory.Subject{
		Session: minted(n),
		User:    directory.User{ID: alice.ID, Issuer: "https://id.test", Subject: "alice", Name: "Name of alice"},
		Membership: &directory.Membership{
			Organization: directory.Organization{ID: "org_acme", Slug: "acme", Name: "The acme", Rules: policy.Rules{AccessTTL: 60}},
			Roles:        []string{"admin", "billing"},
		},
		Revision: workspace.Revision,
		Event:    s.feed().Number,
	})
	s.is(workspace.Apps, Desired().Workspace.Apps)
	revision, err := s.WorkspaceRevision(s.ctx)
	s.must(err)
	s.is(revision, workspace.Revision)
}

func keepsAttributes(s *suite) {
	alice := s.person("alice")
	n := s.session(alice)
	of := func() (organization, member directory.Attributes, provider directory.ProviderClaims, roles []string) {
		subject, err := s.Subject(s.ctx, n.ID, "acme", Now)
		s.must(err)
		m := subject.Membership
		return m.Organization.Attributes, m.Attributes, subject.ProviderClaims, m.Roles
	}
	plan, level, said := directory.Attributes(`{"plan":"it's ]{ \"pro\""}`), directory.Attributes(`{"level":2}`), directory.ProviderClaims(`{"":{"e":1}}`)
	s.must(s.ChangeAttributes(s.ctx, "org_acme", "", plan))
	s.must(s.ChangeMemberAttributes(s.ctx, "org_acme", alice.ID, "", level))
	s.must(s.ChangeProviderClaims(s.ctx, alice.ID, "", said))
	organization, member, provider, roles := of()
	s.is([]any{organization, member, provider, roles}, []any{plan, level, said, []string{"admin", "billing"}})
	for what, err := range map[string]error{
		"organization": s.ChangeAttributes(s.ctx, "org_acme", "", level),
		"member":       s.ChangeMemberAttributes(s.ctx, "org_acme", alice.ID, plan, ""),
		"nobody":       s.ChangeMemberAttributes(s.ctx, "org_acme", "usr_nobody", "", level),
		"provider":     s.ChangeProviderClaims(s.ctx, alice.ID, "", ""),
	} {
		if !errors.Is(err, directory.ErrOvertaken) {
			s.Errorf("%s: %v", what, err)
		}
	}
	given := directory.Member{User: alice, Roles: []string{"admin"}}
	for _, given.Attributes = range []directory.Attributes{`{"level":3}`, ""} {
		s.must(s.ChangeFileMembers(s.ctx, "org_acme", []directory.Member{given}, nil, Now))
	}
	_, member, _, roles = of()
	s.is([]any{member, roles}, []any{directory.Attributes(`{"level":3}`), []string{"admin"}})
	r, err := s.Organization(s.ctx, "acme")
	s.must(err)
	m, err := s.Member(s.ctx, "org_acme", alice.ID)
	s.must(err)
	s.is([]any{r.Attributes, m.Attributes}, []any{plan, member})
}

func strangers(s *suite) {
	n := s.session(s.person("bob"))
	for _, ref := range []string{"globex", "org_globex", "nowhere", "org_nowhere", "hooli", "org_hooli", "", "org_acme' OR '1'='1"} {
		subject, err := s.Subject(s.ctx, n.ID, ref, Now)
		s.must(err)
		if subject.Membership != nil {
			s.Errorf("%q admits bob", ref)
		}
		s.is(subject.Session, minted(n))
	}
}

// minted returns the fields of a session that a mint needs.
func minted(n session.Session) session.Session {
	n.Attempt, n.UpstreamSID, n.UpstreamToken, n.UserAgent, n.Address = "", "", "", "", ""
	return n
}

func memberships(s *suite) {
	slugs := func(user directory.User, limit int) []string {
		members, err := s.Memberships(s.ctx, s.session(user).ID, limit, Now)
		s.must(err)
		var all []string
		for _, m := range members {
			all = append(all, m.Organization.Slug)
		}
		return all
	}
	s.is(slugs(s.person("alice"), 10), []string{"acme", "globex"})
	s.is(slugs(s.person("alice"), 1), []string{"acme"})
	s.is(slugs(s.person("nobody"), 10), []string(nil))
	after := func(id string) []string {
		members, err := s.MembershipsAfter(s.ctx, s.session(s.person("alice")).ID, id, 10, Now)
		s.must(err)
		var all []string
		for _, m := range members {
			all = append(all, m.Organization.Slug)
		}
		return all
	}
	s.is(after("org_acme"), []string{"globex"})
	s.is(after("org_globex"), []string(nil))
	s.is(after("org_nowhere"), []string(nil))
}

func signsIn(s *suite) {
	made, err := s.SignIn(s.ctx, directory.User{ID: "usr_1", Issuer: "https://id.test", Subject: "carol", Name: "Carol", Email: "c@test"}, Now)
	s.must(err)
	again, err := s.SignIn(s.ctx, directory.User{ID: "usr_2", Issuer: "https://id.test", Subject: "carol", Name: "Carol Two"}, Now)
	s.must(err)
	s.is(again, directory.User{ID: made.ID, Issuer: made.Issuer, Subject: "carol", Name: "Carol Two", Email: "c@test"})
	elsewhere, err := s.SignIn(s.ctx, directory.User{ID: "usr_3", Issuer: "https://other.test", Subject: "carol", Email: "c@test"}, Now)
	s.must(err)
	if elsewhere.ID == made.ID {
		s.Error("two providers' carol are one person")
	}
}

func claims(s *suite) {
	bob := s.person("bob")
	n := s.session(bob)
	roles := func() map[string][]string {
		members, err := s.Memberships(s.ctx, n.ID, 10, Now)
		s.must(err)
		all := map[string][]string{}
		for _, m := range members {
			all[m.Organization.Slug] = m.Roles
		}
		return all
	}
	s.must(s.ReplaceClaimed(s.ctx, bob.ID, map[string][]string{"globex": {"viewer"}, "acme": {"admin"}, "nowhere": {}}, Now))
	s.is(roles(), map[string][]string{"acme": {}, "globex": {"viewer"}}) // acme is managed by the file
	claimed := func() map[string][]string {
		all, err := s.ClaimedRoles(s.ctx, bob.ID)
		s.must(err)
		return all
	}
	s.is(claimed(), map[string][]string{"org_globex": {"viewer"}})
	s.must(s.ReplaceClaimed(s.ctx, bob.ID, map[string][]string{"globex": {"admin"}}, Now))
	s.is(roles(), map[string][]string{"acme": {}, "globex": {"admin"}})
	s.must(s.ReplaceClaimed(s.ctx, bob.ID, map[string][]string{}, Now))
	s.is(roles(), map[string][]string{"acme": {}})
	s.is(claimed(), map[string][]string{})
}

func organizationRules(s *suite) {
	rules, revision, err := s.OrganizationRules(s.ctx, "org_acme")
	s.must(err)
	s.is(rules, policy.Rules{AccessTTL: 60})
	w, err := s.Workspace(s.ctx)
	s.must(err)
	s.is(revision, w.Revision)
	for _, id := range []string{"org_hooli", "org_nothing", "acme", ""} { // disabled, unknown, a slug
		if _, _, err := s.OrganizationRules(s.ctx, id); !errors.Is(err, directory.ErrNoOrganization) {
			s.Errorf("%q has rules: %v", id, err)
		}
	}
}
