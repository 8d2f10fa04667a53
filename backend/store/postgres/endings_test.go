package postgres_test

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/session"
	"github.com/tabard-auth/tabard/backend/store/postgres"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
	"github.com/tabard-auth/tabard/backend/store/storetest"
	"github.com/tabard-auth/tabard/backend/store/storetest/pg"
)

// feedOf opens a store with a person, and the database beside it.
func feedOf(t *testing.T) (*sqlstore.Store, *sql.DB, directory.User) {
	t.Helper()
	dsn := pg.Postgres(t)
	store, err := postgres.Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	u, err := store.SignIn(t.Context(), directory.User{ID: "usr_1", Issuer: "https://id.test", Subject: "ada"}, storetest.Now)
	if err != nil {
		t.Fatal(err)
	}
	return store, db, u
}

func begun(t *testing.T, store *sqlstore.Store, u directory.User) session.ID {
	t.Helper()
	id := session.NewID()
	_, row := session.First(id, session.NewTokenID(), storetest.Now)
	err := store.Create(t.Context(), session.Session{
		ID: id, App: "app", UserID: u.ID, Secret: session.NewSecret(), Row: row,
		CreatedAt: storetest.Now, ExpiresAt: storetest.Now + 3600, Attempt: directory.NewID(""),
	})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// TestEndings_OrderIsThatOfCommits pauses a commit after it took its number: no later
// number is seen before it is, so that a reader that follows the numbers misses none.
func TestEndings_OrderIsThatOfCommits(t *testing.T) {
	store, db, u := feedOf(t)
	first, second := begun(t, store, u), begun(t, store, u)
	before, err := store.Feed(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	for _, statement := range []string{
		fmt.Sprintf("UPDATE sessions SET revoked_at = 1, revoke_reason = 'signed_out' WHERE id = '%s'", first),
		"SET CONSTRAINTS ALL IMMEDIATE", // as the commit does first
	} {
		if _, err := tx.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	done := make(chan error, 1)
	go func() { done <- store.Revoke(context.Background(), second, session.ReasonSignedOut, storetest.Now) }()
	awaitLock(t, db, done)
	if all, err := store.Endings(t.Context(), before.Number, 10); err != nil || len(all) != 0 {
		t.Errorf("before either commit the feed has %+v: %v", all, err)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	all, err := store.Endings(t.Context(), before.Number, 10)
	if err != nil || len(all) != 2 || all[0].Session != first.String() || all[1].Session != second.String() || all[1].Number != before.Number+2 {
		t.Errorf("%+v: %v", all, err)
	}
}

// awaitLock waits until a transaction waits for another one, or fails if it did not have to.
func awaitLock(t *testing.T, db *sql.DB, done <-chan error) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		var waiting int
		if err := db.QueryRow("SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'").Scan(&waiting); err != nil {
			t.Fatal(err)
		}
		if waiting > 0 {
			return
		}
		select {
		case err := <-done:
			t.Fatalf("the second ending was committed before the first: %v", err)
		case <-tick.C:
		}
	}
}

// TestEndings_LockIsShort: a transaction that has caused an ending holds nobody else's up
// before it commits.
func TestEndings_LockIsShort(t *testing.T) {
	store, db, u := feedOf(t)
	first, second := begun(t, store, u), begun(t, store, u)
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if _, err := tx.Exec(fmt.Sprintf("UPDATE sessions SET revoked_at = 1, revoke_reason = 'signed_out' WHERE id = '%s'", first)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := store.Revoke(ctx, second, session.ReasonSignedOut, storetest.Now); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	all, err := store.Endings(t.Context(), 0, 10)
	if err != nil || len(all) != 2 || all[0].Session != second.String() {
		t.Errorf("%+v: %v", all, err)
	}
}

// TestEndings_NoneIsPassedOver follows the feed while many end sessions at once.
func TestEndings_NoneIsPassedOver(t *testing.T) {
	store, _, u := feedOf(t)
	const writers, each = 8, 40
	var group sync.WaitGroup
	for range writers {
		var ids []session.ID
		for range each {
			ids = append(ids, begun(t, store, u))
		}
		group.Go(func() {
			for _, id := range ids {
				if err := store.Revoke(context.Background(), id, session.ReasonUpstream, storetest.Now); err != nil {
					t.Error(err)
				}
			}
		})
	}
	ended := make(chan struct{})
	go func() { group.Wait(); close(ended) }()
	seen, after := map[string]bool{}, int64(0)
	for last := false; ; {
		all, err := store.Endings(t.Context(), after, 1000)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range all {
			if after != 0 && e.Number != after+1 {
				t.Fatalf("after %d comes %d", after, e.Number)
			}
			seen[e.Session], after = true, e.Number
		}
		if last {
			break
		}
		select {
		case <-ended:
			last = true
		default:
		}
	}
	if !seen[""] && len(seen) != writers*each { // "" stands for many of the person
		t.Errorf("%d of %d were seen", len(seen), writers*each)
	}
}

// TestEndings_ChildOfAParentThatEnds: a session that is entered while its parent ends is in
// the feed, whichever commits first.
func TestEndings_ChildOfAParentThatEnds(t *testing.T) {
	for name, parentFirst := range map[string]bool{"the parent's end first": true, "the child first": false} {
		t.Run(name, func(t *testing.T) {
			store, db, u := feedOf(t)
			parent := begun(t, store, u)
			child := session.NewID()
			statements := map[bool]string{
				true: fmt.Sprintf("UPDATE sessions SET revoked_at = 1, revoke_reason = 'signed_out' WHERE id = '%s'", parent),
				false: fmt.Sprintf(`INSERT INTO sessions (id, parent_id, attempt, app, user_id, secret, gen, cur, cur_at, cur_last, rolled, rollbacks, created_at, expires_at,
					auth_time, acr, amr, jkt, upstream_sid, upstream_token, user_agent, address)
					SELECT '%s', id, 'of the child', app, user_id, secret, gen, cur, cur_at, cur_last, rolled, rollbacks, created_at, expires_at,
					auth_time, acr, amr, jkt, upstream_sid, upstream_token, user_agent, address FROM sessions WHERE id = '%s'`, child, parent),
			}
			tx, err := db.Begin()
			if err != nil {
				t.Fatal(err)
			}
			defer tx.Rollback()
			if _, err := tx.Exec(statements[parentFirst]); err != nil {
				t.Fatal(err)
			}
			if _, err := tx.Exec("SET CONSTRAINTS ALL IMMEDIATE"); err != nil {
				t.Fatal(err)
			}
			done := make(chan error, 1)
			go func() {
				_, err := db.Exec(statements[!parentFirst])
				done <- err
			}()
			awaitLock(t, db, done)
			if err := tx.Commit(); err != nil {
				t.Fatal(err)
			}
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			all, err := store.Endings(t.Context(), 0, 10)
			if err != nil || len(all) != 2 || all[0].Session != parent.String() || all[1].Session != child.String() {
				t.Errorf("%+v: %v", all, err)
			}
		})
	}
}
