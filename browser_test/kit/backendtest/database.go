package backendtest

import (
	"context"
	"database/sql"
	"testing"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/backend/store/sqlite"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
	"github.com/tabard-auth/tabard/backend/store/storetest/lite"
)

// Database is a backend's database with its secret and the clock.
type Database struct {
	*Clock
	Store  *sqlstore.Store
	Secret signingkey.Secret
	File   string // the path, if it is a file

	t testing.TB
}

// NewDatabase returns a SQLite database with a directory.
func NewDatabase(t testing.TB, clock *Clock, d directory.Desired) *Database {
	t.Helper()
	file := lite.NewFile(t)
	store, err := sqlite.Open(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	secret, _ := signingkey.NewSecret()
	db := OnStore(t, clock, store, secret)
	db.File = file
	db.Apply(d)
	return db
}

// OnStore returns the database of an open store.
func OnStore(t testing.TB, clock *Clock, store *sqlstore.Store, secret signingkey.Secret) *Database {
	return &Database{Clock: clock, Store: store, Secret: secret, t: t}
}

// In returns the same database for a subtest.
func (d *Database) In(t testing.TB) *Database {
	other := *d
	other.t = t
	return &other
}

// Apply applies a directory.
func (d *Database) Apply(desired directory.Desired) {
	d.t.Helper()
	if _, err := d.Store.Apply(context.WithoutCancel(d.t.Context()), desired, d.Now().Unix()); err != nil {
		d.t.Fatal(err)
	}
}

// Change runs a statement on the file. It fails the test if no row changes.
func (d *Database) Change(statement string, args ...any) {
	d.t.Helper()
	db := d.open()
	defer db.Close()
	if result, err := db.Exec(statement, args...); err != nil {
		d.t.Fatal(err)
	} else if n, _ := result.RowsAffected(); n == 0 {
		d.t.Fatal("nothing changed")
	}
}

// Count returns the number that a query of the file selects.
func (d *Database) Count(query string) (n int) {
	d.t.Helper()
	db := d.open()
	defer db.Close()
	if err := db.QueryRow(query).Scan(&n); err != nil {
		d.t.Fatal(err)
	}
	return n
}

func (d *Database) open() *sql.DB {
	d.t.Helper()
	db, err := sql.Open("sqlite", "file:"+d.File)
	if err != nil {
		d.t.Fatal(err)
	}
	return db
}
