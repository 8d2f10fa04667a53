package postgres

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/tabard-auth/tabard/backend/store/storetest/pg"
)

// TestHolding_IsSeen: what keeps PostgreSQL from using space again, or from removing its
// log, is named one by one; without it there is nothing to say.
func TestHolding_IsSeen(t *testing.T) {
	cluster := pg.NewCluster(t)
	config, err := pgx.ParseConfig(cluster.DSN())
	if err != nil {
		t.Fatal(err)
	}
	db := stdlib.OpenDB(*config)
	t.Cleanup(func() { db.Close() })
	if found := holding(t.Context(), db, usual); found != nil {
		t.Errorf("at first it is %v", found)
	}
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	for _, statement := range []string{"CREATE TABLE held (n int)", "SELECT pg_create_physical_replication_slot('old', true)"} {
		if _, err := tx.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	pg.Exec(t, cluster.DSN(), "CREATE TABLE log AS SELECT generate_series(1, 1000)", "ALTER SYSTEM SET autovacuum = off", "ALTER SYSTEM SET archive_mode = on",
		"ALTER SYSTEM SET archive_command = 'false'", "SELECT pg_reload_conf()")
	seen := func() (text string) {
		for _, f := range holding(t.Context(), db, patience{0, 1000}) {
			text += f.Text + " → " + f.Advice + "\n"
		}
		return text
	}
	awaitText(t, seen, "a transaction has been open for 0 minutes (process ", "the replication slot old is not in use and keeps ", "autovacuum is off")
	if strings.Contains(seen(), "not archived") {
		t.Error("before it failed")
	}
	tx.Rollback()
	db.Close()
	cluster.Stop("immediate")
	cluster.Start()
	db = stdlib.OpenDB(*config)
	if _, err := db.Exec("SELECT pg_switch_wal()"); err != nil {
		t.Fatal(err)
	}
	awaitText(t, seen, "its log is not archived (0000")
}

// awaitText waits until a text has all that it is wanted to have.
func awaitText(t *testing.T, text func() string, wants ...string) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for range 400 {
		if !slices.ContainsFunc(wants, func(want string) bool { return !strings.Contains(text(), want) }) {
			return
		}
		<-tick.C
	}
	t.Fatalf("%q are not all in\n%s", wants, text())
}
