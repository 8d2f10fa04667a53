package migrate

import (
	"database/sql"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/tabard-auth/tabard/backend/store/sqlstore"
	"github.com/tabard-auth/tabard/backend/store/storetest/pg"
)

// TestState_TableMadeMeanwhile looks within a transaction that began before another
// process created the table of versions, on a connection that had missed it before.
func TestState_TableMadeMeanwhile(t *testing.T) {
	m := Migrator{Dialect: sqlstore.Postgres}
	db, err := sql.Open("pgx", pg.Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	one, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer one.Close()
	if state, err := m.look(t.Context(), one); err != nil || state.table {
		t.Fatalf("before: %+v, %v", state, err)
	}
	tx, err := one.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if err := takeLock(t.Context(), tx); err != nil {
		t.Fatal(err)
	}
	versions, err := m.versionTable()
	if err != nil {
		t.Fatal(err)
	}
	if err := versions.CreateVersionTable(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	if state, err := m.look(t.Context(), tx); err != nil || !state.table {
		t.Errorf("the table is not seen: %+v, %v", state, err)
	}
}
