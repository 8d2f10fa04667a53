package cli

import (
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/store/storetest/pg"
)

// postgresAddress is a new, empty database as settings name it.
func postgresAddress(t *testing.T) string {
	t.Helper()
	at, err := pgx.ParseConfig(pg.Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	return "postgres:///" + at.Database + "?" + url.Values{"host": {at.Host}, "user": {at.User}}.Encode()
}

// TestMove_RunAgain: a move that is run once more says that it is done, and where to. It
// does not say how to serve the old database beside the new one.
func TestMove_RunAgain(t *testing.T) {
	from, to := sqlitePrefix+filepath.Join(t.TempDir(), "tabard.db"), postgresAddress(t)
	if _, _, err := tabard(t, "migrate", "--database", from); err != nil {
		t.Fatal(err)
	}
	if _, _, err := tabard(t, "move", "--database", from, "--to", to); err != nil {
		t.Fatal(err)
	}
	said, _, err := tabard(t, "move", "--database", from, "--to", to)
	if err != nil || !strings.Contains(said, "tabard.db was moved already, to PostgreSQL, \"test") || strings.Contains(said, "accept") {
		t.Errorf("it said %s: %v", said, err)
	}
	other := postgresAddress(t)
	if said, _, err = tabard(t, "move", "--database", from, "--to", other); codeOf(err) != api.Conflict || !strings.Contains(err.Error(), "--to is another one: PostgreSQL") {
		t.Errorf("to another database: %s %v", said, err)
	}
	if said, _, err := tabard(t, "migrate", "--check", "--database", other); err == nil {
		t.Errorf("the other database was changed: %s", said)
	}
}
