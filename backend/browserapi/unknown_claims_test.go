package browserapi_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

// unknownClaims are answers without a user's groups, with the reason.
var unknownClaims = map[string]struct {
	told map[string]any // nil removes a claim
	why  directory.Unknown
}{
	"too many groups":      {map[string]any{"groups": nil, "_claim_names": map[string]any{"groups": "src1"}}, directory.ClaimElsewhere},
	"too many, by source":  {map[string]any{"groups": nil, "_claim_names": map[string]any{"groups": "src1"}, "_claim_sources": map[string]any{"src1": map[string]any{"endpoint": "https://graph.example"}}}, directory.ClaimElsewhere},
	"hasgroups":            {map[string]any{"groups": nil, "hasgroups": true}, directory.ClaimElsewhere},
	"missing":              {map[string]any{"groups": nil}, directory.ClaimMissing},
	"null":                 {map[string]any{"groups": json.RawMessage("null")}, directory.ClaimNull},
	"a number":             {map[string]any{"groups": 7}, directory.ClaimMalformed},
	"a list of objects":    {map[string]any{"groups": []any{map[string]any{"name": "staff"}}}, directory.ClaimMalformed},
	"a blank name":         {map[string]any{"groups": []string{""}}, directory.ClaimMalformed},
	"repeated inside":      {map[string]any{"groups": json.RawMessage(`{"heads":true,"heads":false}`)}, directory.ClaimMissing},
	"none, and too many":   {map[string]any{"groups": []string{}, "hasgroups": true}, directory.ClaimElsewhere},
	"none, and unclear":    {map[string]any{"groups": []string{}, "_claim_names": json.RawMessage(`{"groups":"src1","groups":"src2"}`)}, directory.ClaimElsewhere},
	"none, and unreadable": {map[string]any{"groups": []string{}, "_claim_names": []string{"groups"}}, directory.ClaimElsewhere},
	"not Unicode":          {map[string]any{"groups": json.RawMessage(`["\ud800"]`)}, directory.ClaimMalformed},
	"too deep":             {map[string]any{"groups": json.RawMessage(strings.Repeat("[", 100) + strings.Repeat("]", 100))}, directory.ClaimMissing},
	"another name":         {map[string]any{"groups": nil, "Groups": []string{}}, directory.ClaimMissing},
}

func tells(told map[string]any) func(map[string]any) {
	return func(claims map[string]any) {
		maps.Copy(claims, told)
		maps.DeleteFunc(claims, func(_ string, value any) bool { return value == nil })
	}
}

// rolesIn returns the user's roles in GET /session, "-" without a membership.
func (w *backend) rolesIn(b *httpbrowser.Browser, slug string) string {
	w.Helper()
	for _, o := range w.shown(b).Organizations {
		if o.Slug == slug {
			return strings.Join(o.Roles, ",")
		}
	}
	return "-"
}

// TestP11UnknownGroupsLeaveRolesAsTheyAre checks this at an organization's own
// provider. The audit log and the metrics have the reason.
func TestP11UnknownGroupsLeaveRolesAsTheyAre(t *testing.T) {
	everyone := groups
	everyone.Roles = []string{"viewer"}
	for name, test := range unknownClaims {
		for _, with := range []directory.Provisioning{groups, everyone} {
			t.Run(fmt.Sprint(name, with.Roles), func(t *testing.T) {
				w := newCountedBackend(t, nil)
				p := w.connect("umbrella", with)
				p.Claims = tells(map[string]any{"groups": []string{"heads"}})
				w.begin("umbrella", "u")
				p.Claims = tells(test.told)
				if got := w.rolesIn(w.begin("umbrella", "u"), "umbrella"); got != "admin,viewer" {
					t.Errorf("roles are %s", got)
				}
				kept := w.events(audit.KeepMember)
				if len(kept) != 1 || kept[0].Reason != string(test.why) || kept[0].OrganizationID != "org_umbrella" ||
					kept[0].Target != "con_umbrella" || kept[0].UserID == "" || kept[0].Actor != audit.Server {
					t.Errorf("the audit log has %+v", kept)
				}
				if n := len(w.events(audit.RemoveMember)) + len(w.events(audit.UpdateMember)); n != 0 {
					t.Errorf("%d changes", n)
				}
				w.counts(`tabard_unknown_claims_total{reason="` + string(test.why) + `"} 1`)

				want := "-" // unknown groups give only the roles for all users
				if len(with.Roles) > 0 {
					want = "viewer"
				}
				if got := w.rolesIn(w.begin("umbrella", "newcomer"), "umbrella"); got != want {
					t.Errorf("a newcomer has %s, want %s", got, want)
				}
				p.Claims = tells(map[string]any{"groups": []string{}}) // no mapped group
				if got := w.rolesIn(w.begin("umbrella", "u"), "umbrella"); got != want {
					t.Errorf("of no groups: %s, want %s", got, want)
				}
			})
		}
	}
}

// TestP11UnknownGroupsLeaveMembersOfTheFileAlone checks that a connection does not
// change members from the file, with unknown groups, without a group and with a group of
// other roles.
func TestP11UnknownGroupsLeaveMembersOfTheFileAlone(t *testing.T) {
	w := newBackend(t, nil)
	everyone := groups
	everyone.Roles = []string{"admin"} // alice is a viewer
	p := w.connect("globex", everyone)
	w.rule(requireConnections("globex"))
	b := w.keyed("alice")
	before := w.rolesIn(b, "globex")
	for name, told := range map[string]any{"unknown": nil, "none": []string{}, "heads": []string{"heads"}} {
		p.Claims = tells(map[string]any{"groups": told})
		b = w.keyed("alice")
		w.enterBy(b, "globex", "a.martin")
		if got := w.rolesIn(b, "globex"); got != before || got != "viewer" {
			t.Errorf("%s: roles are %s, were %s", name, got, before)
		}
	}
}

// TestP11UnknownMembershipsStay checks this for a membership claim of the workspace's
// provider.
func TestP11UnknownMembershipsStay(t *testing.T) {
	for name, test := range unknownClaims {
		t.Run(name, func(t *testing.T) {
			w := newCountedBackend(t, nil)
			d := desired()
			d.Workspace.MembershipClaim = &directory.MembershipClaim{Claim: "groups", Roles: []string{"viewer"}}
			w.Apply(d)
			w.Provider.Claims = tells(map[string]any{"groups": []string{"globex", "acme"}})
			w.signedIn("zoe")
			w.Provider.Claims = tells(test.told)
			b := w.signedIn("zoe")
			if w.rolesIn(b, "globex") != "viewer" || w.rolesIn(b, "acme") != "viewer" {
				t.Errorf("memberships are %+v", w.shown(b).Organizations)
			}
			if kept := w.events(audit.KeepMember); len(kept) != 1 || kept[0].Reason != string(test.why) || kept[0].UserID == "" {
				t.Errorf("the audit log has %+v", kept)
			}
			w.counts(`tabard_unknown_claims_total{reason="` + string(test.why) + `"} 1`)
			w.Provider.Claims = tells(map[string]any{"groups": "acme"})
			b = w.signedIn("zoe")
			if w.rolesIn(b, "globex") != "-" || w.rolesIn(b, "acme") != "viewer" {
				t.Errorf("of a single string: %+v", w.shown(b).Organizations)
			}
		})
	}
}

// TestProvisioning_GroupsOfUserInfo checks the connection's claim_source: the identity
// token's groups are ignored, and a failure of userinfo changes no membership.
func TestProvisioning_GroupsOfUserInfo(t *testing.T) {
	w := newCountedBackend(t, nil)
	with := groups
	with.ClaimSource = directory.FromUserInfo
	p := w.connect("umbrella", with)
	p.Claims = tells(map[string]any{"groups": []string{}, "name": "U", "email": "u@example.com"})
	p.UserInfo = tells(map[string]any{"groups": []string{"heads"}, "email_verified": json.RawMessage("null")})
	if got := w.rolesIn(w.begin("umbrella", "u"), "umbrella"); got != "admin,viewer" {
		t.Errorf("roles are %s", got)
	}
	for name, answer := range map[string]http.HandlerFunc{
		"503":     func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) },
		"no JSON": func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("<html>")) },
	} {
		before := len(w.events(audit.KeepMember))
		p.Endpoints = map[string]http.HandlerFunc{"/userinfo": answer}
		if got := w.rolesIn(w.begin("umbrella", "u"), "umbrella"); got != "admin,viewer" {
			t.Errorf("%s: roles are %s", name, got)
		}
		if kept := w.events(audit.KeepMember); len(kept) != before+1 || !slices.ContainsFunc(kept, func(e audit.Event) bool { return e.Reason == string(directory.UserInfoFailed) }) {
			t.Errorf("%s: the audit log has %+v", name, kept)
		}
	}
	w.counts(`tabard_unknown_claims_total{reason="userinfo_failed"} 2`)
	p.Endpoints = nil
	p.UserInfo = tells(map[string]any{"groups": []string{"staff"}})
	if got := w.rolesIn(w.begin("umbrella", "u"), "umbrella"); got != "viewer" {
		t.Errorf("roles are %s", got)
	}
}

// TestProvisioning_GroupsInUserInfoAlone checks that userinfo, which is asked for a missing
// name, says nothing about groups where the connection's claim_source does not name it.
func TestProvisioning_GroupsInUserInfoAlone(t *testing.T) {
	for _, name := range []any{nil, "U"} {
		w := newCountedBackend(t, nil)
		p := w.connect("umbrella", groups)
		p.Claims = tells(map[string]any{"name": name, "email": "u@example.com", "groups": []string{"staff"}})
		w.begin("umbrella", "u")
		p.Claims = tells(map[string]any{"name": name, "email": "u@example.com", "groups": nil})
		for person, want := range map[string]string{"u": "viewer", "newcomer": "-"} {
			for _, told := range []any{[]string{"heads"}, []string{}, nil} {
				p.UserInfo = tells(map[string]any{"groups": told})
				if got := w.rolesIn(w.begin("umbrella", person), "umbrella"); got != want {
					t.Errorf("name %v, userinfo's groups %v: the roles of %s are %s, want %s", name, told, person, got, want)
				}
			}
		}
		if kept := w.events(audit.KeepMember); name == nil && !slices.ContainsFunc(kept, func(e audit.Event) bool { return e.Reason == string(directory.ClaimElsewhere) }) {
			t.Errorf("the audit log has %+v", kept)
		}
	}
}

// TestMembershipClaim_UserInfo checks the workspace's claim_source.
func TestMembershipClaim_UserInfo(t *testing.T) {
	w := newBackend(t, nil)
	d := desired()
	d.Workspace.MembershipClaim = &directory.MembershipClaim{Claim: "realm.organizations", ClaimSource: directory.FromUserInfo, Roles: []string{"viewer"}}
	w.Apply(d)
	w.Provider.Claims = tells(map[string]any{"email": "zoe@example.com"})
	w.Provider.UserInfo = tells(map[string]any{"realm": map[string]any{"organizations": []string{"globex"}}})
	if got := w.rolesIn(w.signedIn("zoe"), "globex"); got != "viewer" {
		t.Errorf("roles are %s", got)
	}
	w.Provider.Endpoints = map[string]http.HandlerFunc{"/userinfo": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }}
	if got := w.rolesIn(w.signedIn("zoe"), "globex"); got != "viewer" {
		t.Errorf("after userinfo failed roles are %s", got)
	}
}
