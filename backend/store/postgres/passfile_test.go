package postgres_test

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/store/migrate"
	"github.com/tabard-auth/tabard/backend/store/postgres"
	"github.com/tabard-auth/tabard/backend/store/storetest/pg"
)

// TestOpenAs_PasswordFileNamed: what is wrong with the file of PGPASSFILE is said where
// PostgreSQL refuses the password.
func TestOpenAs_PasswordFileNamed(t *testing.T) {
	dsn := pg.NewPasswordCluster(t, "right").DSN()
	var socket string
	for field := range strings.FieldsSeq(dsn) {
		if value, ok := strings.CutPrefix(field, "host="); ok {
			socket = value
		}
	}
	address := "postgres://postgres@/postgres?" + url.Values{"host": {socket}}.Encode()
	folder := t.TempDir()
	file := func(name, line string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(line+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for path, want := range map[string]string{
		file("good", "localhost:5432:postgres:postgres:right"):  "",
		file("other", "postgres:5432:postgres:postgres:right"):  "other has no line for localhost:5432:postgres:postgres, such as localhost:5432:postgres:postgres:PASSWORD",
		file("wrong", "localhost:5432:postgres:postgres:wrong"): "password authentication failed",
		filepath.Join(folder, "none"):                           "none cannot be used: there is no such file",
		folder:                                                  "cannot be used: it is a folder",
		"":                                                      "neither PGPASSFILE nor passfile= names a file",
	} {
		t.Setenv("PGPASSFILE", path)
		store, err := postgres.OpenAs(t.Context(), address, migrate.Opening{Schema: migrate.UpToDate})
		if err == nil {
			store.Close()
		}
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
}
