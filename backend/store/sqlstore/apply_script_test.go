package sqlstore_test

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"reflect"
	"regexp"
	"testing"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
	"github.com/tabard-auth/tabard/backend/store/storetest/lite"
)

// rows are queries for the rows that applying a workspace changes, without random ids.
var rows = map[string]string{
	"workspace":     `SELECT revision, document FROM workspace`,
	"organizations": `SELECT slug, attributes, CASE WHEN id LIKE 'org_named%' THEN id ELSE '' END, name, rules, disabled_at, created_at FROM organizations ORDER BY slug`,
	"users":         `SELECT iss, sub, name, email, created_at FROM users ORDER BY iss, sub`,
	"connections": `SELECT c.id, o.slug, c.issuer, c.client_id, c.secret, c.scopes, c.provisioning, c.source, c.revision, c.created_at
		FROM connections c JOIN organizations o ON o.id = c.organization_id ORDER BY c.id`,
	"enabled connections": `SELECT slug, connection FROM organizations ORDER BY slug`,
	"trail":               `SELECT a.at, a.action, a.target, a.actor, o.slug FROM audit a JOIN organizations o ON o.id = a.organization_id ORDER BY 1, 2, 3`,
	"memberships": `SELECT u.iss, u.sub, o.slug, m.roles, m.attributes, m.source, m.created_at, m.expires_at, m.staff_reason, m.granted_by FROM memberships m
		JOIN users u ON u.id = m.user_id JOIN organizations o ON o.id = m.organization_id ORDER BY 1, 2, 3`,
}

// TestScript_EndsOfCasesStandAlone: wrangler d1 execute --local parts a file at semicolons, but not
// within a CASE, which ends for it by END before a space or a semicolon. Behind another
// end the rest of the file would be one statement, longer than D1 takes.
func TestScript_EndsOfCasesStandAlone(t *testing.T) {
	for seed := range uint64(10) {
		script, err := sqlstore.Script(anyDesired(rand.New(rand.NewPCG(seed, 0))), 1000)
		if err != nil {
			t.Fatal(err)
		}
		if end := regexp.MustCompile(`\sEND[^;\s].*`).FindString(script); end != "" {
			t.Fatalf("a CASE ends by %q", end)
		}
	}
}

func TestAScriptHasTheEffectOfApply(t *testing.T) {
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 0))
		applied, scripted := database(t), database(t)
		for step := range 6 {
			d, now := anyDesired(r), int64(1000+step)
			if step == 2 { // which neither reverts
				block(t, applied)
				block(t, scripted)
			}
			if step == 3 { // which ends only if the file makes the person a member
				staff(t, applied)
				staff(t, scripted)
			}
			if _, err := sqlstore.New(applied, sqlstore.SQLite).Apply(t.Context(), d, now); err != nil {
				t.Fatal(err)
			}
			script, err := sqlstore.Script(d, now)
			if err != nil {
				t.Fatal(err)
			}
			for range 2 { // the second time changes nothing
				if _, err := scripted.Exec(script); err != nil {
					t.Fatalf("%v\n%s", err, script)
				}
				for name, query := range rows {
					if want, got := dump(t, applied, query), dump(t, scripted, query); !reflect.DeepEqual(got, want) {
						t.Fatalf("seed %d, step %d: %s are\n%v, want\n%v\nafter\n%s", seed, step, name, got, want, script)
					}
				}
			}
		}
	}
}

// block disables an organization as an administrator does.
func block(t *testing.T, db *sql.DB) {
	t.Helper()
	if _, err := db.Exec(`UPDATE organizations SET disabled_at = 7, disabled_by = 'admin' WHERE slug = 'acme'`); err != nil {
		t.Fatal(err)
	}
}

// staff gives all people that are not members staff access to acme.
func staff(t *testing.T, db *sql.DB) {
	t.Helper()
	if _, err := db.Exec(`INSERT INTO memberships (user_id, organization_id, roles, source, created_at, expires_at, staff_reason, granted_by)
		SELECT u.id, o.id, '["staff"]', 'staff', 8, 9, 'r', 'key_1' FROM users u, organizations o WHERE o.slug = 'acme'
		ON CONFLICT DO NOTHING`); err != nil {
		t.Fatal(err)
	}
}

func database(t *testing.T) *sql.DB {
	t.Helper()
	dsn := "file:" + lite.NewFile(t) + "?_pragma=foreign_keys(1)&_pragma=synchronous(off)"
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	open(t, "sqlite", dsn, sqlstore.SQLite)
	if _, err := db.Exec(`INSERT INTO organizations (id, slug, name, rules, created_at) VALUES ('org_claim', 'claimed', '', '{}', 1);
		INSERT INTO memberships (user_id, organization_id, roles, source, created_at) VALUES ('usr_1', 'org_claim', '[]', 'claim', 1);
		INSERT INTO connections (id, organization_id, issuer, client_id, secret, scopes, provisioning, source, revision, created_at)
		VALUES ('con_claimed1', 'org_claim', 'https://claimed.example', 'c', 's', 'null', '{}', 'admin', 1, 1);
		UPDATE organizations SET connection = 'con_claimed1'`); err != nil {
		t.Fatal(err)
	}
	return db
}

func dump(t *testing.T, db *sql.DB, query string) []string {
	t.Helper()
	found, err := db.Query(query)
	if err != nil {
		t.Fatal(err)
	}
	defer found.Close()
	columns, err := found.Columns()
	if err != nil {
		t.Fatal(err)
	}
	all := []string{}
	for found.Next() {
		values := make([]any, len(columns))
		for i := range values {
			values[i] = new(any)
		}
		if err := found.Scan(values...); err != nil {
			t.Fatal(err)
		}
		line := ""
		for _, v := range values {
			line += fmt.Sprintf("%v | ", *v.(*any))
		}
		all = append(all, line)
	}
	return all
}

// anyConnections returns up to two connections, at most one enabled.
func anyConnections(r *rand.Rand, slug string) (all []directory.DesiredConnection) {
	enabled := r.IntN(3)
	for i := range 2 {
		if r.IntN(2) == 0 {
			continue
		}
		all = append(all, directory.DesiredConnection{Connection: directory.Connection{
			ID: fmt.Sprintf("con_%s%d", slug, i+1), Issuer: "https://" + slug + ".example", ClientID: []string{"it's", "?4"}[r.IntN(2)],
			SealedSecret: []string{"s", "t"}[r.IntN(2)], Scopes: [][]string{nil, {"groups"}}[r.IntN(2)], FromFile: true, Enabled: enabled == i,
			Provisioning: directory.Provisioning{JustInTime: r.IntN(2) == 0},
		}})
	}
	return all
}

// anyDesired returns a small workspace with names that SQL must quote.
func anyDesired(r *rand.Rand) directory.Desired {
	d := directory.Desired{Workspace: directory.Workspace{
		Apps:    []directory.App{{ID: "demo", Origins: []string{"https://a.example"}}},
		Policy:  policy.Rules{AccessTTL: r.Int64N(2) * 60},
		OnReuse: []directory.OnReuse{"", "", directory.EndSession, directory.EndUser}[r.IntN(4)],
	}}
	for i, slug := range []string{"acme", "globex", "claimed"} {
		if r.IntN(3) == 0 {
			continue
		}
		o := directory.DesiredOrganization{Organization: directory.Organization{
			Slug: slug, Name: []string{"It's ?1", "Ünï; -- x"}[r.IntN(2)], Disabled: r.IntN(4) == 0,
		}}
		if i == 1 {
			o.ID = "org_named1"
		}
		stated := []directory.Attributes{"", "", `{"plan":"it's ?1"}`, "{}"}
		o.Attributes = stated[r.IntN(len(stated))]
		for _, sub := range []string{"sub", "al'ice", "?2", "bob"} {
			if r.IntN(2) == 0 {
				o.Members = append(o.Members, directory.Member{
					User:  directory.User{Issuer: []string{"iss", "https://id.example/?1"}[r.IntN(2)], Subject: sub},
					Roles: []string{"admin", "viewer"}[:r.IntN(3)], Attributes: stated[r.IntN(len(stated))],
				})
			}
		}
		o.Connections = anyConnections(r, slug)
		d.Organizations = append(d.Organizations, o)
	}
	return d
}
