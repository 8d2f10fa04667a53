package postgres_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tabard-auth/tabard/backend/store/postgres"
	"github.com/tabard-auth/tabard/backend/store/storetest"
	"github.com/tabard-auth/tabard/backend/store/storetest/pg"
	"github.com/tabard-auth/tabard/backend/store/storetest/pg/migrated"
)

// Behind PgBouncer, which hands each transaction to another connection, every promise
// is kept, and no setting says so. TestPgBouncer_KeepsEveryPromise has all of them.
func TestPgBouncer_KeepsTheStoresPromises(t *testing.T) {
	storetest.RunOneOf(t, 6, behindPgBouncer)
}

// behindPgBouncer returns a store that reaches PostgreSQL by three connections of PgBouncer.
func behindPgBouncer(t *testing.T) storetest.Store {
	t.Helper()
	store, err := postgres.Open(t.Context(), pg.PgBouncer(t, migrated.Postgres(t), 3))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	if _, err := store.Apply(t.Context(), storetest.Desired(), storetest.Now); err != nil {
		t.Fatal(err)
	}
	return store
}

func TestInspect_Pooler(t *testing.T) {
	dsn := pg.Postgres(t)
	store, err := postgres.Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	behind := pg.PgBouncer(t, dsn, 3)
	for address, want := range map[string][2]bool{
		dsn: {false, false}, behind: {true, false}, behind + " default_query_exec_mode=exec": {true, false},
		dsn + " default_query_exec_mode=exec": {false, false},
	} {
		found, err := postgres.Inspect(t.Context(), address)
		if err != nil {
			t.Fatal(err)
		}
		if found.Pooler != want[0] || found.Named != want[1] || !found.Migrated() {
			t.Errorf("%s: a pooler %t, named %t", address, found.Pooler, found.Named)
		}
		found.Store.Close()
	}
}

// A database that takes no writes, such as a standby, takes no probe.
func TestProbeWrite_ReadOnly(t *testing.T) {
	dsn := pg.Postgres(t)
	store, err := postgres.Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if err := store.ProbeWrite(t.Context(), time.Now().Unix()); err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), `DO $$ BEGIN EXECUTE 'ALTER DATABASE ' || current_database() || ' SET default_transaction_read_only = on'; END $$`); err != nil {
		t.Fatal(err)
	}
	standby, err := postgres.Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer standby.Close()
	if err := standby.Ping(t.Context()); err != nil {
		t.Errorf("it does not even read: %v", err)
	}
	if err := standby.ProbeWrite(t.Context(), time.Now().Unix()); err == nil {
		t.Error("the probe of a database that takes no writes landed")
	}
}
