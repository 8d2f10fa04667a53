package directory_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/directory"
)

func object(t *testing.T, text string) map[string]any {
	t.Helper()
	var o map[string]any
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&o); err != nil {
		t.Fatal(err)
	}
	return o
}

const claimName = "https://acme.example/claims.groups"

// memberships are groups in the forms in which providers send them.
var memberships = []struct {
	claim, said string
	want        string // roles, joined; "-" is no member
	unknown     directory.Unknown
}{
	{"groups", `{"groups":["heads","staff"]}`, "admin,viewer", ""},
	{"groups", `{"groups":"staff"}`, "viewer", ""},
	{"groups", `{"groups":[]}`, "-", ""},
	{"groups", `{"groups":{}}`, "-", ""},
	{"groups", `{"groups":["guests"]}`, "-", ""},
	{"groups", `{}`, "-", directory.ClaimMissing},
	{"groups", `{"Groups":["staff"],"GROUPS":["heads"]}`, "-", directory.ClaimMissing},
	{"groups", `{"groups":null}`, "-", directory.ClaimNull},
	{"groups", `{"groups":""}`, "-", directory.ClaimMalformed},
	{"groups", `{"groups":"[\"staff\"]"}`, "-", directory.ClaimMalformed},
	{"groups", `{"groups":"[staff, heads]"}`, "-", directory.ClaimMalformed},
	{"groups", `{"groups":"{\"staff\":true}"}`, "-", directory.ClaimMalformed},
	{"groups", `{"groups":"[staff"}`, "-", ""},
	{"groups", `{"groups":7}`, "-", directory.ClaimMalformed},
	{"groups", `{"groups":[""]}`, "-", directory.ClaimMalformed},
	{"groups", `{"groups":["staff",""]}`, "-", directory.ClaimMalformed},
	{"groups", `{"groups":[" "]}`, "-", directory.ClaimMalformed},
	{"groups", `{"groups":" "}`, "-", directory.ClaimMalformed},
	{"groups", `{"groups":{"":true}}`, "-", directory.ClaimMalformed},
	{"groups", `{"groups":{"staff":"false"}}`, "-", directory.ClaimMalformed},
	{"groups", `{"groups":{"staff":0}}`, "-", directory.ClaimMalformed},
	{"groups", `{"groups":true}`, "-", directory.ClaimMalformed},
	{"groups", `{"groups":["staff",7]}`, "-", directory.ClaimMalformed},
	{"groups", `{"groups":["staff",null]}`, "-", directory.ClaimMalformed},
	{"groups", `{"groups":[{"name":"staff"}]}`, "-", directory.ClaimMalformed},
	{"groups", `{"_claim_names":{"groups":"src1"},"_claim_sources":{"src1":{"endpoint":"https://graph.example"}}}`, "-", directory.ClaimElsewhere},
	{"groups", `{"_claim_names":{"groups":"src1"},"groups":[]}`, "-", directory.ClaimElsewhere},
	{"groups", `{"_claim_names":{"other":"src1"},"groups":["staff"]}`, "viewer", ""},
	{"groups", `{"_claim_names":"groups","groups":["staff"]}`, "-", directory.ClaimElsewhere},
	{"groups", `{"_claim_names":["groups"],"groups":["staff"]}`, "-", directory.ClaimElsewhere},
	{"groups", `{"_claim_names":true,"groups":["staff"]}`, "-", directory.ClaimElsewhere},
	{"groups", `{"_claim_names":7}`, "-", directory.ClaimElsewhere},
	{"groups", `{"_claim_names":[],"groups":["staff"]}`, "viewer", ""},
	{"groups", `{"groups":["staff","\ud800"]}`, "-", directory.ClaimMalformed},
	{"groups", `{"groups":"M\udcfcnchen"}`, "-", directory.ClaimMalformed},
	{"groups", "{\"groups\":[\"M\xfcnchen\"]}", "-", directory.ClaimMalformed},
	{"groups", `{"groups":{"staff":true,"\ud800":true}}`, "-", directory.ClaimMalformed},
	{"groups", `{"groups":{"\ud800":false}}`, "-", directory.ClaimMalformed},
	{"groups", `{"groups":["München"]}`, "-", ""},
	{"groups", `{"_claim_names":["groups"],"groups":[]}`, "-", directory.ClaimElsewhere},
	{"groups", `{"_claim_names":null,"groups":["staff"]}`, "viewer", ""},
	{"groups", `{"_claim_names":{},"groups":["staff"]}`, "viewer", ""},
	{"groups", `{"hasgroups":true}`, "-", directory.ClaimElsewhere},
	{"groups", `{"hasgroups":"true"}`, "-", directory.ClaimElsewhere},
	{"groups", `{"hasgroups":"True"}`, "-", directory.ClaimElsewhere},
	{"groups", `{"hasgroups":1}`, "-", directory.ClaimElsewhere},
	{"groups", `{"hasgroups":true,"groups":[]}`, "-", directory.ClaimElsewhere},
	{"groups", `{"hasgroups":true,"groups":["staff"]}`, "-", directory.ClaimElsewhere},
	{"groups", `{"hasgroups":false,"groups":[]}`, "-", ""},
	{"groups", `{"hasgroups":"false","groups":["staff"]}`, "viewer", ""},
	{"groups", `{"hasgroups":null,"groups":["staff"]}`, "viewer", ""},
	{"groups", `{"hasgroups":false}`, "-", directory.ClaimMissing},
	{"realm_access.roles", `{"realm_access":{"roles":["staff"]}}`, "viewer", ""},
	{"realm_access.roles", `{"realm_access":{"roles":["guests"]},"realm_access.roles":["heads"]}`, "admin,viewer", ""},
	{"realm_access.roles", `{"realm_access":{}}`, "-", directory.ClaimMissing},
	{"realm_access.roles", `{"realm_access":null}`, "-", directory.ClaimNull},
	{"realm_access.roles", `{"realm_access":{"roles":null}}`, "-", directory.ClaimNull},
	{"realm_access.roles", `{"realm_access":["roles"]}`, "-", directory.ClaimMalformed},
	{"realm_access.roles", `{"_claim_names":{"realm_access":"src1"}}`, "-", directory.ClaimElsewhere},
	{"resource_access.my.app.roles", `{"resource_access":{"my":{},"my.app":{"roles":"heads"}}}`, "admin,viewer", ""},
	{"resource_access.my.app.roles", `{"resource_access":{"my":{"app":{"roles":["staff"]}},"my.app":{}}}`, "viewer", ""},
	{claimName, `{"` + claimName + `":["staff"]}`, "viewer", ""},
	{claimName, `{"https://acme.example/claims":{"groups":["staff"]}}`, "viewer", ""},
	{"urn:zitadel:iam:org:project:roles", `{"urn:zitadel:iam:org:project:roles":{"staff":{"1":"acme.example"},"guests":{}}}`, "viewer", ""},
	{"roles", `{"roles":{"staff":true,"heads":false}}`, "viewer", ""},
	{"roles", `{"roles":{"staff":null}}`, "-", directory.ClaimMalformed},
	{".", `{"groups":["staff"]}`, "-", directory.ClaimMissing},
	{"groups.", `{"groups":{"":["staff"]}}`, "viewer", ""},
}

func TestProvisioning_Member(t *testing.T) {
	for _, test := range memberships {
		p := directory.Provisioning{Claim: test.claim, Groups: map[string][]string{"staff": {"viewer"}, "heads": {"admin", "viewer"}}}
		roles, member, unknown := p.Member(directory.Claims{IdentityToken: object(t, test.said)})
		got := "-"
		if member {
			got = strings.Join(roles, ",")
		}
		if got != test.want || unknown != test.unknown {
			t.Errorf("%s in %s: %s, %q; want %s, %q", test.claim, test.said, got, unknown, test.want, test.unknown)
		}
	}
}

func TestProvisioning_MemberByUserInfo(t *testing.T) {
	p := directory.Provisioning{Claim: "groups", ClaimSource: directory.FromUserInfo, Groups: map[string][]string{"staff": {"viewer"}}}
	inToken := object(t, `{"groups":["staff"]}`)
	if _, _, unknown := p.Member(directory.Claims{IdentityToken: inToken}); unknown != directory.UserInfoFailed {
		t.Errorf("userinfo that failed is %q", unknown)
	}
	if _, _, unknown := p.Member(directory.Claims{IdentityToken: inToken, UserInfo: map[string]any{}}); unknown != directory.ClaimMissing {
		t.Errorf("userinfo without the claim is %q", unknown)
	}
	inTokenOnly := p
	inTokenOnly.ClaimSource = ""
	if _, member, unknown := inTokenOnly.Member(directory.Claims{UserInfo: inToken, Either: inToken}); member || unknown != directory.ClaimElsewhere {
		t.Errorf("a claim that userinfo alone says is %q", unknown)
	}
	if _, member, unknown := inTokenOnly.Member(directory.Claims{IdentityToken: inToken, UserInfo: object(t, `{"groups":[]}`)}); !member || unknown != "" {
		t.Errorf("a claim of the identity token is %q", unknown)
	}
	if roles, member, unknown := p.Member(directory.Claims{UserInfo: inToken}); !member || len(roles) != 1 || unknown != "" {
		t.Errorf("%v, %v, %q", roles, member, unknown)
	}
}

// TestMembershipClaim_Memberships reads organizations in the forms in which providers
// send them.
func TestMembershipClaim_Memberships(t *testing.T) {
	for _, test := range []struct {
		said, want string // slug=roles, joined
		unknown    directory.Unknown
	}{
		{`{"org":["acme","globex"]}`, "acme=member globex=member", ""},
		{`{"org":"acme"}`, "acme=member", ""},
		{`{"org":[]}`, "", ""},
		{`{"org":{}}`, "", ""},
		{`{"org":{"acme":"admin","globex":["viewer","editor"],"hooli":[],"initech":{},"umbrella":{"id":"7","tier":["gold"]},"apex":true,"gone":false}}`,
			"acme=admin apex=member globex=viewer+editor hooli= initech=member umbrella=member", ""},
		{`{"org":{"acme":""}}`, "", directory.ClaimMalformed},
		{`{"org":{"acme":" "}}`, "", directory.ClaimMalformed},
		{`{"org":{"acme":{"editor":true}}}`, "", directory.ClaimMalformed},
		{`{"org":{"acme":{"editor":false}}}`, "", directory.ClaimMalformed},
		{`{"org":{"acme":{"editor":{"1":"acme.example"}}}}`, "", directory.ClaimMalformed},
		{`{"org":{"acme":{"editor":null}}}`, "", directory.ClaimMalformed},
		{`{"org":{"acme":{"id":"7","active":true}}}`, "", directory.ClaimMalformed},
		{`{"org":{"acme":"[editor]"}}`, "", directory.ClaimMalformed},
		{`{"org":{"acme":[],"globex":{"editor":true}}}`, "", directory.ClaimMalformed},
		{`{}`, "", directory.ClaimMissing},
		{`{"org":null}`, "", directory.ClaimNull},
		{`{"org":""}`, "", directory.ClaimMalformed},
		{`{"org":5}`, "", directory.ClaimMalformed},
		{`{"org":[""]}`, "", directory.ClaimMalformed},
		{`{"org":["acme","\t"]}`, "", directory.ClaimMalformed},
		{`{"org":{"":"admin"}}`, "", directory.ClaimMalformed},
		{`{"org":{"acme":[""]}}`, "", directory.ClaimMalformed},
		{`{"org":{"acme":"false"}}`, "", directory.ClaimMalformed},
		{`{"org":["acme",5]}`, "", directory.ClaimMalformed},
		{`{"org":{"acme":5}}`, "", directory.ClaimMalformed},
		{`{"org":{"acme":null}}`, "", directory.ClaimMalformed},
		{`{"org":{"acme":["admin",5]}}`, "", directory.ClaimMalformed},
		{`{"org":{"acme":["\udfff"]}}`, "", directory.ClaimMalformed},
		{`{"org":{"acme":"\udfff"}}`, "", directory.ClaimMalformed},
		{`{"org":{"acme":"admin","\udfff":"admin"}}`, "", directory.ClaimMalformed},
		{`{"_claim_names":"org","org":"acme"}`, "", directory.ClaimElsewhere},
		{`{"_claim_names":{"org":"src1"}}`, "", directory.ClaimElsewhere},
	} {
		m := directory.MembershipClaim{Claim: "org", Roles: []string{"member"}}
		all, unknown := m.Memberships(directory.Claims{IdentityToken: object(t, test.said)})
		var got []string
		for _, slug := range slices.Sorted(maps.Keys(all)) {
			got = append(got, slug+"="+strings.Join(all[slug], "+"))
		}
		if unknown != "" {
			got = nil // nothing is to be made of it
		}
		if strings.Join(got, " ") != test.want || unknown != test.unknown {
			t.Errorf("%s: %v, %q; want %s, %q", test.said, got, unknown, test.want, test.unknown)
		}
	}
}

// TestClaimSeparator parts the names in a single string where the operator says how, and
// nowhere else: names of a directory's groups have commas in them.
func TestClaimSeparator(t *testing.T) {
	for _, test := range []struct {
		separator, said, want string
		unknown               directory.Unknown
	}{
		{",", `{"groups":"staff,heads"}`, "admin,viewer", ""},
		{",", `{"groups":" staff , heads ,"}`, "admin,viewer", ""},
		{";", `{"groups":"staff;CN=a,OU=b"}`, "viewer", ""},
		{" ", `{"groups":"staff  heads"}`, "admin,viewer", ""},
		{"", `{"groups":"staff,heads"}`, "-", ""},
		{",", `{"groups":""}`, "-", ""},
		{"", `{"groups":""}`, "-", directory.ClaimMalformed},
		{",", `{"groups":["staff,heads"]}`, "-", ""},
		{",", `{"groups":"[staff, heads]"}`, "admin,viewer", ""},
		{",", `{"groups":"[]"}`, "-", ""},
		{",", `{"groups":7}`, "-", directory.ClaimMalformed},
		{",", `{"groups":" , "}`, "-", directory.ClaimMalformed},
		{",", `{"groups":[""]}`, "-", directory.ClaimMalformed},
		{",", `{"groups":"staff,\ud800"}`, "-", directory.ClaimMalformed},
		{",", `{"groups":"[\ud800]"}`, "-", directory.ClaimMalformed},
		{",", `{}`, "-", directory.ClaimMissing},
	} {
		p := directory.Provisioning{Claim: "groups", ClaimSeparator: test.separator, Groups: map[string][]string{"staff": {"viewer"}, "heads": {"admin", "viewer"}}}
		roles, member, unknown := p.Member(directory.Claims{IdentityToken: object(t, test.said)})
		got := "-"
		if member {
			got = strings.Join(roles, ",")
		}
		if got != test.want || unknown != test.unknown {
			t.Errorf("%q in %s: %s, %q; want %s, %q", test.separator, test.said, got, unknown, test.want, test.unknown)
		}
	}
	m := directory.MembershipClaim{Claim: "org", ClaimSeparator: ",", Roles: []string{"viewer"}}
	for said, want := range map[string]string{
		`{"org":"acme,globex"}`: "map[acme:[viewer] globex:[viewer]]", `{"org":""}`: "map[]", `{"org":{"acme":"admin,viewer"}}`: "map[acme:[admin viewer]]",
		`{"org":{"acme":"","globex":"[]"}}`: "map[acme:[] globex:[]]",
	} {
		if got, unknown := m.Memberships(directory.Claims{IdentityToken: object(t, said)}); unknown != "" || fmt.Sprint(got) != want {
			t.Errorf("%s: %v, %q; want %s", said, got, unknown, want)
		}
	}
}
