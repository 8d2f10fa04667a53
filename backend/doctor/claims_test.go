package doctor_test

import (
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/doctor"
	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/backend/policy"
)

// TestExamine_ProviderWithoutAuthTime names the rule that needs it, and makes no finding
// if no rule does or the provider says that it signs it.
func TestExamine_ProviderWithoutAuthTime(t *testing.T) {
	of := func(workspace, acme policy.Rules) directory.Desired {
		d := app("http://127.0.0.1:1")
		d.Workspace.Policy = workspace
		d.Organizations = []directory.DesiredOrganization{{Organization: directory.Organization{Slug: "acme", Name: "Acme", Rules: acme}}}
		return d
	}
	for name, test := range map[string]struct {
		desired directory.Desired
		claims  any
		want    string // "" is no finding
	}{
		"the workspace":       {of(policy.Rules{AuthenticationAge: 300}, policy.Rules{}), []string{"sub", "email"}, "and authentication_age of the workspace needs it"},
		"an organization":     {of(policy.Rules{}, policy.Rules{Isolated: true}), []string{"sub", "email"}, "and isolated of organization acme needs it"},
		"by another provider": {of(policy.Rules{}, policy.Rules{Isolated: true, Connection: "con_acme"}), []string{"sub"}, ""},
		"no rule":             {of(policy.Rules{}, policy.Rules{}), []string{"sub", "email"}, ""},
		"it is signed":        {of(policy.Rules{AuthenticationAge: 300}, policy.Rules{}), []string{"sub", "auth_time"}, ""},
		"nothing is said":     {of(policy.Rules{AuthenticationAge: 300}, policy.Rules{}), nil, ""},
	} {
		w := newSite(t, faults{metadata: func(m map[string]any) { m["claims_supported"] = test.claims }})
		findings := examine(t, doctor.Config{Provider: login.Config{Issuer: w.provider.URL}, Database: stored(t, test.desired)})
		if test.want != "" && !strings.Contains(findings, test.want) || test.want == "" && strings.Contains(findings, "auth_time") {
			t.Errorf("%s: %s", name, findings)
		}
	}
}

// TestExamine_ProviderWithoutRefreshTokens makes no finding if the provider may issue them
// or nobody is asked about.
func TestExamine_ProviderWithoutRefreshTokens(t *testing.T) {
	for name, test := range map[string]struct {
		revalidate int64
		grants     any
		found      bool
	}{
		"it issues none":  {300, []string{"authorization_code"}, true},
		"it issues them":  {300, []string{"authorization_code", "refresh_token"}, false},
		"nothing is said": {300, nil, false},
		"no setting":      {0, []string{"authorization_code"}, false},
	} {
		w := newSite(t, faults{metadata: func(m map[string]any) {
			if m["grant_types_supported"] = test.grants; test.grants == nil {
				delete(m, "grant_types_supported")
			}
		}})
		d := app("http://127.0.0.1:1")
		d.Workspace.SignIn.Revalidate = test.revalidate
		findings := examine(t, doctor.Config{Provider: login.Config{Issuer: w.provider.URL}, Database: stored(t, d)})
		if strings.Contains(findings, "sign_in has revalidate") != test.found {
			t.Errorf("%s: %s", name, findings)
		}
	}
}

// TestExamine_ProviderWithoutUserInfo makes no finding if the memberships come from the
// identity token or userinfo is served.
func TestExamine_ProviderWithoutUserInfo(t *testing.T) {
	for name, test := range map[string]struct {
		claim  *directory.MembershipClaim
		serves bool
		found  bool
	}{
		"from userinfo":                 {&directory.MembershipClaim{Claim: "groups", ClaimSource: directory.FromUserInfo}, false, true},
		"from userinfo, which is there": {&directory.MembershipClaim{Claim: "groups", ClaimSource: directory.FromUserInfo}, true, false},
		"from the identity token":       {&directory.MembershipClaim{Claim: "groups"}, false, false},
		"no claim":                      {nil, false, false},
	} {
		w := newSite(t, faults{metadata: func(m map[string]any) {
			if m["userinfo_endpoint"] = "https://id.example/userinfo"; !test.serves {
				delete(m, "userinfo_endpoint")
			}
		}})
		d := app("http://127.0.0.1:1")
		d.Workspace.MembershipClaim = test.claim
		findings := examine(t, doctor.Config{Provider: login.Config{Issuer: w.provider.URL}, Database: stored(t, d)})
		if strings.Contains(findings, "claim_source: userinfo") != test.found {
			t.Errorf("%s: %s", name, findings)
		}
	}
}
