package inspect_test

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/tabard-auth/tabard/backend/store/inspect"
	"github.com/tabard-auth/tabard/backend/store/postgres"
	"github.com/tabard-auth/tabard/backend/store/sqlite"
	"github.com/tabard-auth/tabard/backend/store/storetest/pg"
)

func value(t *testing.T, d *inspect.Database, name string) inspect.Setting {
	t.Helper()
	for _, s := range d.Durability {
		if s.Name == name {
			return s
		}
	}
	t.Fatalf("%s is not among %v", name, d.Durability)
	return inspect.Setting{}
}

func TestAMissingFileStaysMissing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "none.db")
	if _, err := sqlite.Inspect(t.Context(), path); !errors.Is(err, inspect.ErrMissing) {
		t.Errorf("the error is %v", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it was made: %v", err)
	}
}

func TestAnOpenedFileIsMigratedWritableAndDurable(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	store, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	d, err := sqlite.Inspect(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Store.Close()
	if !d.Migrated() || d.Schema == 0 || d.ReadOnly != nil || d.Ahead != 0 {
		t.Errorf("%+v", d)
	}
	for name, want := range map[string]string{"journal_mode": "wal", "synchronous": "full"} {
		if s := value(t, d, name); s.Value != want || !s.Durable {
			t.Errorf("%+v, not %s", s, want)
		}
	}
}

func TestAFileWithoutTablesIsToldAndLeftWithout(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		d, err := sqlite.Inspect(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		if d.Schema != 0 || d.Release == 0 || d.Migrated() {
			t.Errorf("%+v", d)
		}
		d.Store.Close()
	}
}

func TestAFileThatIsNoDatabaseIsAnError(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	if err := os.WriteFile(path, []byte("this is not a database, but a text of some length"), 0o600); err != nil {
		t.Fatal(err)
	}
	if d, err := sqlite.Inspect(t.Context(), path); err == nil {
		t.Errorf("%+v", d)
	}
}

func TestANewerSchemaIsTold(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	store, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	store.Close()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)"); err != nil {
		t.Fatal(err)
	}
	d, err := sqlite.Inspect(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Store.Close()
	if d.Schema != 9999 || d.Migrated() {
		t.Errorf("%+v", d)
	}
}

func TestPostgreSQLIsInspectedBeforeAndAfterItsMigration(t *testing.T) {
	dsn := pg.Postgres(t)
	empty, err := postgres.Inspect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer empty.Store.Close()
	if empty.Schema != 0 || empty.Release == 0 {
		t.Errorf("empty: %+v", empty)
	}
	if s := value(t, empty, "fsync"); s.Value != "off" || s.Durable { // the setting of the tests' cluster
		t.Errorf("%+v", s)
	}
	if s := value(t, empty, "synchronous_commit"); s.Value != "on" || !s.Durable {
		t.Errorf("%+v", s)
	}
	if ahead := empty.Ahead.Abs().Seconds(); ahead > 5 {
		t.Errorf("the same machine's clock is %v s off", ahead)
	}
	store, err := postgres.Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	full, err := postgres.Inspect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Store.Close()
	if !full.Migrated() || full.ReadOnly != nil {
		t.Errorf("migrated: %+v", full)
	}
}

func TestAReadOnlyPostgreSQLIsTold(t *testing.T) {
	dsn := pg.Postgres(t)
	store, err := postgres.Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	store.Close()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	for _, statement := range []string{
		"CREATE ROLE reader LOGIN", "GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader",
	} {
		if _, err := conn.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	d, err := postgres.Inspect(t.Context(), dsn+" user=reader")
	if err != nil {
		t.Fatal(err)
	}
	defer d.Store.Close()
	if d.ReadOnly == nil {
		t.Error("an account that may only read is said to write")
	}
}
