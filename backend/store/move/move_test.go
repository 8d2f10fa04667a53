package move_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/backend/session"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/backend/store/migrate"
	"github.com/tabard-auth/tabard/backend/store/move"
	"github.com/tabard-auth/tabard/backend/store/postgres"
	"github.com/tabard-auth/tabard/backend/store/sqlite"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
	"github.com/tabard-auth/tabard/backend/store/storetest"
	"github.com/tabard-auth/tabard/backend/store/storetest/pg"
)

// source is a stopped server's SQLite file in which so many people act for acme.
func source(t *testing.T, people int) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "tabard.db")
	store, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err = store.Apply(t.Context(), storetest.Desired(), storetest.Now)
	must(err)
	must(store.SetEpoch(t.Context(), "own"))
	secret, _ := signingkey.NewSecret()
	_, err = signingkey.NewKeyRing(store, secret, signingkey.ES256).Signing(t.Context(), "", 0, storetest.Now)
	must(err)
	u, err := store.SignIn(t.Context(), directory.User{
		ID: "usr_0", Issuer: "https://id.test", Subject: "s0", Name: "Zoë \"<&>\" \u2028 🦊 'x' \\ \n",
	}, storetest.Now)
	must(err)
	must(store.Admit(t.Context(), directory.Admission{Organization: "acme", UserID: u.ID, Roles: []string{}}, storetest.Now))
	id := session.NewID()
	_, row := session.First(id, session.NewTokenID(), storetest.Now)
	must(store.Create(t.Context(), session.Session{
		ID: id, App: "app", UserID: u.ID, Secret: session.NewSecret(), Row: row, CreatedAt: storetest.Now, ExpiresAt: storetest.Now + 3600,
		SignIn: policy.Authentication{Time: storetest.Now}, Attempt: "of s0", UserAgent: "-",
	}))
	must(store.Enter(t.Context(), id, "org_acme", policy.OrganizationSession{StartedAt: storetest.Now, ActiveAt: storetest.Now}))
	must(clone(store.Pool(), id.String(), people))
	return path
}

// clone makes more people of usr_0, in one transaction.
func clone(db *sql.DB, id string, people int) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	run := func(statement string, args ...any) {
		if err == nil {
			_, err = tx.Exec(statement, args...)
		}
	}
	run("CREATE TEMP TABLE u AS SELECT * FROM users WHERE id = 'usr_0'")
	run("CREATE TEMP TABLE m AS SELECT * FROM memberships WHERE user_id = 'usr_0'")
	run("CREATE TEMP TABLE s AS SELECT * FROM sessions WHERE id = ?1", id)
	run("CREATE TEMP TABLE o AS SELECT * FROM organization_sessions WHERE session_id = ?1", id)
	for i := 1; i < people; i++ {
		user, session := fmt.Sprintf("usr_%d", i), fmt.Sprintf("%s%d", id, i)
		run("UPDATE u SET id = ?1, sub = ?2", user, fmt.Sprintf("s%d", i))
		run("UPDATE m SET user_id = ?1", user)
		run("UPDATE s SET id = ?1, user_id = ?2, attempt = ?1", session, user)
		run("UPDATE o SET session_id = ?1", session)
		run("INSERT INTO users SELECT * FROM u")
		run("INSERT INTO memberships SELECT * FROM m")
		run("INSERT INTO sessions SELECT * FROM s")
		run("INSERT INTO organization_sessions SELECT * FROM o")
	}
	return errors.Join(err, tx.Commit())
}

// target is an empty PostgreSQL with this release's tables.
func target(t *testing.T) *sqlstore.Store {
	t.Helper()
	store, err := postgres.Open(t.Context(), pg.Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

func alone(t *testing.T, path string) *sql.DB {
	t.Helper()
	db, err := sqlite.OpenAlone(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func count(t *testing.T, db *sql.DB, table string) (n int) {
	t.Helper()
	if err := db.QueryRow("SELECT COUNT(*) FROM " + table).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestMove_CarriesEverything(t *testing.T) {
	const people = 2500 // more than a batch
	from, to := alone(t, source(t, people)), target(t)
	carried, err := move.Move{From: from, To: to.Pool()}.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]int64{}
	for _, c := range carried {
		rows[c.Table] = c.Rows
	}
	for _, table := range []string{"sessions", "organization_sessions"} {
		if rows[table] != people || count(t, to.Pool(), table) != people {
			t.Errorf("%s: %d rows, %d there", table, rows[table], count(t, to.Pool(), table))
		}
	}
	if rows["signing_keys"] != 1 || rows["workspace"] != 1 || rows["memberships"] < people || rows["organizations"] != 3 {
		t.Errorf("it carried %v", rows)
	}
	var open int // no trigger took the move for people who come back
	if err := to.Pool().QueryRow("SELECT COUNT(*) FROM organization_sessions WHERE ended_at IS NULL").Scan(&open); err != nil || open != people {
		t.Errorf("%d organization sessions are open: %v", open, err)
	}
	if e, err := to.Epoch(t.Context(), "other"); err != nil || e != (signingkey.DatabaseEpoch{Value: "own"}) {
		t.Errorf("the target's epoch is %v: %v", e, err)
	}
	if e, err := sqlstore.New(from, sqlstore.SQLite).Epoch(t.Context(), "other"); err != nil || !isMoved(e.Value) {
		t.Errorf("the source's epoch is %v: %v", e, err)
	}
	if _, err := (move.Move{From: from, To: target(t).Pool()}).Run(t.Context()); !errors.Is(err, move.ErrHeld) {
		t.Errorf("moved once more: %v", err)
	}
}

// A move that is broken off leaves the target empty, and is run again.
func TestMove_BrokenOff(t *testing.T) {
	from, to := alone(t, source(t, 2500)), target(t)
	ctx, stop := context.WithCancel(t.Context())
	broken := move.Move{From: from, To: to.Pool(), Report: func(table string, _ int64) {
		if table == "sessions" {
			stop()
		}
	}}
	if _, err := broken.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("it was not broken off: %v", err)
	}
	if n := count(t, to.Pool(), "users"); n != 0 {
		t.Fatalf("%d people are there", n)
	}
	whole := move.Move{From: from, To: to.Pool()}
	if _, err := whole.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	// Broken off after its transaction it has only to close the source.
	if err := sqlstore.New(from, sqlstore.SQLite).SetEpoch(t.Context(), "own"); err != nil {
		t.Fatal(err)
	}
	if _, err := whole.Run(t.Context()); err != nil {
		t.Errorf("run again after its end: %v", err)
	}
	if n := count(t, to.Pool(), "sessions"); n != 2500 {
		t.Errorf("%d sessions are there", n)
	}
}

// After an interruption PostgreSQL holds the lock until it notices that the connection
// is closed, so that the next run waits for it.
func TestMove_WaitsForTheLockOfAnInterruptedRun(t *testing.T) {
	from, to := alone(t, source(t, 3)), target(t)
	interrupted := lock(t, to.Pool())
	done := make(chan error)
	go func() {
		_, err := move.Move{From: from, To: to.Pool()}.Run(t.Context())
		done <- err
	}()
	for waiting := 0; waiting == 0; {
		select {
		case err := <-done:
			t.Fatalf("the move did not wait: %v", err)
		default:
		}
		if err := to.Pool().QueryRow(`SELECT COUNT(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
AND waitstart < clock_timestamp() - INTERVAL '100 milliseconds'`).Scan(&waiting); err != nil {
			t.Fatal(err)
		}
	}
	if err := interrupted.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestMove_RefusedBesideAnother(t *testing.T) {
	move.SetLockPatience(t, time.Millisecond)
	from, to := alone(t, source(t, 3)), target(t)
	lock(t, to.Pool())
	_, err := move.Move{From: from, To: to.Pool()}.Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "another move") {
		t.Errorf("beside another move: %v", err)
	}
	if n := count(t, to.Pool(), "users"); n != 0 {
		t.Errorf("%d people are there", n)
	}
}

// lock takes the lock of moves, as another one does.
func lock(t *testing.T, db *sql.DB) *sql.Tx {
	t.Helper()
	tx, err := db.Begin()
	if err == nil {
		t.Cleanup(func() { tx.Rollback() })
		_, err = tx.Exec("SELECT pg_advisory_xact_lock($1)", int64(move.LockKey))
	}
	if err != nil {
		t.Fatal(err)
	}
	return tx
}

func TestMove_RefusesWhatIsThere(t *testing.T) {
	from := alone(t, source(t, 3))
	served := target(t)
	if _, err := served.SignIn(t.Context(), directory.User{ID: "usr_other", Issuer: "https://id.test", Subject: "other"}, storetest.Now); err != nil {
		t.Fatal(err)
	}
	started := target(t)
	if _, err := started.Epoch(t.Context(), "own"); err != nil {
		t.Fatal(err)
	}
	for name, to := range map[string]*sqlstore.Store{"somebody": served, "a server's start": started} {
		if _, err := (move.Move{From: from, To: to.Pool()}).Run(t.Context()); !errors.Is(err, move.ErrNotEmpty) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := count(t, served.Pool(), "users"); n != 1 {
		t.Errorf("%d people are there", n)
	}
	other, err := sql.Open("pgx", pg.PostgresOf(t, "CREATE TABLE notes (id BIGINT)"))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if err := move.Ready(t.Context(), other, migrate.State{}); !errors.Is(err, move.ErrNotEmpty) {
		t.Errorf("another program's tables: %v", err)
	}
	empty, err := sql.Open("pgx", pg.Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	defer empty.Close()
	if err := move.Ready(t.Context(), empty, migrate.State{}); err != nil {
		t.Errorf("an empty database: %v", err)
	}
}

// A value that the target changes on the way is found.
func TestMove_FindsADifference(t *testing.T) {
	for what, statement := range map[string]string{
		"a row less":   `CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.sub = 's1' THEN RETURN NULL; END IF; RETURN NEW; END $$`,
		"another text": `CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.email = 'x'; RETURN NEW; END $$`,
	} {
		from, to := alone(t, source(t, 3)), target(t)
		if _, err := to.Pool().Exec(statement + "; CREATE TRIGGER t BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION f()"); err != nil {
			t.Fatal(err)
		}
		if _, err := (move.Move{From: from, To: to.Pool()}).Run(t.Context()); err == nil {
			t.Errorf("%s was not found", what)
		}
		if n := count(t, to.Pool(), "users"); n != 0 {
			t.Errorf("%s: %d people are there", what, n)
		}
	}
}

func isMoved(epoch string) bool {
	_, moved := signingkey.MovedTo(epoch)
	return moved
}
