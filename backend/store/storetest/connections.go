package storetest

import (
	"context"
	"errors"
	"sync"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/session"
)

// Connections is the part of the store that makes, changes and ends connections.
type Connections interface {
	CreateConnection(ctx context.Context, c directory.Connection, now int64) error
	UpdateConnection(ctx context.Context, c directory.Connection) error
	EnableConnection(ctx context.Context, organizationID, id string) error
	DisableConnection(ctx context.Context, organizationID, id string) error
	DeleteConnection(ctx context.Context, organizationID, id string, now int64) error
	Unlink(ctx context.Context, connectionID, userID string) error
	ConnectionsOf(ctx context.Context, organizationID, after string, limit int) ([]directory.Connection, error)
}

// connection returns acme's connection as first stored.
func connection(id string) directory.Connection {
	return directory.Connection{
		ID: id, OrganizationID: "org_acme", Issuer: "https://login.acme.test", ClientID: "tabard", SealedSecret: "sealed",
		Scopes: []string{"profile", "groups"},
		Provisioning: directory.Provisioning{
			JustInTime: true, Roles: []string{"viewer"},
			Claim: "groups", ClaimSource: directory.FromUserInfo, ClaimSeparator: ",", Groups: map[string][]string{"staff": {"admin"}},
		},
		UntypedLogoutTokens: true, FrontchannelLogout: true,
		ClientAuth: directory.PrivateKeyJWT, ResponseMode: "form_post", PushRequests: true, AssertionAudience: directory.TokenEndpoint,
		Revalidation: directory.Revalidation{Revalidate: 300, RevalidateGrace: 3600},
		Revision:     1,
	}
}

func (s *suite) connected(id string) directory.Connection {
	s.Helper()
	c := connection(id)
	s.must(s.CreateConnection(s.ctx, c, Now))
	return c
}

// found returns a connection from the store.
func (s *suite) found(id string) directory.Connection {
	s.Helper()
	c, err := s.Connection(s.ctx, id)
	s.must(err)
	return c
}

func keepsConnections(s *suite) {
	c := s.connected("con_1")
	s.is(s.found("con_1"), c)
	s.must(s.CreateConnection(s.ctx, c, Now)) // a reply was lost
	other := c
	other.OrganizationID, other.SealedSecret = "org_globex", "other"
	s.is(s.CreateConnection(s.ctx, other, Now), directory.ErrConnectionExists)
	other.ID, other.OrganizationID = "con_2", "org_nowhere"
	s.is(s.CreateConnection(s.ctx, other, Now), directory.ErrNoOrganization)

	c.ClientID, c.Scopes, c.Provisioning, c.UntypedLogoutTokens, c.SealedSecret = "another", nil, directory.Provisioning{}, false, ""
	c.ClientAuth, c.ResponseMode, c.PushRequests, c.AssertionAudience = "", "", false, ""
	s.must(s.UpdateConnection(s.ctx, c))
	c.SealedSecret, c.Revision = "sealed", 2
	s.is(s.found("con_1"), c)
	c.SealedSecret = "another"
	s.must(s.UpdateConnection(s.ctx, c))
	s.is(s.found("con_1").SealedSecret, "another")

	moved := c
	moved.Issuer = "https://elsewhere.test"
	s.is(s.UpdateConnection(s.ctx, moved), directory.ErrIssuer)
	foreign := c
	foreign.OrganizationID = "org_globex"
	s.is(s.UpdateConnection(s.ctx, foreign), directory.ErrNoConnection)
	_, err := s.Connection(s.ctx, "con_nowhere")
	s.is(err, directory.ErrNoConnection)
}

func listsConnections(s *suite) {
	s.connected("con_b")
	s.connected("con_a")
	s.connected("con_c")
	s.must(s.DeleteConnection(s.ctx, "org_acme", "con_c", Now))
	ids := func(organization, after string, limit int) (all []string) {
		page, err := s.ConnectionsOf(s.ctx, organization, after, limit)
		s.must(err)
		for _, c := range page {
			all = append(all, c.ID)
		}
		return all
	}
	s.is(ids("org_acme", "", 10), []string{"con_a", "con_b"})
	s.is(ids("org_acme", "", 1), []string{"con_a"})
	s.is(ids("org_acme", "con_a", 10), []string{"con_b"})
	s.is(ids("org_globex", "", 10), []string(nil))
}

func enablesOne(s *suite) {
	s.connected("con_1")
	s.connected("con_2")
	n := s.session(s.person("alice"))
	own := func() string {
		subject, err := s.Subject(s.ctx, n.ID, "acme", Now)
		s.must(err)
		return subject.Membership.Organization.Connection
	}
	s.must(s.EnableConnection(s.ctx, "org_acme", "con_1"))
	s.must(s.EnableConnection(s.ctx, "org_acme", "con_1"))
	s.is(s.EnableConnection(s.ctx, "org_acme", "con_2"), directory.ErrOtherConnection)
	s.is(s.EnableConnection(s.ctx, "org_globex", "con_2"), directory.ErrNoConnection)
	s.is([]any{own(), s.found("con_1").Enabled, s.found("con_2").Enabled}, []any{"con_1", true, false})

	s.must(s.DisableConnection(s.ctx, "org_acme", "con_2")) // it was not enabled
	s.is(s.DisableConnection(s.ctx, "org_globex", "con_1"), directory.ErrNoConnection)
	s.is(own(), "con_1")
	s.must(s.DisableConnection(s.ctx, "org_acme", "con_1"))
	s.is([]any{own(), s.found("con_1").Enabled}, []any{"", false})
	s.must(s.EnableConnection(s.ctx, "org_acme", "con_2"))
	s.is(own(), "con_2")
}

func deletesForGood(s *suite) {
	c := s.connected("con_1")
	s.must(s.EnableConnection(s.ctx, "org_acme", "con_1"))
	s.is(s.DeleteConnection(s.ctx, "org_globex", "con_1", Now), directory.ErrNoConnection)
	s.must(s.DeleteConnection(s.ctx, "org_acme", "con_1", Now))
	_, err := s.Connection(s.ctx, "con_1")
	s.is(err, directory.ErrNoConnection)
	s.is(s.DeleteConnection(s.ctx, "org_acme", "con_1", Now), directory.ErrNoConnection)
	s.is(s.EnableConnection(s.ctx, "org_acme", "con_1"), directory.ErrNoConnection)
	s.is(s.UpdateConnection(s.ctx, c), directory.ErrNoConnection)
	s.is(s.CreateConnection(s.ctx, c, Now), directory.ErrConnectionExists)
	at, err := s.SignInAt(s.ctx, "acme")
	s.must(err)
	s.is(at, directory.SignInAt{})
}

func leadsToTheConnection(s *suite) {
	c := s.connected("con_1")
	c.Enabled = true
	s.must(s.EnableConnection(s.ctx, "org_acme", "con_1"))
	hidden := connection("con_2")
	hidden.OrganizationID = "org_hooli" // which is disabled
	s.must(s.CreateConnection(s.ctx, hidden, Now))
	s.must(s.EnableConnection(s.ctx, "org_hooli", "con_2"))
	for ref, want := range map[string]directory.SignInAt{
		"acme": {Connection: &c}, "org_acme": {Connection: &c}, "globex": {}, "hooli": {}, "nowhere": {}, "": {},
	} {
		got, err := s.SignInAt(s.ctx, ref)
		s.must(err)
		s.is(got, want)
	}
	s.is(s.found("con_2").Enabled, false)
}

func linksOnce(s *suite) {
	s.connected("con_1")
	s.connected("con_2")
	alice, bob := s.person("alice"), s.person("bob")
	_, err := s.Linked(s.ctx, "con_1", "a")
	s.is(err, directory.ErrNoUser)
	s.must(s.Link(s.ctx, "con_1", "a", alice.ID, Now))
	s.must(s.Link(s.ctx, "con_1", "a", alice.ID, Now)) // a reply was lost
	s.is(s.Link(s.ctx, "con_1", "a", bob.ID, Now), directory.ErrLinked)
	s.is(s.Link(s.ctx, "con_1", "a2", alice.ID, Now), directory.ErrLinked)
	s.must(s.Link(s.ctx, "con_2", "a", bob.ID, Now)) // another provider's
	got, err := s.Linked(s.ctx, "con_1", "a")
	s.must(err)
	s.is(got.ID, alice.ID)
	_, err = s.Linked(s.ctx, "con_1", "a2")
	s.is(err, directory.ErrNoUser)

	subject, err := s.LinkedAs(s.ctx, "con_1", alice.ID)
	s.must(err)
	s.is(subject, "a")
	_, err = s.LinkedAs(s.ctx, "con_1", bob.ID)
	s.is(err, directory.ErrNoUser)
	s.must(s.Unlink(s.ctx, "con_1", alice.ID))
	s.must(s.Link(s.ctx, "con_1", "a", bob.ID, Now))
	s.is(s.Link(s.ctx, "con_1", "a", alice.ID, Now), directory.ErrLinked)
}

func linksOneInARace(s *suite) {
	s.connected("con_1")
	people := []directory.User{s.person("alice"), s.person("bob"), s.person("carol"), s.person("dave")}
	errs := make([]error, len(people))
	var group sync.WaitGroup
	for i, p := range people {
		group.Go(func() { errs[i] = s.Link(s.ctx, "con_1", "a", p.ID, Now) })
	}
	group.Wait()
	won, err := s.Linked(s.ctx, "con_1", "a")
	s.must(err)
	for i, p := range people {
		if (errs[i] == nil) != (p.ID == won.ID) || errs[i] != nil && !errors.Is(errs[i], directory.ErrLinked) {
			s.Errorf("%s, %v, and the link is %s's", p.Subject, errs[i], won.Subject)
		}
	}
}

func provisions(s *suite) {
	carol, bob := s.person("carol"), s.person("bob")
	roles := func(u directory.User) map[string][]string {
		members, err := s.Memberships(s.ctx, s.session(u).ID, 10, Now)
		s.must(err)
		all := map[string][]string{}
		for _, m := range members {
			all[m.Organization.Slug] = m.Roles
		}
		return all
	}
	provision := func(u directory.User, admit bool, names ...string) {
		s.must(s.Provision(s.ctx, u.ID, "org_acme", names, admit, Now))
	}
	provision(carol, false, "viewer")
	s.is(roles(carol), map[string][]string{})
	provision(carol, true, "viewer")
	s.is(roles(carol), map[string][]string{"acme": {"viewer"}})
	provision(carol, false, "admin", "viewer")
	s.is(roles(carol), map[string][]string{"acme": {"admin", "viewer"}})
	s.must(s.Deprovision(s.ctx, carol.ID, "org_globex"))
	s.is(len(roles(carol)), 1)
	s.must(s.Deprovision(s.ctx, carol.ID, "org_acme"))
	s.is(roles(carol), map[string][]string{})

	provision(bob, true, "admin") // made a member by the file
	s.must(s.Deprovision(s.ctx, bob.ID, "org_acme"))
	s.is(roles(bob), map[string][]string{"acme": {}})
}

// confined creates a session that began at an organization's own provider.
func (s *suite) confined(u directory.User, organization string) session.Session {
	s.Helper()
	n := newSession(u)
	n.SignIn.Connection, n.ConfinedTo = "con_1", organization
	s.must(s.Create(s.ctx, n))
	s.is(s.stored(n.ID), n)
	return n
}

func confines(s *suite) {
	alice := s.person("alice")
	n := s.confined(alice, "org_acme")
	for ref, opens := range map[string]bool{"acme": true, "org_acme": true, "globex": false, "org_globex": false} {
		subject, err := s.Subject(s.ctx, n.ID, ref, Now)
		s.must(err)
		s.is(subject.Membership != nil, opens)
	}
	members, err := s.Memberships(s.ctx, n.ID, 10, Now)
	s.must(err)
	s.is([]any{len(members), members[0].Organization.Slug}, []any{1, "acme"})
}

func endsTheConfined(s *suite) {
	alice := s.person("alice")
	free, one, two := s.session(alice), s.confined(alice, "org_acme"), s.confined(alice, "org_globex")
	got, err := s.Live(s.ctx, alice.ID, "org_acme", Now, 10)
	s.must(err)
	s.is(got, []session.Session{one})
	live := func() []bool {
		return []bool{s.stored(free.ID).RevokedAt == 0, s.stored(one.ID).RevokedAt == 0, s.stored(two.ID).RevokedAt == 0}
	}
	s.must(s.RevokeUser(s.ctx, alice.ID, "org_acme", session.ReasonSignedOut, Now+1))
	s.is(live(), []bool{true, false, true})
	s.must(s.Revoke(s.ctx, two.ID, session.ReasonReuse, Now+2))
	s.must(s.FollowUpThefts(s.ctx, true, Now+3)) // a theft at a tenant ends no other session
	s.is(live(), []bool{true, false, false})
}

func endsAtTheConnection(s *suite) {
	alice := s.person("alice")
	s.connected("con_1")
	s.must(s.Link(s.ctx, "con_1", "a", alice.ID, Now))
	free, one := s.session(alice), s.confined(alice, "org_acme")
	live := func() []bool { return []bool{s.stored(free.ID).RevokedAt == 0, s.stored(one.ID).RevokedAt == 0} }
	end := func(l session.UpstreamLogout) {
		l.Until = Now
		s.must(s.RevokeUpstream(s.ctx, l, session.ReasonUpstream, Now+1))
	}
	end(session.UpstreamLogout{Issuer: alice.Issuer, Connection: "con_1", Subject: "alice"})
	end(session.UpstreamLogout{Issuer: alice.Issuer, Connection: "con_2", Subject: "a"})
	end(session.UpstreamLogout{Issuer: "https://login.acme.test", Connection: "con_1", Subject: "b"})
	s.is(live(), []bool{true, true})
	end(session.UpstreamLogout{Issuer: "https://login.acme.test", Connection: "con_1", Subject: "a"})
	s.is(live(), []bool{true, false})
}
