package workspacefile_test

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/directory/workspacefile"
	"github.com/tabard-auth/tabard/backend/policy"
)

const whole = `
issuer: https://id.example.com
policy: {access_ttl: 5m, session_age: 12h}
membership_claim: {claim: groups, roles: [viewer]}
proof_nonce: true
apps:
  - id: notes
    name: Notes
    origins: [https://notes.example.com, "http://localhost:8080"]
    audience: https://notes.example.com/api
    claims: {tenantId: org_id}
    dpop_bound_tokens: true
roles:
  viewer: [notes:read]
  editor: [notes:read, notes:write]
organizations:
  - id: org_acme
    slug: acme
    name: Acme Corporation
    policy: {access_ttl: 60}
    members:
      - {sub: alice, name: Alice, email: alice@example.com, roles: [editor]}
      - {iss: "https://other.example.com", sub: alice}
  - {slug: globex, name: Globex, disabled: true}
`

const wholeJSON = `{
	"issuer": "https://id.example.com",
	"policy": {"access_ttl": 300, "session_age": 43200},
	"membership_claim": {"claim": "groups", "roles": ["viewer"]}, "proof_nonce": true,
	"apps": [{"id": "notes", "name": "Notes", "origins": ["https://notes.example.com", "http://localhost:8080"],
		"audience": "https://notes.example.com/api", "claims": {"tenantId": "org_id"}, "dpop_bound_tokens": true}],
	"roles": {"viewer": ["notes:read"], "editor": ["notes:read", "notes:write"]},
	"organizations": [
		{"id": "org_acme", "slug": "acme", "name": "Acme Corporation", "policy": {"access_ttl": 60}, "members": [
			{"sub": "alice", "name": "Alice", "email": "alice@example.com", "roles": ["editor"]},
			{"iss": "https://other.example.com", "sub": "alice"}]},
		{"slug": "globex", "name": "Globex", "disabled": true}
	]
}`

func desired() directory.Desired {
	return directory.Desired{
		Workspace: directory.Workspace{
			Apps: []directory.App{{
				ID: "notes", Name: "Notes", Audience: "https://notes.example.com/api",
				Origins: []string{"https://notes.example.com", "http://localhost:8080"},
				Claims:  map[string]string{"tenantId": "org_id"}, DPoPBoundTokens: true,
			}},
			Roles:           map[string][]string{"viewer": {"notes:read"}, "editor": {"notes:read", "notes:write"}},
			Policy:          policy.Rules{AccessTTL: 300, SessionAge: 43200},
			ProofNonce:      true,
			MembershipClaim: &directory.MembershipClaim{Claim: "groups", Roles: []string{"viewer"}},
		},
		Organizations: []directory.DesiredOrganization{
			{
				Organization: directory.Organization{ID: "org_acme", Slug: "acme", Name: "Acme Corporation", Rules: policy.Rules{AccessTTL: 60}},
				Members: []directory.Member{
					{User: directory.User{Issuer: "https://id.example.com", Subject: "alice", Name: "Alice", Email: "alice@example.com"}, Roles: []string{"editor"}},
					{User: directory.User{Issuer: "https://other.example.com", Subject: "alice"}, Roles: []string{}},
				},
			},
			{Organization: directory.Organization{Slug: "globex", Name: "Globex", Disabled: true}},
		},
	}
}

func TestParse_YAMLAndJSON(t *testing.T) {
	for name, text := range map[string]string{"YAML": whole, "JSON": wholeJSON} {
		got, err := workspacefile.Parse([]byte(text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for i := range got.Organizations {
			if got.Organizations[i].Line == 0 {
				t.Errorf("%s: organization %d has no line", name, i)
			}
			got.Organizations[i].Line = 0
		}
		if !reflect.DeepEqual(got, desired()) {
			t.Errorf("%s: read as\n%+v, not\n%+v", name, got, desired())
		}
	}
}

func TestParse_SharedMembers(t *testing.T) {
	got, err := workspacefile.Parse([]byte(`
apps: [{id: a, origins: ["https://a.test"], audience: a}]
organizations:
  - {slug: acme, name: Acme, members: &staff [{iss: "https://id.test", sub: alice}]}
  - {slug: globex, name: Globex, members: *staff}
`))
	if err != nil {
		t.Fatal(err)
	}
	if n := got.MemberCount(); n != 2 {
		t.Errorf("%d memberships, not 2", n)
	}
}

// with returns a workspace file that ends with these lines. The first of them is line
// 4.
func with(lines string) string {
	return "apps: [{id: a, origins: [https://a.test], audience: api}]\nroles: {viewer: [read]}\nissuer: https://id.test\n" + lines
}

// organization returns a workspace file with an organization that has these further
// lines, from line 7 on.
func organization(lines string) string {
	return with("organizations:\n- slug: acme\n  name: Acme\n" + lines)
}

func TestParse_EveryRule(t *testing.T) {
	rules := `access_ttl: 2m, organization_session_age: 8h, idle_timeout: 15m, authentication_age: 1h, acr: [urn:mfa, urn:hwk],
		amr: [otp], isolated: true, max_sessions: 3, device_key_required: true, fresh_on_switch: true,
		dedicated_signing_key: true, no_staff: true`
	want := policy.Rules{
		AccessTTL: 120, OrganizationSessionAge: 28800, IdleTimeout: 900, AuthenticationAge: 3600, ACR: []string{"urn:mfa", "urn:hwk"},
		AMR: []string{"otp"}, Isolated: true, MaxSessions: 3, DeviceKey: true, FreshOnSwitch: true, DedicatedKey: true, NoStaff: true,
	}
	d, err := workspacefile.Parse([]byte(with("policy: {session_age: 12h, strictest_relogin: true, " + rules + "}\n" +
		"organizations: [{slug: acme, name: Acme, policy: {" + rules + "}}]")))
	if err != nil {
		t.Fatal(err)
	}
	if got := d.Organizations[0].Rules; !reflect.DeepEqual(got, want) {
		t.Errorf("the organization's: %+v", got)
	}
	want.SessionAge, want.StrictestRelogin = 43200, true
	if got := d.Workspace.Policy; !reflect.DeepEqual(got, want) {
		t.Errorf("the workspace's: %+v", got)
	}
}

// mistakes are files with the line of a mistake and its message.
var mistakes = []struct {
	file string
	line int
	told string
}{
	{"", 1, "the file is empty"},
	{"# nothing\n", 1, "the file is empty"},
	{"just a text", 1, "expected a mapping (name: value)"},
	{"apps: [", 1, "this is not YAML: did not find expected node content"},
	{"apps: []\n\tx: 1", 2, "this is not YAML: found character that cannot start any token"},
	{with("---\nissuer: https://id.test\n"), 4, "a second document begins here"},
	{with("organisations: []"), 4, `unknown field "organisations"; known fields are apps, id, issuer, membership_claim, on_reuse, organizations, pages, policy, proof_nonce, roles, sign_in`},
	{with("issuer: https://id.test"), 4, `"issuer" is repeated, first on line 3`},
	{"issuer: https://id.test", 1, "the workspace needs an app"},
	{"issuer: id.test\napps: [{id: a, origins: [https://a.test], audience: api}]", 1, `"id.test" is not an issuer`},
	{"issuer: http://id.test\napps: [{id: a, origins: [https://a.test], audience: api}]", 1, `"http://id.test" is not an issuer`},

	{"apps:\n- {id: App, origins: [https://a.test], audience: api}", 2, `app id "App" is invalid`},
	{"apps:\n- {id: login, origins: [https://a.test], audience: api}", 2, `app id "login" is invalid`},
	{"apps:\n- {id: a, origins: [https://a.test], audience: api}\n- {id: a, origins: [https://b.test], audience: b}", 3, `app "a" is repeated`},
	{"apps:\n- {id: a, origins: [https://a.test]}", 2, `app "a" needs its own audience`},
	{"apps:\n- {id: a, origins: [https://a.test], audience: api}\n- {id: b, origins: [https://b.test], audience: api}", 3, `"api" is app "a"'s`},
	{"apps:\n- {id: a, audience: api}", 2, `app "a" needs origins`},
	{"apps:\n- {id: a, origins: [], audience: api}", 2, `app "a" needs origins`},
	{"apps:\n- id: a\n  audience: api\n  origins:\n  - https://a.test/", 5, `"https://a.test/" is not an origin`},
	{"apps:\n- {id: a, origins: [http://a.test], audience: api}", 2, `"http://a.test" is not an origin`},
	{"apps:\n- {id: a, origins: [https://A.test], audience: api}", 2, `"https://A.test" is not an origin as browsers write it, which is https://a.test`},
	{"apps:\n- {id: a, origins: [https://a.test:443], audience: api}", 2, `is not an origin`},
	{"apps:\n- {id: a, origins: ['https://*.a.test'], audience: api}", 2, `"https://*.a.test" is not an origin: browsers send no wildcards`},
	{"apps:\n- {id: a, origins: ['https://bücher.test'], audience: api}", 2, `"https://bücher.test" is not an origin as browsers write it, which is https://xn--bcher-kva.test`},
	{"apps:\n- {id: a, origins: ['https://BÜCHER.test:8443'], audience: api}", 2, `which is https://xn--bcher-kva.test:8443`},
	{"apps:\n- {id: a, origins: ['https://straße.test'], audience: api}", 2, `which is https://xn--strae-oqa.test`},
	{"apps:\n- {id: a, origins: ['https://例え.test'], audience: api}", 2, `which is https://xn--r8jz45g.test`},
	{"apps:\n- {id: a, origins: ['https://a。test'], audience: api}", 2, `which is https://a.test`},
	{"apps:\n- {id: a, origins: ['https://a.test:'], audience: api}", 2, `which is https://a.test`},
	{"apps:\n- {id: a, origins: ['https://a.test:08443'], audience: api}", 2, `which is https://a.test:8443`},
	{"apps:\n- {id: a, origins: ['https://a.test:99999'], audience: api}", 2, `is not an origin`},
	{"apps:\n- {id: a, origins: ['http://[0:0:0:0:0:0:0:1]:80'], audience: api}", 2, `which is http://[::1]`},
	{"apps:\n- {id: a, origins: ['https://127.1'], audience: api}", 2, `is not an origin`},
	{"apps:\n- {id: a, origins: ['https://a^b.test'], audience: api}", 2, `is not an origin`},
	{"apps:\n- {id: a, origins: ['https://a.test?x'], audience: api}", 2, `is not an origin`},
	{"apps:\n- {id: a, origins: ['//a.test'], audience: api}", 2, `is not an origin`},
	{"apps:\n- {id: a, origins: ['*'], audience: api}", 2, `"*" is not an origin`},
	{"apps:\n- {id: a, origins: https://a.test, audience: api}", 2, "expected a list"},
	{"apps:\n- {id: a, origins: [https://a.test], audience: api}\n- {id: b, origins: [https://a.test], audience: b}", 3, `origin https://a.test belongs to app "a" already`},
	{"apps:\n- {id: a, origins: [https://a.test], audience: api, claims: {sub: org_id}}", 2, `claim "sub" is a standard claim`},
	{"apps:\n- {id: a, origins: [https://a.test], audience: api, claims: {tenant: organization}}", 2, `"organization" is not a claim of the token`},
	{"apps:\n- {id: a, origins: [https://a.test], audience: api, disabled: perhaps}", 2, "expected true or false"},

	{"roles:\n  viewer: [notes read]\napps: [{id: a, origins: [https://a.test], audience: api}]", 2, `permission "notes read" of role "viewer"`},
	{"roles: {viewer: {notes: read}}\napps: [{id: a, origins: [https://a.test], audience: api}]", 1, "expected a list"},
	{with("policy: {access_ttl: 1h}"), 4, `"1h" is not a duration between 10s and 10m0s`},
	{with("policy: {access_ttl: 5}"), 4, `"5" is not a duration between`},
	{with("policy: {session_age: forever}"), 4, `"forever" is not a duration between`},
	{with("policy: {idle: 5m}"), 4, `unknown field "idle"`},
	{with("policy: {idle_timeout: 0}"), 4, `"0" is not a duration between 1s and 720h0m0s`},
	{with("policy: {organization_session_age: 8}\npolicy: {}"), 5, `"policy" is repeated`},
	{with("policy: {authentication_age: soon}"), 4, `"soon" is not a duration between`},
	{with("policy: {acr: urn:mfa}"), 4, "expected a list"},
	{with("policy: {acr: []}"), 4, "expected a list of names without spaces"},
	{with("policy: {acr: []}\norganizations: [{slug: acme, name: Acme}]"), 4, "expected a list of names without spaces"},
	{with("policy: {amr: [one time password]}"), 4, "expected a list of names without spaces"},
	{with("policy: {acr: [" + strings.Repeat("x", 257) + "]}"), 4, "of at most 256 bytes"},
	{with("policy: {max_sessions: many}"), 4, "expected a number from 1 to 1000"},
	{with("policy: {max_sessions: 0}"), 4, "expected a number from 1 to 1000"},
	{with("policy: {device_key_required: sometimes}"), 4, "expected true or false"},
	{with("policy: {connection: sso}"), 4, `unknown field "connection"`},
	{with("membership_claim: {roles: [viewer]}"), 4, "membership_claim needs the name of a claim"},
	{with("membership_claim: {claim: groups, claim_source: token}"), 4, `claim_source is "token"; it is id_token or userinfo`},
	{with(`membership_claim: {claim: groups, claim_source: ""}`), 4, `claim_source is ""; it is id_token or userinfo`},
	{with("membership_claim: {claim: groups, roles: [owner]}"), 4, `role "owner" is not one of the workspace's roles`},

	{with("organizations: {acme: Acme}"), 4, "expected a list"},
	{with("organizations:\n- {slug: org_acme, name: Acme}"), 5, `slug "org_acme" is invalid: use up to 63`},
	{with("organizations:\n- {slug: Acme, name: Acme}"), 5, `slug "Acme" is invalid: use up to 63`},
	{with("organizations:\n- {name: Acme}"), 5, `slug "" is invalid: use up to 63`},
	{with("organizations:\n- {slug: acme}"), 5, `organization "acme" needs a name`},
	{with("organizations:\n- {slug: acme, name: Acme, id: acme}"), 5, `id "acme" is invalid: use org_`},
	{with("organizations:\n- {slug: acme, name: Acme}\n- {slug: acme, name: Acme}"), 6, `organization "acme" is repeated`},
	{with("organizations:\n- {slug: a, name: A, id: org_x}\n- {slug: b, name: B, id: org_x}"), 6, "organization id org_x is repeated"},
	{organization("  policy: {session_age: 1h}"), 7, `unknown field "session_age"; known fields are access_ttl`},
	{organization("  policy: {strictest_relogin: true}"), 7, `unknown field "strictest_relogin"`},
	{"policy: {acr: [pwd]}\n" + organization("  policy:\n    acr: [mfa]"), 9, `no acr satisfies both the workspace's policy and organization "acme"'s`},
	{organization("  members:\n  - name: Alice"), 8, "a member needs sub"},
	{organization("  members:\n  - sub: ~"), 8, "expected a text"},
	{organization("  members:\n  - {sub: alice, roles: [owner]}"), 8, `role "owner" is not one of the workspace's roles`},
	{organization("  members:\n  - {sub: alice, role: [viewer]}"), 8, `unknown field "role"; known fields are attributes, email, iss, name, roles, sub`},
	{organization("  members:\n  - {sub: alice}\n  - {sub: alice}"), 9, `member "alice" is repeated`},
	{organization("  members:\n  - {sub: \"a\\0b\"}"), 8, "this text is longer than 1000 bytes or has several lines"},
	{organization("  members:\n  - {sub: " + strings.Repeat("x", 256) + "}"), 8, "a member needs sub"},
	{"apps: [{id: a, origins: [https://a.test], audience: api}]\norganizations:\n- slug: acme\n  name: Acme\n  members:\n  - sub: alice", 6, `member "alice" needs iss`},
}

func TestParse_MistakeWithLine(t *testing.T) {
	for _, mistake := range mistakes {
		_, err := workspacefile.Parse([]byte(mistake.file))
		var problems workspacefile.Problems
		if !errors.As(err, &problems) {
			t.Errorf("%q: %v, not a list of problems", mistake.file, err)
			continue
		}
		if p := problems[0]; p.Line != mistake.line || !strings.Contains(p.Text, mistake.told) {
			t.Errorf("%q:\n told %s\n  not line %d: %s", mistake.file, p, mistake.line, mistake.told)
		}
	}
}

func TestParse_AllMistakesUpToLimit(t *testing.T) {
	text := with("organizations:\n")
	for i := range directory.MaxProblems + 5 {
		text += fmt.Sprintf("- {slug: o%d}\n", i)
	}
	_, err := workspacefile.Parse([]byte(text))
	var problems workspacefile.Problems
	if !errors.As(err, &problems) || len(problems) != directory.MaxProblems {
		t.Fatalf("%d problems, not %d: %v", len(problems), directory.MaxProblems, err)
	}
	for i, p := range problems {
		if p.Line != 5+i {
			t.Errorf("problem %d is on line %d, not %d", i, p.Line, 5+i)
		}
	}
}

// An accepted workspace file contains no value that the store or a token would refuse.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{whole, wholeJSON, organization("  members: &a\n  - *a"), "a: &a [*a]", "? [x]\n: y", "<<: {apps: []}", "\xff\xfe", "!!binary x"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := workspacefile.Parse(text)
		if err != nil {
			var problems workspacefile.Problems
			if !errors.As(err, &problems) || len(problems) == 0 || problems[0].Line < 1 {
				t.Fatalf("an error without a line: %v", err)
			}
			return
		}
		if len(got.Workspace.Apps) == 0 {
			t.Fatal("accepted without an app")
		}
		slugs := map[string]bool{}
		for _, o := range got.Organizations {
			if slugs[o.Slug] || o.Slug == "" || strings.HasPrefix(o.Slug, directory.OrganizationPrefix) {
				t.Fatalf("accepted the slug %q", o.Slug)
			}
			slugs[o.Slug] = true
			for _, m := range o.Members {
				if m.Issuer == "" || m.Subject == "" || m.Roles == nil || strings.ContainsRune(m.Subject, 0) {
					t.Fatalf("accepted the member %+v", m)
				}
			}
		}
	})
}

// TestParse_RoleTooLargeForToken: the same holds for roles given to
// one person together. The number of roles that are not given together is not limited.
func TestParse_RoleTooLargeForToken(t *testing.T) {
	permissions := func(from, n int) string {
		all := make([]string, n)
		for i := range all {
			all[i] = fmt.Sprintf("billing:statements:%06d", from+i)
		}
		return "[" + strings.Join(all, ", ") + "]"
	}
	file := func(roles, rest string) string {
		return "issuer: https://id.example.com\napps: [{id: web, name: Web, audience: a, origins: [https://app.example.com]}]\nroles:\n" + roles + rest
	}
	member := "organizations:\n- id: org_acme\n  slug: acme\n  name: Acme\n  members:\n  - {sub: alice, roles: [left, right]}\n"
	halves := "  left: " + permissions(0, 100) + "\n  right: " + permissions(100, 100) + "\n"
	for name, test := range map[string]struct{ file, want string }{
		"one role":                  {file("  owner: "+permissions(0, 250)+"\n", ""), `line 4: .*role "owner" can have 1\d,?\d+ bytes in app "web"`},
		"two that a member has":     {file(halves, member), `line 11: .*roles \["left" "right"\] together`},
		"two that nobody has":       {file(halves, ""), ""},
		"one that is large":         {file("  owner: "+permissions(0, 110)+"\n", ""), ""},
		"two that have the same":    {file("  left: "+permissions(0, 110)+"\n  right: "+permissions(0, 110)+"\n", member), ""},
		"more claims than are read": {strings.Replace(file("  owner: []\n", ""), "audience: a", "audience: a, claims: {"+claimsNamed(60)+"}", 1), `line 2: .*at most \d+ claims`},
	} {
		_, err := workspacefile.Parse([]byte(test.file))
		if test.want == "" && err != nil || test.want != "" && (err == nil || !regexp.MustCompile(test.want).MatchString(err.Error())) {
			t.Errorf("%s: %v, want %s", name, err, test.want)
		}
	}
}

func claimsNamed(n int) string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("alias%d: org_id", i)
	}
	return strings.Join(all, ", ")
}
