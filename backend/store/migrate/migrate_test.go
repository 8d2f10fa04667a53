package migrate_test

import (
	"database/sql"
	"io/fs"
	"path/filepath"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/backend/store/migrate"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
	"github.com/tabard-auth/tabard/backend/store/storetest/pg"
)

// After an update, a server still signs with its key and publishes the keys of other
// algorithms.
func TestSigningKeysOutliveTheMigrationThatChainsThem(t *testing.T) {
	for name, database := range map[string]struct {
		driver, address string
		dialect         sqlstore.Dialect
		goose           goose.Dialect
	}{
		"sqlite":   {"sqlite", "file:" + filepath.Join(t.TempDir(), "old.db"), sqlstore.SQLite, goose.DialectSQLite3},
		"postgres": {"pgx", pg.Postgres(t), sqlstore.Postgres, goose.DialectPostgres},
	} {
		db, err := sql.Open(database.driver, database.address)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		files, err := fs.Sub(sqlstore.Migrations, database.dialect.Migrations)
		if err != nil {
			t.Fatal(err)
		}
		before, err := goose.NewProvider(database.goose, db, files)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := before.UpTo(t.Context(), 5); err != nil {
			t.Fatal(err)
		}
		if _, err := db.Exec(`INSERT INTO signing_keys (id, algorithm, generation, sealed, created_at)
			VALUES ('b', 'EdDSA', 1, 'sealed b', 200), ('a', 'ES256', 1, 'sealed a', 100)`); err != nil {
			t.Fatal(err)
		}
		if err := migrate.Up(t.Context(), db, database.dialect); err != nil {
			t.Fatal(err)
		}
		chain, err := sqlstore.New(db, database.dialect).SigningKeys(t.Context(), "")
		want := signingkey.Chain{
			{ID: "a", Generation: 1, Algorithm: signingkey.ES256, Sealed: "sealed a", CreatedAt: 100, SignsAt: 100, MadeBy: "server"},
			{ID: "b", Generation: 2, Algorithm: signingkey.EdDSA, Sealed: "sealed b", CreatedAt: 200, SignsAt: 200, MadeBy: "server"},
		}
		if err != nil || len(chain) != 2 || chain[0] != want[0] || chain[1] != want[1] {
			t.Errorf("%s: the chain is %+v, %v", name, chain, err)
		}
	}
}
