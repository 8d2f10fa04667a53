package postgres_test

import (
	"database/sql"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/store/migrate"
	"github.com/tabard-auth/tabard/backend/store/postgres"
	"github.com/tabard-auth/tabard/backend/store/sqlite"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
	"github.com/tabard-auth/tabard/backend/store/storetest/pg"
)

// TestOpenAs_TablesOfAnotherProgram: a server with the name of another program's database
// makes no tables in it. Who wants them there says so once.
func TestOpenAs_TablesOfAnotherProgram(t *testing.T) {
	dsn, file := pg.Postgres(t), filepath.Join(t.TempDir(), "other.db")
	for _, test := range []struct {
		driver, address string
		open            func(migrate.Opening) (*sqlstore.Store, error)
	}{
		{"pgx", dsn, func(o migrate.Opening) (*sqlstore.Store, error) { return postgres.OpenAs(t.Context(), dsn, o) }},
		{"sqlite", file, func(o migrate.Opening) (*sqlstore.Store, error) { return sqlite.OpenAs(t.Context(), file, o) }},
	} {
		db, err := sql.Open(test.driver, test.address)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.ExecContext(t.Context(), "CREATE TABLE orders (id BIGINT PRIMARY KEY)"); err != nil {
			t.Fatal(err)
		}
		db.Close()
		for _, schema := range []migrate.Schema{migrate.UpToDate, migrate.AsItIsOrNew} {
			_, err := test.open(migrate.Opening{Schema: schema, Alone: true})
			if !errors.Is(err, migrate.ErrForeign) || !strings.Contains(err.Error(), "(orders)") {
				t.Errorf("%s: %v", test.driver, err)
			}
		}
		for _, alone := range []bool{false, true} { // tabard migrate, and then a server
			store, err := test.open(migrate.Opening{Schema: migrate.UpToDate, Alone: alone})
			if err != nil {
				t.Fatalf("%s: %v", test.driver, err)
			}
			store.Close()
		}
	}
}
