package storetest

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/backend/session"
	"github.com/tabard-auth/tabard/backend/token/secevent"
)

// Endings is the feed of endings.
type Endings interface {
	Feed(ctx context.Context) (secevent.Feed, error)
	Endings(ctx context.Context, after int64, limit int) ([]secevent.Event, error)
	EndingBefore(ctx context.Context, at int64) (int64, error)
	ForgetEndings(ctx context.Context, before int64) error
	RestartFeed(ctx context.Context, now int64) error
}

func (s *suite) feed() secevent.Feed {
	s.Helper()
	f, err := s.Feed(s.ctx)
	s.must(err)
	return f
}

// since returns the events after a number, in their order.
func (s *suite) since(number int64) []secevent.Event {
	s.Helper()
	all, err := s.Endings(s.ctx, number, 10_000)
	s.must(err)
	for i, e := range all {
		if e.Number <= number || e.At == 0 {
			s.Errorf("after %d comes %+v", number, e)
		}
		all[i].At, number = 0, e.Number
	}
	if f := s.feed(); f.Number != number {
		s.Errorf("the feed is at %d, its newest event is %d", f.Number, number)
	}
	return all
}

// caused reports the events that a change caused unless they are the wanted ones.
func (s *suite) caused(what string, change func(), want ...secevent.Event) {
	s.Helper()
	before := s.feed().Number
	change()
	got := s.since(before)
	for i := range got {
		got[i].Number = 0
	}
	order := func(a, b secevent.Event) int { return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)) }
	slices.SortFunc(got, order)
	slices.SortFunc(want, order)
	if !slices.Equal(got, want) {
		s.Errorf("%s:\ngot  %+v\nwant %+v", what, got, want)
	}
}

func ofSession(reason session.Reason, n session.Session) secevent.Event {
	return secevent.Event{Reason: string(reason), Subject: secevent.Subject{Session: n.ID.String(), User: n.UserID}}
}

func ofStay(reason policy.EndReason, n session.Session, organization string) secevent.Event {
	return secevent.Event{Reason: string(reason), Subject: secevent.Subject{Session: n.ID.String(), User: n.UserID, Organization: organization}}
}

func ofMember(reason string, u directory.User, organization string) secevent.Event {
	return secevent.Event{Reason: reason, Subject: secevent.Subject{User: u.ID, Organization: organization}}
}

func ofOrganization(reason, organization string) secevent.Event {
	return secevent.Event{Reason: reason, Subject: secevent.Subject{Organization: organization}}
}

func endsSessionsInTheFeed(s *suite) {
	alice, bob := s.person("alice"), s.person("bob")
	signedOut, kept := s.acting(alice), s.acting(bob)
	child := s.child(alice, signedOut)
	s.caused("sign-out", func() { s.must(s.Revoke(s.ctx, signedOut.ID, session.ReasonSignedOut, Now)) },
		ofSession(session.ReasonSignedOut, signedOut), ofSession(session.ReasonParent, child))
	s.caused("sign-out again", func() { s.must(s.Revoke(s.ctx, signedOut.ID, session.ReasonAdmin, Now)) })
	stolen := newSession(alice)
	stolen.JKT = ""
	s.must(s.Create(s.ctx, stolen))
	s.caused("theft", func() { s.stolen(stolen, Now+1) }, ofSession(session.ReasonReuse, stolen))
	one, two := s.session(alice), s.session(alice)
	held := s.child(alice, one)
	s.caused("theft, of the person's other sessions", func() {
		s.must(s.RevokeUser(s.ctx, alice.ID, "", session.ReasonReuseElsewhere, Now))
	}, ofSession(session.ReasonReuseElsewhere, one), ofSession(session.ReasonReuseElsewhere, two), ofSession(session.ReasonParent, held))
	one, two = s.session(alice), s.session(alice)
	s.caused("everywhere", func() { s.must(s.RevokeUser(s.ctx, alice.ID, "", session.ReasonSignedOut, Now)) },
		ofSession(session.ReasonSignedOut, one), ofSession(session.ReasonSignedOut, two),
		ofSession(session.ReasonSignedOut, held), ofSession(session.ReasonSignedOut, child))
	upstream := newSession(alice)
	upstream.SignIn.Connection = ""
	s.must(s.Create(s.ctx, upstream))
	s.caused("provider", func() {
		s.must(s.RevokeUpstream(s.ctx, session.UpstreamLogout{Issuer: alice.Issuer, Subject: "alice", Until: Now}, session.ReasonUpstream, Now))
	}, ofSession(session.ReasonUpstream, upstream))
	old, next := s.acting(alice), newSession(alice)
	next.Replaces = old.ID
	s.must(s.Create(s.ctx, next))
	s.caused("step-up", func() { s.must(s.TakeOver(s.ctx, old.ID, next.ID, Now)) }, ofSession(session.ReasonStepUp, old))
	s.caused("administrator, all", func() {
		n, _, err := s.EndSessions(s.ctx, "", Now+1, session.ReasonAdmin, Now, 10)
		s.must(err)
		s.is(n, int64(2))
	}, ofSession(session.ReasonAdmin, kept), ofSession(session.ReasonAdmin, next))
	before := s.feed().Number
	child = s.child(bob, kept)
	if got := s.since(before); len(got) != 1 || got[0].Session != child.ID.String() {
		s.Errorf("a child of a session that has ended: %+v", got)
	}
}

func endsOrganizationSessionsInTheFeed(s *suite) {
	alice := s.person("alice")
	n := s.acting(alice)
	child := s.child(alice, n)
	leave := func(why policy.EndReason, organization string) func() {
		return func() {
			_, err := s.Leave(s.ctx, n.ID, organization, policy.OrganizationSession{StartedAt: Now - 30, ActiveAt: Now, EndedAt: Now, EndReason: why})
			s.must(err)
		}
	}
	s.caused("idle", leave(policy.Idle, "org_globex"))
	s.caused("signed out", leave(policy.SignedOut, "org_acme"), ofStay(policy.SignedOut, n, "org_acme"), ofSession(session.ReasonParent, child))
	older, newer := s.acting(alice), s.acting(alice)
	s.must(s.Touch(s.ctx, newer.ID, "org_acme", policy.OrganizationSession{ActiveAt: Now}))
	child = s.child(alice, older)
	s.caused("limit of sessions", func() { s.must(s.Supersede(s.ctx, newer.ID, "org_acme", 1, Now)) },
		ofStay(policy.Superseded, older, "org_acme"), ofSession(session.ReasonParent, child))
	s.caused("administrator", func() {
		_, err := s.EndOrganizationSession(s.ctx, "org_acme", newer.ID, Now)
		s.must(err)
	}, ofStay(policy.Revoked, newer, "org_acme"))
	third := s.acting(alice)
	s.caused("administrator, all of a person", func() { s.must(s.EndOrganizationSessions(s.ctx, "org_acme", alice.ID, Now)) },
		ofStay(policy.Revoked, third, "org_acme"))
	s.caused("what ends nothing", func() {
		fourth := s.acting(alice)
		s.must(s.Touch(s.ctx, fourth.ID, "org_acme", policy.OrganizationSession{ActiveAt: Now}))
		s.must(s.Use(s.ctx, fourth.ID, fourth.Cur, Now+1))
		s.must(s.SetAuthentication(s.ctx, fourth.ID, "org_acme", policy.Authentication{Time: Now}))
		_, err := s.Redeem(s.ctx, session.Redemption{
			Token: session.Successor(fourth.ID, fourth.Row, session.NewTokenID(), Now+1), Device: true, Limits: session.LimitsFor(true), Now: Now + 1,
		})
		s.must(err)
	})
}

func endsMembershipsInTheFeed(s *suite) {
	w, err := s.Workspace(s.ctx)
	s.must(err)
	w.Roles = map[string][]string{"viewer": {"notes:read"}, "editor": {"notes:read", "notes:write"}}
	s.must(s.SetWorkspacePolicy(s.ctx, *w, w.Policy))
	u, member := s.person("carol"), func(reason string) secevent.Event { return ofMember(reason, s.person("carol"), "org_acme") }
	admit := func(roles ...string) {
		s.must(s.Admit(s.ctx, directory.Admission{Organization: "acme", UserID: u.ID, Roles: roles}, Now))
	}
	s.caused("admitted", func() { admit("viewer") })
	s.caused("admitted as before", func() { admit("viewer") })
	s.caused("other roles", func() { s.must(s.ChangeMember(s.ctx, "org_acme", u.ID, []string{"editor"}, Now)) }, member("roles_changed"))
	s.caused("disabled", func() { s.must(s.SetMemberDisabled(s.ctx, "org_acme", u.ID, true, Now)) }, member("member_disabled"))
	s.caused("enabled", func() { s.must(s.SetMemberDisabled(s.ctx, "org_acme", u.ID, false, Now)) })
	s.caused("attributes", func() { s.must(s.ChangeMemberAttributes(s.ctx, "org_acme", u.ID, "", `{"level":2}`)) }, member("attributes_changed"))
	s.caused("claims of a provider", func() { s.must(s.ChangeProviderClaims(s.ctx, u.ID, "", `{"":{"level":2}}`)) },
		secevent.Event{Reason: "provider_claims_changed", Subject: secevent.Subject{User: u.ID}})
	s.caused("removed", func() { s.must(s.RemoveMember(s.ctx, "org_acme", u.ID)) }, member("member_removed"))
	s.caused("given by a connection", func() { s.must(s.Provision(s.ctx, u.ID, "org_acme", []string{"viewer"}, true, Now)) })
	s.caused("other roles by a connection", func() { s.must(s.Provision(s.ctx, u.ID, "org_acme", []string{"editor"}, false, Now)) }, member("roles_changed"))
	s.caused("taken by a connection", func() { s.must(s.Deprovision(s.ctx, u.ID, "org_acme")) }, member("member_removed"))
	claim := func(roles ...string) func() {
		return func() {
			claimed := map[string][]string{}
			if len(roles) > 0 {
				claimed["acme"] = roles
			}
			s.must(s.ReplaceClaimed(s.ctx, u.ID, claimed, Now))
		}
	}
	s.caused("claimed", claim("viewer"))
	s.caused("other roles claimed", claim("editor"), member("roles_changed"))
	s.caused("no more claimed", claim(), member("member_removed"))
	staff := func(until int64) {
		s.must(s.GrantStaff(s.ctx, directory.StaffAccess{OrganizationID: "org_acme", UserID: u.ID, Roles: []string{"viewer"}, CreatedAt: Now, ExpiresAt: until, Reason: "r", GrantedBy: "b"}))
	}
	s.caused("staff", func() { staff(Now + 600) })
	s.caused("staff for longer", func() { staff(Now + 900) })
	s.caused("staff for less", func() { staff(Now + 60) }, member("staff_ended"))
	s.caused("staff ended", func() { s.must(s.EndStaff(s.ctx, "org_acme", u.ID)) }, member("staff_ended"))
	s.caused("person disabled", func() { s.must(s.SetUserDisabled(s.ctx, u.ID, true, Now)) },
		secevent.Event{Reason: "person_disabled", Subject: secevent.Subject{User: u.ID}})
	s.caused("person enabled", func() { s.must(s.SetUserDisabled(s.ctx, u.ID, false, Now)) })
}

func endsOrganizationsInTheFeed(s *suite) {
	of := func(reason string) secevent.Event { return ofOrganization(reason, "org_acme") }
	disable := func(disabled bool) func() {
		return func() { s.must(s.SetOrganizationDisabled(s.ctx, "org_acme", disabled, Now)) }
	}
	s.caused("disabled", disable(true), of("organization_disabled"))
	s.caused("disabled again", disable(true))
	s.caused("enabled", disable(false))
	rules := func() { s.must(s.SetOrganizationPolicy(s.ctx, "org_acme", policy.Rules{AccessTTL: 30})) }
	s.caused("rules", rules, of("rules_changed"))
	s.caused("the same rules", rules)
	s.caused("name", func() { s.must(s.RenameOrganization(s.ctx, "org_acme", "", "Another")) })
	s.caused("slug", func() { s.must(s.RenameOrganization(s.ctx, "org_acme", "another", "")) }, of("organization_renamed"))
	s.caused("attributes", func() { s.must(s.ChangeAttributes(s.ctx, "org_acme", "", `{"plan":"pro"}`)) }, of("attributes_changed"))
	s.caused("the same attributes", func() { s.must(s.ChangeAttributes(s.ctx, "org_acme", `{"plan":"pro"}`, `{"plan":"pro"}`)) })
	s.connected("con_1")
	s.caused("connection enabled", func() { s.must(s.EnableConnection(s.ctx, "org_acme", "con_1")) })
	s.caused("connection disabled", func() { s.must(s.DisableConnection(s.ctx, "org_acme", "con_1")) }, of("connection_disabled"))
	s.must(s.EnableConnection(s.ctx, "org_acme", "con_1"))
	s.caused("connection deleted", func() { s.must(s.DeleteConnection(s.ctx, "org_acme", "con_1", Now)) }, of("connection_disabled"))
	before := s.feed().Number
	s.must(s.DeleteOrganization(s.ctx, "org_acme", Now))
	if got := s.since(before); len(got) == 0 || got[0].Reason != "organization_disabled" || got[0].Organization != "org_acme" {
		s.Errorf("deleted: %+v", got)
	}
}

func endsForTheWorkspaceInTheFeed(s *suite) {
	change := func(f func(*directory.Workspace)) func() {
		return func() {
			w, err := s.Workspace(s.ctx)
			s.must(err)
			rules := w.Policy
			if f(w); w.Policy.IdleTimeout != 0 {
				rules = w.Policy
			}
			s.must(s.SetWorkspacePolicy(s.ctx, *w, rules))
		}
	}
	change(func(w *directory.Workspace) {
		w.Roles = map[string][]string{"viewer": {"notes:read"}, "editor": {"notes:read", "notes:write"}, "none": {}}
		w.Apps = append(w.Apps, directory.App{ID: "second", Origins: []string{"https://second.test"}, Audience: "https://second.test/api"})
	})()
	whole, app := secevent.Event{Reason: "roles_changed"}, secevent.Event{Reason: "app_changed", Subject: secevent.Subject{App: "second"}}
	s.caused("the same", change(func(*directory.Workspace) {}))
	s.caused("a wider role, and another", change(func(w *directory.Workspace) {
		w.Roles["viewer"], w.Roles["owner"] = []string{"notes:read", "notes:list"}, []string{"all"}
	}))
	s.caused("a narrower role", change(func(w *directory.Workspace) { w.Roles["editor"] = []string{"notes:write"} }), whole)
	s.caused("a role less", change(func(w *directory.Workspace) {
		maps.DeleteFunc(w.Roles, func(r string, _ []string) bool { return r == "none" })
	}), whole)
	s.caused("an app's name", change(func(w *directory.Workspace) { w.Apps[1].Name = "Other" }))
	s.caused("an app's audience", change(func(w *directory.Workspace) { w.Apps[1].Audience = "https://other.test/api" }), app)
	stating := func(value string) func() {
		return change(func(w *directory.Workspace) {
			w.Apps[1].StatedClaims = map[string]directory.StatedClaim{"role": {Value: value}}
		})
	}
	s.caused("a stated claim", stating("user"), app)
	s.caused("the same claim", stating("user"))
	s.caused("another value of it", stating("admin"), app)
	s.caused("an app disabled", change(func(w *directory.Workspace) { w.Apps[1].Disabled = true }), app)
	s.caused("an app enabled", change(func(w *directory.Workspace) { w.Apps[1].Disabled = false }))
	s.caused("an app removed", change(func(w *directory.Workspace) { w.Apps = w.Apps[:1] }), app)
	s.caused("rules", change(func(w *directory.Workspace) { w.Policy.IdleTimeout = 600 }), secevent.Event{Reason: "rules_changed"})
	k, other := s.key("", 1), s.key("", 2)
	s.caused("a key withdrawn", func() {
		_, err := s.RetireSigningKey(s.ctx, k.ID, audit.CommandLine, Now)
		s.must(err)
	}, secevent.Event{Reason: "key_withdrawn", Key: k.ID})
	s.caused("keys that end by schedule", func() { s.must(s.EndSigningKeys(s.ctx, "", Now+600)) })
	s.caused("a key withdrawn before its end", func() {
		_, err := s.RetireSigningKey(s.ctx, other.ID, audit.CommandLine, Now)
		s.must(err)
	}, secevent.Event{Reason: "key_withdrawn", Key: other.ID})
}
