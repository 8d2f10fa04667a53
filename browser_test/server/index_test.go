package server

import (
	"context"
	"database/sql"
	"net/http"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/tabard-auth/tabard/backend/store/migrate"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
)

// notIndexed undoes the migration of an index, and notFinished leaves an index as an
// interrupted attempt does.
const (
	notIndexed  = `DROP INDEX IF EXISTS sessions_by_browser; DELETE FROM goose_db_version WHERE version_id = 26`
	notFinished = `UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'sessions_by_browser'::regclass; DELETE FROM goose_db_version WHERE version_id = 26`
	isValid     = `SELECT COUNT(*) FROM pg_index WHERE indexrelid = to_regclass('sessions_by_browser') AND indisvalid`
	isMade      = `SELECT COUNT(*) FROM pg_stat_activity WHERE query LIKE '% INDEX %sessions_by_browser%' AND wait_event_type = 'Lock' AND pid <> pg_backend_pid()`
	// stopsWrites counts the locks on the table that writes wait for, also those that are
	// still asked for.
	stopsWrites = `SELECT COUNT(*) FROM pg_locks WHERE relation = 'sessions'::regclass
		AND mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')`
)

// migrating applies the pending migrations of this release.
func migrating(ctx context.Context, dsn string) (ended <-chan error) {
	result := make(chan error, 1)
	go func() {
		db, err := sql.Open("pgx", dsn)
		if err == nil {
			defer db.Close()
			err = migrate.Up(ctx, db, sqlstore.Postgres)
		}
		result <- err
	}()
	return result
}

// connection is a connection of the test's own to the database.
type connection struct {
	*testing.T
	*pgx.Conn
}

func (r running) connect(t *testing.T) connection {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), r.dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return connection{t, conn}
}

func (c connection) exec(statements string) {
	c.Helper()
	if _, err := c.Exec(c.Context(), statements); err != nil {
		c.Fatal(err)
	}
}

func (c connection) count(query string) (n int) {
	c.Helper()
	if err := c.QueryRow(c.Context(), query).Scan(&n); err != nil {
		c.Fatal(err)
	}
	return n
}

// TestMintsAndSignInsGoOnWhileAnIndexIsMade: a transaction that has written the table does
// not end, and the index waits for it. An attempt that was cut off is made up for.
func TestMintsAndSignInsGoOnWhileAnIndexIsMade(t *testing.T) {
	r := startRunning(t)
	long, look := r.connect(t), r.connect(t)
	look.exec(notIndexed)
	for _, cutOff := range []bool{true, false} {
		long.exec("BEGIN; LOCK TABLE sessions IN ROW EXCLUSIVE MODE")
		ctx, stop := context.WithCancel(t.Context())
		ended := migrating(ctx, r.dsn)
		for look.count(isMade) == 0 {
			select {
			case err := <-ended:
				t.Fatalf("it did not wait: %v", err)
			default:
			}
		}
		if n := look.count(stopsWrites); n > 0 {
			t.Error("the index is made by a lock that sign-ins wait for")
		}
		if got := r.browser.Post("/token", `{"organization":"acme","enter":true}`); got.Status != http.StatusOK {
			t.Errorf("%d %s", got.Status, got.Body)
		}
		r.browser.SignIn("alice")
		if got := r.browser.Post("/token", `{"organization":"acme","enter":true}`); got.Status != http.StatusOK {
			t.Errorf("signed in anew: %d %s", got.Status, got.Body)
		}
		if cutOff {
			stop()
			if err := <-ended; err == nil {
				t.Error("it ended well, and was cut off")
			}
			for look.count(isMade) > 0 { // until the database has heard of it
			}
		}
		long.exec("COMMIT")
		if !cutOff {
			if err := <-ended; err != nil {
				t.Fatal(err)
			}
		}
		stop()
		if valid := look.count(isValid) == 1; valid == cutOff {
			t.Errorf("cut off %t, and the index is valid: %t", cutOff, valid)
		}
	}
	look.exec(notFinished)
	if err := <-migrating(t.Context(), r.dsn); err != nil || look.count(isValid) != 1 {
		t.Errorf("the unfinished index stays: %v", err)
	}
}
