package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/tabard-auth/tabard/backend/store/storetest/pg"
)

// TestDatabase_CommandsSayWhichTheyUse: the settings of another deployment may be in the
// environment. The password is not said.
func TestDatabase_CommandsSayWhichTheyUse(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "workspace.yaml")
	if err := os.WriteFile(file, []byte("apps: [{id: app, name: App, origins: ['https://app.example.com'], audience: api}]"), 0o600); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, "tabard.db")
	at, err := pgx.ParseConfig(pg.Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	const password = "of-the-tests-alone"
	postgres := fmt.Sprintf("postgres://%s:%s@/%s?host=%s&port=%d", at.User, password, at.Database, at.Host, at.Port)
	isPostgres := fmt.Sprintf("PostgreSQL, %q at the socket in %s, port %d, as %q", at.Database, at.Host, at.Port, at.User)
	backup := filepath.Join(folder, "backup.db")
	for _, test := range []struct {
		args []string
		says string
	}{
		{[]string{"migrate", "--database", sqlitePrefix + path}, "Database: SQLite, " + path},
		{[]string{"migrate", "--check", "--database", sqlitePrefix + path}, "Database: SQLite, " + path},
		{[]string{"apply", file, "--database", sqlitePrefix + path}, "Database: SQLite, " + path},
		{[]string{"apply", "--dry-run", file, "--database", sqlitePrefix + path}, "Database: SQLite, " + path},
		{[]string{"sessions", "end", "--all", "--yes", "--json", "--database", sqlitePrefix + path}, "Database: SQLite, " + path},
		{[]string{"backup", backup, "--database", sqlitePrefix + path}, "Database: SQLite, " + path},
		{[]string{"restore", backup, "--replace", "--database", sqlitePrefix + path}, "Database: SQLite, " + path},
		{[]string{"restore", "--list", "--database", sqlitePrefix + path}, "Database: SQLite, " + path},
		{[]string{"restore", "--accept", "--secret-file", newSecretFile(t, folder), "--database", sqlitePrefix + path}, "Database: SQLite, " + path},
		{[]string{"move", "--to", postgres, "--database", sqlitePrefix + path}, "From: SQLite, " + path + "\nTo: " + isPostgres},
		{[]string{"migrate", "--database", postgres}, "Database: " + isPostgres},
		{[]string{"sessions", "end", "--all", "--yes", "--json", "--database", postgres}, "Database: " + isPostgres},
	} {
		stdout, stderr, err := tabard(t, test.args...)
		if err != nil {
			t.Fatalf("%v: %v", test.args, err)
		}
		if strings.Count(stderr, test.says+"\n") != 1 || strings.Contains(stdout, test.says) || strings.Contains(stdout+stderr, password) {
			t.Errorf("%v: standard output %q, standard error %q, want %q", test.args, stdout, stderr, test.says)
		}
	}
}

// newSecretFile makes a secret file in a folder.
func newSecretFile(t *testing.T, folder string) string {
	t.Helper()
	file := filepath.Join(folder, "tabard.secret")
	if err := os.WriteFile(file, []byte(strings.Repeat("a2V5", 11)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
