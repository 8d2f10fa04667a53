//go:build unix

package tenantdb_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/tabard-auth/tabard/backend/tenantdb"
)

// schema makes a database of projects and tasks without a gap.
func schema(t *testing.T) string {
	t.Helper()
	text := `
		CREATE TABLE projects (organization_id text NOT NULL, id text NOT NULL, name text, PRIMARY KEY (organization_id, id));
		CREATE TABLE tasks (organization_id text NOT NULL, id uuid PRIMARY KEY DEFAULT gen_random_uuid(), project_id text,
			number bigint GENERATED ALWAYS AS IDENTITY UNIQUE);
		CREATE TABLE events (organization_id text NOT NULL, id uuid NOT NULL, at date NOT NULL) PARTITION BY RANGE (at);
		CREATE TABLE events_2030 PARTITION OF events FOR VALUES FROM ('2030-01-01') TO ('2031-01-01');
		CREATE TABLE countries (code text PRIMARY KEY);
		CREATE VIEW names WITH (security_invoker = true) AS SELECT name FROM projects;`
	for _, table := range []string{"projects", "tasks", "events", "events_2030"} {
		policy, err := tenantdb.Policy(table, "organization_id")
		if err != nil {
			t.Fatal(err)
		}
		text += policy + "GRANT SELECT, INSERT, UPDATE, DELETE ON " + table + " TO service;"
	}
	reference, err := tenantdb.Reference("tasks", "organization_id", []string{"project_id"}, "projects", []string{"id"})
	if err != nil {
		t.Fatal(err)
	}
	return text + reference
}

// newSchema replaces the notes by the schema, and returns a connection of the owner.
func newSchema(t *testing.T) (*service, *pgx.Conn) {
	t.Helper()
	s := newService(t)
	owner, err := pgx.Connect(t.Context(), s.owner)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { owner.Close(context.Background()) })
	if _, err := owner.Exec(t.Context(), "DROP TABLE notes;"+schema(t)); err != nil {
		t.Fatal(err)
	}
	return s, owner
}

// TestProve_NamesEachGap makes one gap at a time, and none at first.
func TestProve_NamesEachGap(t *testing.T) {
	s, owner := newSchema(t)
	for _, each := range []struct{ name, make, code, object string }{
		{"none", ``, "", ""},
		{"no row-level security", `ALTER TABLE tasks DISABLE ROW LEVEL SECURITY`, tenantdb.GapRowSecurity, "public.tasks"},
		{"a partition without it", `ALTER TABLE events_2030 DISABLE ROW LEVEL SECURITY`, tenantdb.GapRowSecurity, "public.events_2030"},
		{"a new partition", `CREATE TABLE events_2031 PARTITION OF events FOR VALUES FROM ('2031-01-01') TO ('2032-01-01')`, tenantdb.GapRowSecurity, "public.events_2031"},
		{"a new table", `CREATE SCHEMA "Other"; CREATE TABLE "Other".files (organization_id text NOT NULL)`, tenantdb.GapRowSecurity, `"Other".files`},
		{"not forced", `ALTER TABLE tasks NO FORCE ROW LEVEL SECURITY`, tenantdb.GapNotForced, "public.tasks"},
		{"no policy", `DROP POLICY organization_rows ON tasks; DROP POLICY organization_only ON tasks`, tenantdb.GapPolicy, "public.tasks"},
		{"a wide policy", `DROP POLICY organization_only ON tasks; CREATE POLICY wide ON tasks FOR SELECT USING (true)`, tenantdb.GapPolicy, "public.tasks"},
		{"a policy with a way out", `DROP POLICY organization_rows ON tasks; DROP POLICY organization_only ON tasks;
			CREATE POLICY or_admin ON tasks USING (organization_id = current_setting('tabard.org_id') OR current_setting('app.admin', true) = 'on')`, tenantdb.GapPolicy, "public.tasks"},
		{"a policy of another setting", `DROP POLICY organization_rows ON tasks; DROP POLICY organization_only ON tasks;
			CREATE POLICY other ON tasks USING (organization_id = current_setting('app.org_id'))`, tenantdb.GapPolicy, "public.tasks"},
		{"no check of writes", `DROP POLICY organization_rows ON tasks; DROP POLICY organization_only ON tasks;
			CREATE POLICY reads ON tasks USING (organization_id = current_setting('tabard.org_id')) WITH CHECK (true)`, tenantdb.GapPolicy, "public.tasks"},
		{"a restrictive policy for one role", `DROP POLICY organization_rows ON tasks; DROP POLICY organization_only ON tasks; CREATE POLICY wide ON tasks USING (true);
			CREATE POLICY one_role ON tasks AS RESTRICTIVE TO postgres USING (organization_id = current_setting('tabard.org_id'))`, tenantdb.GapPolicy, "public.tasks"},
		{"a nullable column", `ALTER TABLE tasks ALTER organization_id DROP NOT NULL`, tenantdb.GapNullable, "public.tasks"},
		{"a unique name", `CREATE UNIQUE INDEX names_once ON projects (name)`, tenantdb.GapUnique, "names_once"},
		{"a unique expression", `CREATE UNIQUE INDEX lower_once ON projects (lower(name)) INCLUDE (organization_id)`, tenantdb.GapUnique, "lower_once"},
		{"an exclusion", `ALTER TABLE projects ADD at tsrange; ALTER TABLE projects ADD CONSTRAINT apart EXCLUDE USING gist (at WITH &&)`, tenantdb.GapUnique, "apart"},
		{"an exclusion of other organizations' rows", `CREATE TABLE slots (organization_id int4range NOT NULL, at tsrange,
			CONSTRAINT reversed EXCLUDE USING gist (organization_id WITH &&, at WITH &&))`, tenantdb.GapUnique, "reversed"},
		{"a column in capitals", `CREATE TABLE shouted ("Organization_ID" text NOT NULL)`, tenantdb.GapRowSecurity, "public.shouted"},
		{"a foreign key across", `CREATE UNIQUE INDEX ids_once ON projects (id); ALTER TABLE tasks ADD CONSTRAINT across FOREIGN KEY (project_id) REFERENCES projects (id)`, tenantdb.GapForeignKey, "across"},
		{"a table without the column", `CREATE TABLE comments (task uuid REFERENCES tasks (id), text text)`, tenantdb.GapNoColumn, "public.comments"},
		{"a table two steps away", `CREATE TABLE comments (id int PRIMARY KEY, task uuid REFERENCES tasks (id)); CREATE TABLE votes (comment int REFERENCES comments (id))`, tenantdb.GapNoColumn, "public.votes"},
		{"tables in a circle", `CREATE TABLE comments (id int PRIMARY KEY, task uuid REFERENCES tasks (id)); CREATE TABLE votes (id int PRIMARY KEY, comment int REFERENCES comments (id));
			ALTER TABLE comments ADD vote int REFERENCES votes (id), ADD answered int REFERENCES comments (id)`, tenantdb.GapNoColumn, "public.votes"},
		{"a view", `CREATE VIEW all_tasks AS SELECT * FROM tasks`, tenantdb.GapView, "public.all_tasks"},
		{"a view of a view", `CREATE VIEW name_count AS SELECT count(*) FROM names`, tenantdb.GapView, "public.name_count"},
		{"a materialized view", `CREATE MATERIALIZED VIEW kept AS SELECT * FROM tasks`, tenantdb.GapView, "public.kept"},
		{"a definer function", `CREATE FUNCTION peek() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM tasks'`, tenantdb.GapFunction, "peek()"},
		{"a function of its own organization", `CREATE FUNCTION act() RETURNS bigint LANGUAGE sql SET tabard.org_id = 'org_acme' AS 'SELECT count(*) FROM tasks'`, tenantdb.GapFunction, "act()"},
		{"a role that may bypass", `GRANT postgres TO service`, tenantdb.GapRole, "postgres"},
		{"BYPASSRLS", `ALTER ROLE service BYPASSRLS`, tenantdb.GapRole, "service"},
		{"an owner", `ALTER TABLE tasks OWNER TO service`, tenantdb.GapOwner, "public.tasks"},
		{"TRUNCATE", `GRANT TRUNCATE ON tasks TO service`, tenantdb.GapTruncate, "public.tasks"},
	} {
		t.Run(each.name, func(t *testing.T) {
			gaps := s.gapsAfter(t, owner, each.make)
			if each.code == "" {
				if len(gaps) != 0 {
					t.Errorf("%v", gaps)
				}
				return
			}
			if !slices.ContainsFunc(gaps, func(g tenantdb.Gap) bool { return g.Code == each.code && g.Object == each.object && g.Text != "" }) {
				t.Errorf("%s of %s is not among %v", each.code, each.object, gaps)
			}
		})
	}
}

// gapsAfter returns the gaps that statements make, in a transaction that is undone.
func (s *service) gapsAfter(t *testing.T, owner *pgx.Conn, statements string) []tenantdb.Gap {
	t.Helper()
	tx, err := owner.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(context.Background())
	if _, err := tx.Exec(t.Context(), statements+"; SET LOCAL ROLE service"); err != nil {
		t.Fatal(err)
	}
	gaps, err := tenantdb.Prove(t.Context(), tx)
	if err != nil {
		t.Fatal(err)
	}
	return gaps
}

// TestProve_TakesWhatKeepsApart: what has the column in it is no gap, and no command is named
// twice.
func TestProve_TakesWhatKeepsApart(t *testing.T) {
	s, owner := newSchema(t)
	capitals := `CREATE TABLE slots ("Organization_ID" text NOT NULL); ALTER TABLE slots ENABLE ROW LEVEL SECURITY; ALTER TABLE slots FORCE ROW LEVEL SECURITY;
		CREATE POLICY mine ON slots USING ("Organization_ID" = current_setting('tabard.org_id'))`
	if gaps := s.gapsAfter(t, owner, capitals); len(gaps) != 0 {
		t.Errorf("%v", gaps)
	}
	for _, g := range s.gapsAfter(t, owner, `CREATE POLICY wide ON projects USING (true); DROP POLICY organization_rows ON projects; DROP POLICY organization_only ON projects`) {
		if g.Code == tenantdb.GapPolicy && (strings.Count(g.Text, "UPDATE") != 1 || !strings.Contains(g.Text, "SELECT")) {
			t.Error(g)
		}
	}
	kept := `ALTER TABLE projects ADD at tsrange, ADD own int4range; CREATE EXTENSION IF NOT EXISTS btree_gist;
		ALTER TABLE projects ADD CONSTRAINT apart EXCLUDE USING gist (organization_id WITH =, at WITH &&)`
	if gaps := s.gapsAfter(t, owner, kept); len(gaps) != 0 {
		t.Errorf("%v", gaps)
	}
}

// TestProve_TakesOtherColumns of other types and with further conditions.
func TestProve_TakesOtherColumns(t *testing.T) {
	s, owner := newSchema(t)
	if _, err := owner.Exec(t.Context(), `CREATE TABLE files (tenant_id uuid NOT NULL, id uuid PRIMARY KEY, hidden boolean);
		ALTER TABLE files ENABLE ROW LEVEL SECURITY; ALTER TABLE files FORCE ROW LEVEL SECURITY;
		CREATE POLICY mine ON files USING (hidden AND tenant_id = NULLIF(current_setting('tabard.org_id', true), '')::uuid)
			WITH CHECK (tenant_id = NULLIF(current_setting('tabard.org_id', true), '')::uuid);
		GRANT SELECT ON files TO service`); err != nil {
		t.Fatal(err)
	}
	if gaps, err := tenantdb.ProveSQL(t.Context(), s.db, "organization_id", "tenant_id"); err != nil || len(gaps) != 0 {
		t.Errorf("%v, %v", gaps, err)
	}
	if gaps, err := tenantdb.ProveSQL(t.Context(), s.db, "tenantid"); !errors.Is(err, tenantdb.ErrNoTables) {
		t.Errorf("no such column: %v, %v", gaps, err)
	}
	gaps, err := tenantdb.Prove(t.Context(), owner)
	if err != nil || len(gaps) != 1 || gaps[0].Code != tenantdb.GapRole || !strings.Contains(gaps[0].String(), "postgres") {
		t.Errorf("as a superuser: %v, %v", gaps, err)
	}
}

// TestReference_KeepsRowsWithinTheirOrganization on a real database, past its policies.
func TestReference_KeepsRowsWithinTheirOrganization(t *testing.T) {
	s, owner := newSchema(t)
	if _, err := owner.Exec(t.Context(), `INSERT INTO projects VALUES ('org_acme', 'p', 'of Acme'), ('org_globex', 'g', 'of Globex')`); err != nil {
		t.Fatal(err)
	}
	for name, in := range s.helpers() {
		for _, each := range []struct {
			statement string
			refused   bool
		}{
			{`INSERT INTO tasks (organization_id, project_id) VALUES ('org_acme', 'p')`, false},
			{`INSERT INTO tasks (organization_id, project_id) VALUES ('org_acme', NULL)`, false},
			{`INSERT INTO tasks (organization_id, project_id) VALUES ('org_acme', 'g')`, true}, // it is Globex's
			{`INSERT INTO tasks (organization_id, project_id) VALUES ('org_acme', 'none')`, true},
			{`UPDATE tasks SET project_id = 'g'`, true},
		} {
			if err := in(t.Context(), "org_acme", func(q statements) error { return q.exec(each.statement) }); (err != nil) != each.refused {
				t.Errorf("%s: %s: %v", name, each.statement, err)
			}
		}
	}
	for _, bad := range [][2][]string{{nil, nil}, {{"a"}, {"b", "c"}}, {{`a"b`}, {"c"}}} {
		if text, err := tenantdb.Reference("tasks", "organization_id", bad[0], "projects", bad[1]); err == nil {
			t.Errorf("%q: %s", bad, text)
		}
	}
}
