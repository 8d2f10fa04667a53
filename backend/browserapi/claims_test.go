package browserapi_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/tabard-auth/tabard/backend/admin"
	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/directory/workspacefile"
	"github.com/tabard-auth/tabard/backend/jws"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/backend/store/storetest/pg"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

// statingFile is a workspace whose tokens state claims of every kind.
const statingFile = `
issuer: ` + issuer + `
apps:
- id: web
  name: Web
  origins: [` + origin + `]
  audience: ` + origin + `/api
  claims:
    tenantId: org_id
    role: {value: authenticated}
    plan: {organization: plan}
    seats: {organization: seats, type: number}
    department: {member: department}
    employee: {provider: employee_number}
    admins: {provider: groups.admins, type: boolean}
    https://hasura.io/jwt/claims:
      object:
        x-hasura-default-role: {value: user}
        x-hasura-allowed-roles: {value: [user, viewer]}
        x-hasura-org-id: org_id
        x-hasura-user-id: sub
        x-hasura-plan: {organization: plan}
roles: {admin: ["notes:read", "notes:write"], viewer: ["notes:read"]}
organizations:
- id: org_acme
  slug: acme
  name: Acme
  attributes: {plan: pro, seats: 25}
  members:
  - {sub: alice, roles: [admin], attributes: {department: sales}}
  - {sub: bob, roles: [viewer]}
- id: org_globex
  slug: globex
  name: Globex
  members:
  - {sub: alice, roles: [viewer]}
`

// newStatingBackend starts a backend with statingFile applied.
func newStatingBackend(t *testing.T) *backend {
	w := newBackend(t, nil)
	d, err := workspacefile.Parse([]byte(statingFile))
	if err != nil {
		t.Fatal(err)
	}
	w.Apply(d)
	w.Provider.Claims = tells(map[string]any{"employee_number": "E-7", "groups": map[string]any{"admins": true}})
	return w
}

// payload returns all claims of a minted token.
func (w *backend) payload(minted api.TokenResponse) (all map[string]any) {
	w.Helper()
	w.claims(minted)
	message, err := jws.Parse(minted.AccessToken, 8<<10)
	if err == nil {
		err = json.Unmarshal(message.Payload, &all)
	}
	if err != nil {
		w.Fatal(err)
	}
	return all
}

// stated fails the test unless a token for an organization states these claims, nil for
// none, and the verifier reads the same.
func (w *backend) stated(b *httpbrowser.Browser, organization string, want map[string]any) {
	w.Helper()
	minted := w.mint(b, organization)
	all, further := w.payload(minted), w.claims(minted).Further
	for name, value := range want {
		if !reflect.DeepEqual(all[name], value) || !reflect.DeepEqual(further[name], value) {
			w.Errorf("in %s the token states %s %v, and the verifier reads %v; want %v", organization, name, all[name], further[name], value)
		}
	}
}

func TestClaims_Stated(t *testing.T) {
	w := newStatingBackend(t)
	alice, bob := w.keyed("alice"), w.keyed("bob")
	w.stated(alice, "acme", map[string]any{
		"tenantId": "org_acme", "role": "authenticated", "plan": "pro", "seats": 25.0, "department": "sales", "employee": "E-7", "admins": true,
	})
	w.stated(alice, "globex", map[string]any{ // nothing of the other organization
		"tenantId": "org_globex", "role": "authenticated", "plan": nil, "seats": nil, "department": nil, "employee": "E-7",
	})
	w.stated(bob, "acme", map[string]any{"plan": "pro", "department": nil})
}

// TestClaims_Hasura checks the shape that Hasura documents: a default role, a list of
// allowed roles that has it, and session variables that begin with x-hasura- and are texts.
func TestClaims_Hasura(t *testing.T) {
	w := newStatingBackend(t)
	alice := w.keyed("alice")
	for organization, plan := range map[string]any{"acme": "pro", "globex": nil} {
		claims, _ := w.payload(w.mint(alice, organization))["https://hasura.io/jwt/claims"].(map[string]any)
		allowed, _ := claims["x-hasura-allowed-roles"].([]any)
		if claims["x-hasura-default-role"] != "user" || !reflect.DeepEqual(allowed, []any{"user", "viewer"}) ||
			claims["x-hasura-org-id"] != "org_"+organization || claims["x-hasura-plan"] != plan {
			t.Errorf("in %s: %v", organization, claims)
		}
		for name, value := range claims {
			if _, text := value.(string); !strings.HasPrefix(name, "x-hasura-") || name != "x-hasura-allowed-roles" && !text {
				t.Errorf("%s is %T", name, value)
			}
		}
	}
}

// TestClaims_ProviderUnknown checks that what the provider leaves out or says in another
// type is in no token, whatever it said before, and that a session elsewhere follows.
func TestClaims_ProviderUnknown(t *testing.T) {
	for name, told := range map[string]map[string]any{
		"missing":       {"employee_number": nil},
		"null":          {"employee_number": json.RawMessage("null")},
		"a number":      {"employee_number": 7},
		"a list":        {"employee_number": []string{"E-7"}},
		"several lines": {"employee_number": "E-7\nE-8"},
		"too long":      {"employee_number": strings.Repeat("7", 300)},
		"elsewhere":     {"employee_number": nil, "_claim_names": map[string]any{"employee_number": "src1"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newStatingBackend(t)
			first := w.keyed("alice")
			w.stated(first, "acme", map[string]any{"employee": "E-7"})
			w.Provider.Claims = tells(told)
			w.stated(w.keyed("alice"), "acme", map[string]any{"employee": nil, "admins": nil})
			w.stated(first, "acme", map[string]any{"employee": nil})
		})
	}
}

// TestClaims_ProviderOfTheOrganization checks that a token states what the provider said
// that the person authenticated at for the organization, and no other tenant's provider.
func TestClaims_ProviderOfTheOrganization(t *testing.T) {
	w := newStatingBackend(t)
	p := w.connect("globex", directory.Provisioning{})
	p.Claims = tells(map[string]any{"employee_number": "G-1", "groups": map[string]any{"admins": true}})
	w.Provider.Claims = tells(map[string]any{"employee_number": "E-7", "groups": nil})
	alice := w.keyed("alice")
	w.mint(alice, "globex")
	alice.Choose(alice.Begin(publicURL+"/login?organization=globex&user="+w.mint(alice, "acme").User.ID), "a.keller")
	if err := w.Store.SetOrganizationPolicy(t.Context(), "org_globex", policy.Rules{Connection: "con_globex"}); err != nil {
		t.Fatal(err)
	}
	w.stated(alice, "globex", map[string]any{"employee": "G-1", "admins": true})
	w.stated(alice, "acme", map[string]any{"employee": "E-7", "admins": nil})
}

// TestClaims_ChangeEndsTokens checks that a change of what tokens state is in the next
// token, and refuses those of before at APIs that follow the feed.
func TestClaims_ChangeEndsTokens(t *testing.T) {
	w := newStatingBackend(t)
	alice := w.keyed("alice")
	service := admin.New(admin.Config{Store: w.Store, Now: w.Now})
	by := admin.Actor{ID: audit.CommandLine}
	changes := map[string]any{"plan": "free", "seats": nil}
	before := w.claims(w.mint(alice, "acme")).Event
	if _, err := service.ChangeAttributes(t.Context(), by, "acme", admin.AttributeChanges{Attributes: changes}); err != nil {
		t.Fatal(err)
	}
	w.stated(alice, "acme", map[string]any{"plan": "free", "seats": nil})
	if now := w.claims(w.mint(alice, "acme")).Event; now <= before {
		t.Errorf("the token's evt is %d, that of before %d", now, before)
	}
	for attributes, why := range map[string]map[string]any{
		"undeclared": {"price": 7.0}, "of another type": {"seats": "many"}, "too long": {"plan": strings.Repeat("p", 300)}, "of a member": {"department": "sales"},
	} {
		if _, err := service.ChangeAttributes(t.Context(), by, "acme", admin.AttributeChanges{Attributes: why}); err == nil {
			t.Errorf("an attribute that is %s is accepted", attributes)
		}
	}
}

// TestClaims_FileKeepsWhatItDoesNotState checks that an apply leaves the attributes of
// those for whom the file states none, and takes away what it states no longer.
func TestClaims_FileKeepsWhatItDoesNotState(t *testing.T) {
	w := newStatingBackend(t)
	bob := w.mint(w.keyed("bob"), "acme").User.ID
	service, by := admin.New(admin.Config{Store: w.Store, Now: w.Now}), admin.Actor{ID: audit.CommandLine}
	set := admin.AttributeChanges{Attributes: map[string]any{"department": "support"}}
	if _, err := service.ChangeMemberAttributes(t.Context(), by, "acme", bob, set); err != nil {
		t.Fatal(err)
	}
	set = admin.AttributeChanges{Attributes: map[string]any{"plan": "free"}}
	if _, err := service.ChangeAttributes(t.Context(), by, "globex", set); err != nil {
		t.Fatal(err)
	}
	d, err := workspacefile.Parse([]byte(strings.NewReplacer("{plan: pro, seats: 25}", "{plan: team}", "{department: sales}", "{}").Replace(statingFile)))
	if err != nil {
		t.Fatal(err)
	}
	w.Apply(d)
	if changes, err := w.Store.Apply(t.Context(), d, w.Now().Unix()); err != nil || !changes.None() {
		t.Errorf("applied again, the file changes %+v: %v", changes, err)
	}
	w.stated(w.keyed("bob"), "acme", map[string]any{"plan": "team", "seats": nil, "department": "support"})
	w.stated(w.keyed("alice"), "acme", map[string]any{"department": nil})
	w.stated(w.keyed("alice"), "globex", map[string]any{"plan": "free"})
}

// TestClaims_Supabase runs policies in the style of Supabase on PostgreSQL: the role and
// the claims of a transaction are those of a real token.
func TestClaims_Supabase(t *testing.T) {
	w := newStatingBackend(t)
	dsn := pg.Postgres(t)
	pg.Exec(t, dsn, `
		CREATE ROLE authenticated NOLOGIN;
		CREATE SCHEMA auth;
		CREATE FUNCTION auth.jwt() RETURNS jsonb LANGUAGE sql STABLE AS $$ SELECT NULLIF(current_setting('request.jwt.claims', true), '')::jsonb $$;
		CREATE TABLE notes (id int PRIMARY KEY, org_id text NOT NULL, text text NOT NULL);
		INSERT INTO notes VALUES (1, 'org_acme', 'of Acme'), (2, 'org_globex', 'of Globex');
		ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
		GRANT USAGE ON SCHEMA auth TO authenticated;
		GRANT SELECT, INSERT ON notes TO authenticated;
		CREATE POLICY own ON notes FOR SELECT TO authenticated USING (org_id = (SELECT auth.jwt() ->> 'org_id'));
		CREATE POLICY paid ON notes FOR INSERT TO authenticated
			WITH CHECK (org_id = (SELECT auth.jwt() ->> 'org_id') AND (SELECT auth.jwt() ->> 'plan') = 'pro' AND (auth.jwt() -> 'permissions') ? 'notes:write')`)
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(t.Context()) })
	alice := w.keyed("alice")
	as := func(organization string, do func(pgx.Tx) error) error {
		claims := w.payload(w.mint(alice, organization))
		text, err := json.Marshal(claims)
		if err != nil {
			t.Fatal(err)
		}
		return pgx.BeginFunc(t.Context(), conn, func(tx pgx.Tx) error {
			_, err := tx.Exec(t.Context(), `SELECT set_config('role', $1, true), set_config('request.jwt.claims', $2, true)`, claims["role"], string(text))
			if err != nil {
				return err
			}
			return do(tx)
		})
	}
	for organization, want := range map[string]string{"acme": "of Acme", "globex": "of Globex"} {
		var texts []string
		err := as(organization, func(tx pgx.Tx) error {
			rows, _ := tx.Query(t.Context(), `SELECT text FROM notes`)
			texts, err = pgx.CollectRows(rows, pgx.RowTo[string])
			return err
		})
		if err != nil || !reflect.DeepEqual(texts, []string{want}) {
			t.Errorf("in %s the policy shows %q: %v", organization, texts, err)
		}
	}
	insert := func(organization string) func(pgx.Tx) error {
		return func(tx pgx.Tx) error {
			_, err := tx.Exec(t.Context(), `INSERT INTO notes VALUES (3, $1, 'new')`, organization)
			return err
		}
	}
	if err := as("acme", insert("org_globex")); err == nil {
		t.Error("a token of acme writes in globex")
	}
	if err := as("globex", insert("org_globex")); err == nil {
		t.Error("an organization without the plan writes")
	}
	if err := as("acme", insert("org_acme")); err != nil {
		t.Errorf("an organization with the plan does not write: %v", err)
	}
}
