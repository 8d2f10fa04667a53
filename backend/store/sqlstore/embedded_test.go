package sqlstore_test

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"sync"
	"testing"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/session"
	"github.com/tabard-auth/tabard/backend/store/migrate"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
)

// embedded returns the store in a file in which writers and readers block each other,
// and a second connection to the file.
func embedded(t *testing.T) (*sqlstore.Store, *sql.DB) {
	t.Helper()
	path := "file:" + filepath.Join(t.TempDir(), "tabard.db") + "?_pragma=foreign_keys(1)&_pragma=busy_timeout(0)"
	db, other := openFile(t, path), openFile(t, path)
	if err := migrate.Up(t.Context(), db, sqlstore.SQLite); err != nil {
		t.Fatal(err)
	}
	store := sqlstore.NewEmbedded(db, sqlstore.SQLite)
	t.Cleanup(func() { store.Close() })
	return store, other
}

func openFile(t *testing.T, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// created makes a session of a person and reports whether it is in the store then.
func created(t *testing.T, ctx context.Context, store *sqlstore.Store, userID string) (there bool, err error) {
	t.Helper()
	first, row := session.First(session.NewID(), session.NewTokenID(), 1000)
	err = store.Create(ctx, session.Session{
		ID: first.Session, UserID: userID, Row: row, Attempt: first.Session.String(), ExpiresAt: 1 << 40,
	})
	_, lookup := store.Session(t.Context(), first.Session)
	return lookup == nil, err
}

func person(t *testing.T, store *sqlstore.Store) string {
	t.Helper()
	user, err := store.SignIn(t.Context(), directory.User{ID: "usr_1", Issuer: "iss", Subject: "sub"}, 1000)
	if err != nil {
		t.Fatal(err)
	}
	return user.ID
}

func TestWritesThatAreCommittedTogetherHaveOutcomesOfTheirOwn(t *testing.T) {
	store, other := embedded(t)
	known := person(t, store)
	if _, err := other.Exec("PRAGMA journal_mode = WAL"); err != nil { // otherwise readers would wait for writers
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for i := range 64 {
		userID := []string{known, "usr_nobody"}[i%2]
		group.Go(func() {
			there, err := created(t, t.Context(), store, userID)
			if good := userID == known; there != good || (err == nil) != good {
				t.Errorf("a session of %s: there %t, error %v", userID, there, err)
			}
		})
	}
	group.Wait()
}

func TestAWriteThatWasGivenUpIsNotMadeLater(t *testing.T) {
	store, _ := embedded(t)
	known := person(t, store)
	given, giveUp := context.WithCancel(t.Context())
	giveUp()
	if there, err := created(t, given, store, known); there || !errors.Is(err, context.Canceled) {
		t.Errorf("there %t, error %v", there, err)
	}
}

func TestAGroupThatCannotBeCommittedLeavesNothingAndTheNextIsWritten(t *testing.T) {
	store, other := embedded(t)
	known := person(t, store)
	reader, err := other.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var n int
	if err := reader.QueryRow("SELECT COUNT(*) FROM sessions").Scan(&n); err != nil {
		t.Fatal(err)
	}
	if there, err := created(t, t.Context(), store, known); there || err == nil {
		t.Errorf("while a reader is in the way: there %t, error %v", there, err)
	}
	reader.Rollback()
	if there, err := created(t, t.Context(), store, known); !there || err != nil {
		t.Errorf("after it has gone: there %t, error %v", there, err)
	}
}
