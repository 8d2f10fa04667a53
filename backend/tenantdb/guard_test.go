package tenantdb_test

import (
	"database/sql"
	"errors"
	"testing"

	_ "modernc.org/sqlite"

	"github.com/tabard-auth/tabard/backend/tenantdb"
)

var guard = tenantdb.Guard{Tables: []string{"notes", "tags"}, Column: "organization_id"}

func TestAStatementThatCarriesItsOrganizationPasses(t *testing.T) {
	for _, query := range []string{
		`SELECT id FROM notes WHERE organization_id = @organization`,
		`select id from "notes" where organization_id=@organization and (id = @id or id = @other) order by id limit 3`,
		`SELECT n.id FROM notes n JOIN tags t ON t.organization_id = @organization AND t.note = n.id WHERE n.organization_id = @organization`,
		`SELECT id FROM notes WHERE organization_id = @organization AND id IN (SELECT note FROM tags WHERE organization_id = @organization)`,
		`INSERT INTO notes (organization_id, id) VALUES (@organization, @id)`,
		`INSERT INTO notes (organization_id, id) SELECT @organization, note FROM tags WHERE organization_id = @organization`,
		`INSERT INTO notes (organization_id, id) VALUES (@organization, @id) ON CONFLICT (organization_id, id) DO UPDATE SET text = excluded.text WHERE organization_id = @organization`,
		`UPDATE notes SET text = @text WHERE id = @id AND organization_id = @organization RETURNING id`,
		"DELETE FROM notes -- or all of them\nWHERE organization_id = @organization /* ; */ AND text <> 'a; OR b'",
	} {
		if err := guard.Check(query); err != nil {
			t.Errorf("%s: %v", query, err)
		}
	}
}

func TestAStatementThatForgetsItsOrganizationIsRefused(t *testing.T) {
	for name, query := range map[string]string{
		"no condition":             `SELECT id FROM notes`,
		"a condition elsewhere":    `SELECT id FROM notes WHERE id = @id`,
		"another column":           `SELECT id FROM notes WHERE author = @organization`,
		"another operator":         `SELECT id FROM notes WHERE organization_id <> @organization`,
		"a comparison with itself": `SELECT id FROM notes WHERE organization_id = organization_id`,
		"in a comment":             "SELECT id FROM notes -- WHERE organization_id = @organization",
		"in a comment of two":      "SELECT id FROM notes /* WHERE organization_id = @organization */",
		"in a text":                `SELECT id FROM notes WHERE text = ' WHERE organization_id = @organization '`,
		"negated":                  `SELECT id FROM notes WHERE NOT organization_id = @organization`,
		"negated in brackets":      `SELECT id FROM notes WHERE NOT (organization_id = @organization)`,
		"compared again":           `SELECT id FROM notes WHERE organization_id = @organization = 0`,
		"or nothing":               `SELECT id FROM notes WHERE organization_id = @organization OR 1 = 1`,
		"or nothing, in brackets":  `SELECT id FROM notes WHERE (1 = 1 AND organization_id = @organization) OR 1 = 1`,
		"chosen only":              `SELECT organization_id = @organization FROM notes`,
		"one of two tables":        `SELECT n.id FROM notes n JOIN tags t ON t.note = n.id WHERE n.organization_id = @organization`,
		"a list of tables":         `SELECT 1 FROM notes, tags WHERE notes.organization_id = @organization`,
		"a union":                  `SELECT id FROM notes WHERE organization_id = @organization UNION SELECT id FROM notes`,
		"a subquery":               `SELECT id FROM notes WHERE organization_id = @organization AND id IN (SELECT note FROM tags)`,
		"two statements":           `SELECT id FROM notes WHERE organization_id = @organization LIMIT 1; DELETE FROM notes WHERE organization_id = @organization`,
		"a name in brackets":       `SELECT @organization FROM [notes]`,
		"a name in backticks":      "SELECT @organization FROM `notes`",
		"a name as a text":         `SELECT @organization FROM 'notes'`,
		"a qualified name":         `SELECT @organization FROM main.notes`,
		"an update of all":         `UPDATE notes SET organization_id = @organization`,
		"a deletion of all":        `DELETE FROM notes`,
		"an insert of a constant":  `INSERT INTO notes (organization_id, id) VALUES ('org_globex', @id)`,
		"a copy to another's":      `INSERT INTO notes (organization_id, id) SELECT 'org_globex', id FROM notes WHERE organization_id = @organization`,
		"an insert of nobody's":    `INSERT INTO notes (id, text) VALUES (@id, @organization)`,
		"a replacement":            `INSERT OR REPLACE INTO notes (organization_id, id) VALUES (@organization, @id)`,
		"an upsert of another's":   `INSERT INTO notes (organization_id, id) VALUES (@organization, @id) ON CONFLICT (id) DO UPDATE SET text = 'mine'`,
		"a dropped table":          `DROP TABLE notes`,
		"nothing":                  ``,
	} {
		if err := guard.Check(query); !errors.Is(err, tenantdb.ErrUnscoped) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func notes(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	db.SetMaxOpenConns(1)
	if _, err := db.Exec(`CREATE TABLE notes (id TEXT, organization_id TEXT);
		INSERT INTO notes VALUES ('a', 'org_acme'), ('g', 'org_globex')`); err != nil {
		t.Fatal(err)
	}
	return db
}

func TestGuardedQueriesFindTheirOrganizationsRowsOnly(t *testing.T) {
	db := notes(t)
	for organization, want := range map[string]string{"org_acme": "a", "org_globex": "g"} {
		scoped := guard.For(db, organization)
		rows, err := scoped.QueryContext(t.Context(), `SELECT id FROM notes WHERE organization_id = @organization AND id <> @id`, sql.Named("id", "x"))
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for rows.Next() {
			var id string
			rows.Scan(&id)
			got += id
		}
		rows.Close()
		if got != want {
			t.Errorf("%s finds %q", organization, got)
		}
		if _, err := scoped.ExecContext(t.Context(), `DELETE FROM notes`); !errors.Is(err, tenantdb.ErrUnscoped) {
			t.Errorf("everything is deleted: %v", err)
		}
	}
}

func TestTheOrganizationIsNobodysArgument(t *testing.T) {
	db := notes(t)
	const query = `DELETE FROM notes WHERE organization_id = @organization`
	if _, err := guard.For(db, "").ExecContext(t.Context(), query); !errors.Is(err, tenantdb.ErrNoOrganization) {
		t.Errorf("no organisation: %v", err)
	}
	for _, arg := range []any{sql.Named("organization", "org_globex"), "org_globex"} {
		if _, err := guard.For(db, "org_acme").ExecContext(t.Context(), query, arg); err == nil {
			t.Errorf("%v is taken", arg)
		}
	}
}

func FuzzCheckNeverPanics(f *testing.F) {
	f.Add(`SELECT id FROM notes WHERE organization_id = @organization`)
	f.Add(`INSERT INTO notes (organization_id) VALUES (@organization) ON CONFLICT DO UPDATE SET a = 1`)
	f.Add("' \" /* -- ( ) . do update")
	f.Fuzz(func(t *testing.T, query string) {
		if err := guard.Check(query); err != nil && !errors.Is(err, tenantdb.ErrUnscoped) {
			t.Error(err)
		}
	})
}
