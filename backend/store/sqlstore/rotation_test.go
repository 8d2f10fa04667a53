package sqlstore_test

import (
	"database/sql"
	"flag"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"github.com/tabard-auth/tabard/backend/store/sqlstore"
	"github.com/tabard-auth/tabard/backend/store/storetest"
	"github.com/tabard-auth/tabard/backend/store/storetest/lite"
	"github.com/tabard-auth/tabard/backend/store/storetest/pg/migrated"
)

var histories = flag.Int("histories", 300, "how many random histories to hold the statement against the verdict on")

// onEveryDatabase runs a test against a store with one person in it.
func onEveryDatabase(t *testing.T, test func(t *testing.T, store *sqlstore.Store)) {
	t.Run("SQLite", func(t *testing.T) {
		dsn := "file:" + lite.NewFile(t) + "?_pragma=busy_timeout(30000)&_pragma=journal_mode(wal)&_pragma=synchronous(off)"
		test(t, open(t, "sqlite", dsn, sqlstore.SQLite))
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		test(t, open(t, "pgx", migrated.Postgres(t), sqlstore.Postgres))
	})
}

func open(t *testing.T, driver, dsn string, dialect sqlstore.Dialect) *sqlstore.Store {
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if _, err := db.Exec("INSERT INTO users (id, iss, sub, name, email, created_at) VALUES ('usr_1', 'iss', 'sub', '', '', 0)"); err != nil {
		t.Fatal(err)
	}
	return sqlstore.New(db, dialect)
}

func TestTheStatementIsTheVerdict(t *testing.T) {
	onEveryDatabase(t, func(t *testing.T, store *sqlstore.Store) { storetest.Histories(t, store, *histories) })
}

func TestSixteenPresentationsOfOneSuccessorAdvanceOnce(t *testing.T) {
	onEveryDatabase(t, func(t *testing.T, store *sqlstore.Store) { storetest.OneSuccessorAtOnce(t, store, 30) })
}

func TestSixteenSuccessorsAdvanceOnce(t *testing.T) {
	onEveryDatabase(t, func(t *testing.T, store *sqlstore.Store) { storetest.SuccessorsAtOnce(t, store, 30) })
}

func TestSessionsAreForgottenAfterTheirEnd(t *testing.T) {
	onEveryDatabase(t, func(t *testing.T, store *sqlstore.Store) {
		if _, err := store.Apply(t.Context(), storetest.Desired(), storetest.Now); err != nil {
			t.Fatal(err)
		}
		storetest.Forgets(t, store)
	})
}
