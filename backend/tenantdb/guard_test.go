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
		`SELECT notes.id, tags.name FROM notes LEFT JOIN tags ON tags.note = notes.id AND tags.organization_id = @organization WHERE notes.organization_id = @organization`,
		`SELECT id FROM notes WHERE (organization_id = @organization AND (id = @id OR pinned)) AND at BETWEEN @since AND @until AND note IS NOT DISTINCT FROM @id`,
		`WITH own AS (SELECT id FROM notes WHERE organization_id = @organization) SELECT id FROM own UNION SELECT note FROM tags AS t WHERE t.organization_id = @organization`,
		`SELECT id FROM notes WHERE organization_id = @organization AND id NOT IN (SELECT note FROM [tags] WHERE organization_id = @organization) ORDER BY CASE WHEN pinned OR id = @id THEN 0 ELSE 1 END`,
		`INSERT INTO notes (id, organization_id) VALUES (coalesce(@id, 'a,b'), @organization), (@other, @organization)`,
		`INSERT INTO copies (organization_id, text) SELECT @organization, text FROM notes WHERE organization_id = @organization`,
		`UPDATE notes SET organization_id = @organization, text = replace(text, 'a', organization_id) WHERE organization_id = @organization`,
		"DELETE FROM notes -- or all of them\nWHERE organization_id = @organization /* ; */ AND text <> 'a; OR b'",
	} {
		if err := guard.Check(query); err != nil {
			t.Errorf("%s: %v", query, err)
		}
	}
}

// unscoped are statements that could touch another organisation's rows.
var unscoped = map[string]string{
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

	"negated with what stands beside it":   `SELECT id FROM notes WHERE NOT (done = 1 AND organization_id = @organization)`,
	"compared again in brackets":           `SELECT id FROM notes WHERE (done = 1 AND organization_id = @organization) = 0`,
	"in a CASE":                            `SELECT id FROM notes WHERE CASE WHEN done AND organization_id = @organization AND done THEN 1 ELSE 1 END`,
	"the end of a range":                   `SELECT id FROM notes WHERE at BETWEEN 1 AND organization_id = @organization`,
	"chosen only, among others":            `SELECT done AND organization_id = @organization AND done FROM notes`,
	"of groups only":                       `SELECT done FROM notes GROUP BY done HAVING 1 AND organization_id = @organization`,
	"of what is counted only":              `SELECT count(*) FILTER (WHERE organization_id = @organization) FROM notes`,
	"an argument":                          `SELECT id FROM notes WHERE coalesce(done AND organization_id = @organization, 1)`,
	"of a LEFT JOIN":                       `SELECT n.id FROM notes n LEFT JOIN tags t ON t.organization_id = @organization AND n.organization_id = @organization`,
	"of a LEFT JOIN with a free table":     `SELECT notes.id FROM notes LEFT OUTER JOIN colours ON colours.id = notes.colour AND organization_id = @organization`,
	"a RIGHT JOIN":                         `SELECT n.id FROM notes n RIGHT JOIN tags t ON t.organization_id = @organization WHERE n.organization_id = @organization`,
	"one of two tables, twice":             `SELECT n.id FROM notes n JOIN tags t ON t.note = n.id AND n.organization_id = @organization WHERE n.organization_id = @organization`,
	"of the query around":                  `SELECT n.id FROM notes n WHERE n.organization_id = @organization AND EXISTS (SELECT 1 FROM tags t WHERE n.organization_id = @organization)`,
	"of a common table only":               `WITH own AS (SELECT id FROM plain WHERE organization_id = @organization) SELECT notes.id FROM notes, own`,
	"another's row among one's own":        `INSERT INTO notes (organization_id, id) VALUES (@organization, @a), (@other, @b)`,
	"an insert in another column":          `INSERT INTO notes (organization_id, id) VALUES (@id, @organization)`,
	"an insert without columns":            `INSERT INTO notes VALUES (@organization, @id)`,
	"one's own and another's by a union":   `INSERT INTO notes (organization_id, id) SELECT @organization, @id UNION SELECT @other, @id`,
	"another's row behind one's own":       `INSERT INTO notes (organization_id, id) VALUES (@organization, @id) UNION SELECT @other, @id`,
	"beside an OR behind odd names":        `SELECT id FROM notes WHERE organization_id = @organization AND do = notes.set AND window OR 1 = 1`,
	"a copy out of all":                    `INSERT INTO copies (organization_id, text) SELECT @organization, text FROM notes`,
	"a gift":                               `UPDATE notes SET text = 'x', organization_id = @other WHERE organization_id = @organization`,
	"a gift among others":                  `UPDATE notes SET (text, organization_id) = ('x', @other) WHERE organization_id = @organization`,
	"an upsert by what was to be":          `INSERT INTO notes (organization_id, id) VALUES (@organization, @id) ON CONFLICT (id) DO UPDATE SET text = 'mine' WHERE excluded.organization_id = @organization`,
	"an upsert by an index's condition":    `INSERT INTO notes (organization_id, id) VALUES (@organization, @id) ON CONFLICT (id) WHERE organization_id = @organization DO UPDATE SET text = 'mine'`,
	"another's rows in place of one's own": `UPDATE OR REPLACE notes SET id = @id WHERE organization_id = @organization`,
	"in a comment without an end":          `SELECT id FROM notes /* WHERE organization_id = @organization`,
	"in a comment in a comment":            `SELECT id FROM notes /* /* */ WHERE organization_id = @organization -- */`,
	"a table by itself":                    `SELECT id FROM plain WHERE organization_id = @organization AND id IN notes`,
	"behind what ends a text in C":         "SELECT id FROM notes \x00 WHERE organization_id = @organization",
	"a name that looks like a parameter":   `SELECT id FROM notes WHERE organization_id = "@organization"`,
	"nothing":                              ``,
}

func TestAStatementThatForgetsItsOrganizationIsRefused(t *testing.T) {
	for name, query := range unscoped {
		if err := guard.Check(query); !errors.Is(err, tenantdb.ErrUnscoped) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNamesAreComparedAsDatabasesDo(t *testing.T) {
	for _, guard := range []tenantdb.Guard{
		{Tables: []string{"Notes"}, Column: "OrganizationID"}, {Tables: []string{"nötes"}, Column: "ORGANIZATIONID"},
	} {
		table := guard.Tables[0]
		if err := guard.Check(`SELECT id FROM ` + table + ` WHERE OrganizationID = @organization`); err != nil {
			t.Error(err)
		}
		if err := guard.Check(`SELECT id FROM ` + table + ` WHERE author = @organization`); !errors.Is(err, tenantdb.ErrUnscoped) {
			t.Errorf("%s is free: %v", table, err)
		}
	}
}

func TestAGuardOfNothingLetsNothingPass(t *testing.T) {
	for _, guard := range []tenantdb.Guard{{}, {Tables: []string{"notes"}}, {Column: "organization_id"}} {
		if err := guard.Check(`SELECT id FROM notes WHERE organization_id = @organization`); !errors.Is(err, tenantdb.ErrUnscoped) {
			t.Errorf("%+v: %v", guard, err)
		}
	}
}

func notes(t *testing.T) *sql.DB {
	t.Helper()
	return database(t, `CREATE TABLE notes (id TEXT, organization_id TEXT);
		INSERT INTO notes VALUES ('a', 'org_acme'), ('g', 'org_globex')`)
}

// database is one in memory, in which a script was run.
func database(t testing.TB, script string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	db.SetMaxOpenConns(1)
	if _, err := db.Exec(script); err != nil {
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
