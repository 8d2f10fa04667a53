// Package sqlite opens a store in an embedded SQLite file.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"runtime"
	"slices"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/tabard-auth/tabard/backend/owner"
	"github.com/tabard-auth/tabard/backend/store/migrate"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
)

// Open opens the store in the file at path, creates the file if it is missing, and
// brings its schema up to date. An acknowledged commit survives a crash of the machine
// (WAL, synchronous=FULL).
//
// One connection writes and the others read: one for each processor, which a read keeps
// busy, and one to spare. Each has a cache of about 2 MB.
func Open(ctx context.Context, path string) (*sqlstore.Store, error) {
	return OpenAs(ctx, path, migrate.Opening{Schema: migrate.UpToDate})
}

// OpenAs is Open with options for the schema.
func OpenAs(ctx context.Context, path string, opening migrate.Opening) (*sqlstore.Store, error) {
	if err := makeFile(path); err != nil {
		return nil, fmt.Errorf("sqlite: %s: %w", path, err)
	}
	db, err := sql.Open("sqlite", address(path))
	if err != nil {
		return nil, fmt.Errorf("sqlite: %s: %w", path, err)
	}
	connections := 2 + runtime.GOMAXPROCS(0)
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	if err := opening.Prepare(ctx, db, sqlstore.SQLite); err != nil {
		db.Close()
		return nil, fmt.Errorf("sqlite: %s: %w", path, explain(path, err))
	}
	store := sqlstore.NewEmbedded(db, sqlstore.SQLite)
	store.LockApplyBy(func(context.Context) (func(), error) { return tryLock(path + applyLockSuffix) })
	return store, nil
}

// makeFile creates the file if there is none, with access for its owner only, which is the
// folder's if this is root. SQLite uses the file's owner and mode for the files that it
// creates beside it.
func makeFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if _, absent := os.Stat(path); errors.Is(err, fs.ErrExist) && errors.Is(absent, fs.ErrNotExist) {
		f, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) // the target of a link
	}
	if err != nil { // the file exists, or SQLite reports why it cannot be created
		return nil
	}
	return errors.Join(owner.AsFolder(path), f.Close())
}

// besides are the files that SQLite keeps beside a database.
var besides = []string{"-wal", "-shm", "-journal"}

// explain says in the place of SQLite's "unable to open database file" and "readonly
// database" what stands in the way, where that is found.
func explain(path string, err error) error {
	var refused interface{ Code() int }
	if !errors.As(err, &refused) || !slices.Contains([]int{3, 8, 14}, refused.Code()&0xff) { // SQLITE_PERM, READONLY, CANTOPEN
		return err
	}
	return owner.Explain(err, path, besides...)
}

func address(path string) string {
	pragmas := url.Values{
		"_pragma": {"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)"},
		"_txlock": {"immediate"},
	}
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + pragmas.Encode()
}
