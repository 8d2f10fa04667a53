package deploy_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDatabases_ThePageNamesTheMigrations: the page on databases that speak PostgreSQL's
// protocol names each migration with statements that some of them refuse.
func TestDatabases_ThePageNamesTheMigrations(t *testing.T) {
	guide, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, page, _ := strings.Cut(string(guide), "## Databases that speak PostgreSQL's protocol")
	rows := map[string]string{ // by the statement
		"TRIGGER": "| triggers in PL/pgSQL", "CONSTRAINT TRIGGER": "| constraint triggers",
		"TXID_CURRENT": "| `txid_current()`", "JSONB_": "| `txid_current()`", "CONCURRENTLY": "| `CREATE INDEX CONCURRENTLY`",
	}
	migrations, err := filepath.Glob("../store/sqlstore/migrations/postgres/*.sql")
	if err != nil || len(migrations) == 0 {
		t.Fatal(migrations, err)
	}
	for _, path := range migrations {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		number, _, _ := strings.Cut(filepath.Base(path), "_")
		for statement, begins := range rows {
			_, row, found := strings.Cut(page, begins)
			row, _, _ = strings.Cut(row, "\n")
			if !found || strings.Contains(strings.ToUpper(string(text)), statement) && !strings.Contains(row, number) {
				t.Errorf("the row %q does not name %s", begins, filepath.Base(path))
			}
		}
	}
}
