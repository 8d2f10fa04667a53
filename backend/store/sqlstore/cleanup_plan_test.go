package sqlstore

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	_ "modernc.org/sqlite"
)

// cleanUps are the statements of a clean-up that read or delete what grows with use.
var cleanUps = []string{
	deleteExpiredInvitations, deleteExpiredProviderTokens, deleteExpiredAuthentications, deleteExpiredOrganizationSessions,
	deleteExpiredSessions, deleteEvents, auditThefts, revokeVictims,
}

// TestCleanUp_BeginsAtAnIndex checks the plans of SQLite, which D1 runs: a statement that reads a
// whole table would keep every mint waiting.
func TestCleanUp_BeginsAtAnIndex(t *testing.T) {
	db := migrated(t)
	// A scan of an index is of a partial one; the live sessions are nearly all of their table.
	whole := regexp.MustCompile(`^SCAN \w+$|\(expires_at>\?\)`)
	for _, statement := range cleanUps {
		for _, step := range plan(t, db, statement) {
			if whole.MatchString(step) {
				t.Errorf("%s reads all of a table:\n%s", step, statement)
			}
		}
	}
}

func plan(t *testing.T, db *sql.DB, statement string) (steps []string) {
	t.Helper()
	var args []any
	for n := 1; strings.Contains(statement, fmt.Sprintf("?%d", n)); n++ {
		args = append(args, 1)
	}
	rows, err := db.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+statement, args...)
	if err != nil {
		t.Fatalf("%v\n%s", err, statement)
	}
	defer rows.Close()
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			t.Fatal(err)
		}
		steps = append(steps, detail)
	}
	return steps
}

// migrated returns an empty database with the schema.
func migrated(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(t.TempDir(), "plan.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	folder, err := Migrations.ReadDir(SQLite.Migrations)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range folder {
		text, err := Migrations.ReadFile(SQLite.Migrations + "/" + file.Name())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.ExecContext(t.Context(), string(text)); err != nil {
			t.Fatalf("%s: %v", file.Name(), err)
		}
	}
	return db
}
