package browserapi_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
)

// justInTime admits all users just in time.
var justInTime = directory.Provisioning{JustInTime: true, Roles: []string{"viewer"}}

// groups maps groups to roles. Users without a mapped group are not members.
var groups = directory.Provisioning{JustInTime: true, Claim: "groups", Groups: map[string][]string{"staff": {"viewer"}, "heads": {"admin", "viewer"}}}

func TestProvisioning_FollowsProvider(t *testing.T) {
	defaults := groups
	defaults.Roles = []string{"viewer"}
	closed := groups
	closed.JustInTime = false
	for name, test := range map[string]struct {
		with   directory.Provisioning
		claims []any    // at each sign-in; nil for none
		want   []string // roles, joined; "-" for no member
	}{
		"just in time":                         {justInTime, []any{nil, nil}, []string{"viewer", "viewer"}},
		"just in time, without a role":         {directory.Provisioning{JustInTime: true}, []any{nil}, []string{""}},
		"nobody":                               {directory.Provisioning{}, []any{nil}, []string{"-"}},
		"by groups":                            {groups, []any{[]string{"staff"}, []string{"heads", "staff"}, "staff"}, []string{"viewer", "admin,viewer", "viewer"}},
		"in no group any more":                 {groups, []any{[]string{"staff"}, []string{"guests"}, []string{"heads"}}, []string{"viewer", "-", "admin,viewer"}},
		"the claim is missing":                 {groups, []any{[]string{"heads"}, nil}, []string{"admin,viewer", "admin,viewer"}},
		"in no group, with roles for everyone": {defaults, []any{[]string{"heads"}, []string{}}, []string{"admin,viewer", "viewer"}},
		"groups alone admit nobody":            {closed, []any{[]string{"heads"}}, []string{"-"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newBackend(t, nil)
			p := w.connect("umbrella", test.with)
			for i, claim := range test.claims {
				p.Claims = func(claims map[string]any) {
					if claims["groups"] = claim; claim == nil {
						delete(claims, "groups")
					}
				}
				b := w.begin("umbrella", "u")
				got := "-"
				if all := w.shown(b).Organizations; len(all) > 0 {
					got = strings.Join(all[0].Roles, ",")
				}
				if got != test.want[i] {
					t.Errorf("sign-in %d: %q, want %q", i, got, test.want[i])
				}
			}
		})
	}
}

// TestProvisioning_Audited checks for one event for each change.
func TestProvisioning_Audited(t *testing.T) {
	w := newBackend(t, nil)
	p := w.connect("umbrella", groups)
	said := map[audit.Action]int{}
	for _, step := range []struct {
		groups []string
		want   audit.Action // "" for no change
	}{
		{[]string{"staff"}, audit.AdmitMember}, {[]string{"staff"}, ""}, {[]string{"heads"}, audit.UpdateMember},
		{[]string{"guests"}, audit.RemoveMember}, {[]string{"guests"}, ""},
	} {
		p.Claims = func(claims map[string]any) { claims["groups"] = step.groups }
		w.begin("umbrella", "u")
		if step.want != "" {
			said[step.want]++
		}
		for _, action := range []audit.Action{audit.AdmitMember, audit.UpdateMember, audit.RemoveMember} {
			events := w.events(action)
			if len(events) != said[action] {
				t.Fatalf("%v: %d events of %s", step.groups, len(events), action)
			}
			for _, e := range events {
				if e.OrganizationID != "org_umbrella" || e.Target != "con_umbrella" || e.UserID == "" || e.Actor != audit.Server || e.Outcome != audit.Done {
					t.Errorf("%+v", e)
				}
			}
		}
	}
}

// TestProvisioning_OtherSourcesKept checks that claims do not change memberships of
// other sources.
func TestProvisioning_OtherSourcesKept(t *testing.T) {
	w := newBackend(t, nil)
	w.connect("acme", groups)
	w.rule(requireConnections("acme"))
	b := w.keyed("alice") // a member by the file
	w.enterBy(b, "acme", "a.martin")
	if got := w.mint(b, "acme").Roles; !slices.Equal(got, []string{"admin", "viewer"}) {
		t.Errorf("roles %v", got)
	}
	globex := w.connect("globex", groups)
	globex.Claims = func(claims map[string]any) { claims["groups"] = []string{"heads"} }
	w.begin("globex", "bob")
	if got := w.shown(w.keyed("bob")).Organizations; len(got) != 1 {
		t.Errorf("bob is in %+v", got)
	}
}

// TestProvisioning_JustInTimeInSession checks that the user can act for the
// organization in the same session.
func TestProvisioning_JustInTimeInSession(t *testing.T) {
	w := newBackend(t, nil)
	w.connect("umbrella", justInTime)
	b := w.keyed("bob")
	user := w.mint(b, "acme").User.ID
	b.Choose(b.Begin(publicURL+"/login?organization=umbrella&user="+user), "b.keller")
	if minted := w.mint(b, "umbrella"); minted.User.ID != user || !slices.Equal(minted.Roles, []string{"viewer"}) {
		t.Errorf("%+v", minted)
	}
	w.mint(b, "acme")
}

// TestProvisioning_OwnOrganizationOnly checks that a tenant's claims affect no other
// organization, even with a membership claim.
func TestProvisioning_OwnOrganizationOnly(t *testing.T) {
	w := newBackend(t, nil)
	acme := w.connect("acme", justInTime)
	d := desired()
	d.Workspace.MembershipClaim = &directory.MembershipClaim{Claim: "organizations", Roles: []string{"admin"}}
	w.Apply(d)
	acme.Claims = func(claims map[string]any) { claims["organizations"] = []string{"globex", "acme"} }
	w.begin("acme", "zoe")
	if n := w.Count(`SELECT COUNT(*) FROM memberships m JOIN users u ON u.id = m.user_id WHERE u.iss = 'con_acme'`); n != 1 {
		t.Errorf("%d memberships", n)
	}
}
