package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	driver "modernc.org/sqlite"

	"github.com/tabard-auth/tabard/backend/owner"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/backend/store/migrate"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
)

// Backup writes the content of the file at path, as it is at one moment, into a new file,
// while servers use it. Its epoch is that of a backup, wherever it is put.
func Backup(ctx context.Context, path, to string) error {
	if _, err := os.Stat(to); err == nil {
		return fmt.Errorf("%s: %w", to, fs.ErrExist)
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return ErrNoDatabase
	}
	err := intoPlace(to, func(made string) error {
		if err := copyTo(ctx, path, made); err != nil {
			return err
		}
		db, err := open(made, "rw")
		if err != nil {
			return err
		}
		defer db.Close()
		if err := checkFile(ctx, db); err != nil {
			return err
		}
		var epochs int
		err = db.QueryRowContext(ctx, "SELECT COUNT(*) FROM sqlite_schema WHERE name = 'epochs'").Scan(&epochs)
		if err == nil && epochs > 0 { // no table of the release before
			err = sqlstore.New(db, sqlstore.SQLite).SetEpoch(ctx, signingkey.EpochOfBackup+signingkey.NewEpoch())
		}
		return errors.Join(err, db.Close())
	})
	if err != nil {
		return fmt.Errorf("%s cannot be written: %w", to, err)
	}
	return nil
}

// ErrNoDatabase is the error for a database that is to be copied and is not there.
var ErrNoDatabase = fmt.Errorf("there is no such database: %w", fs.ErrNotExist)

// intoPlace makes a file that is complete as soon as it has its name, even if the machine
// crashes. Only its owner can read it, which is the folder's if this is root.
func intoPlace(path string, fill func(made string) error) error {
	made, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(made.Name()) // in vain once it is in place
	err = fill(made.Name())
	if err = errors.Join(err, owner.AsFolder(made.Name()), made.Sync(), made.Close()); err != nil {
		return err
	}
	if err := os.Rename(made.Name(), path); err != nil {
		return err
	}
	if folder, err := os.Open(filepath.Dir(path)); err == nil { // the name outlives a crash
		folder.Sync()
		folder.Close()
	}
	return nil
}

// copyTo copies a database into an empty file.
func copyTo(ctx context.Context, path, to string) error {
	db, err := open(path, "rw")
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.ExecContext(ctx, "VACUUM INTO ?1", to)
	return explain(path, err)
}

// checkFile returns an error if a database is damaged.
func checkFile(ctx context.Context, db *sql.DB) error {
	var found string
	if err := db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&found); err != nil {
		return err
	}
	if found != "ok" {
		return fmt.Errorf("the file is damaged: %s", found)
	}
	return nil
}

// open opens a file that exists, over one connection, and leaves it as it is.
func open(path, mode string) (*sql.DB, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, err
	}
	settings := url.Values{"_pragma": {"busy_timeout(10000)", "foreign_keys(1)"}, "_txlock": {"immediate"}, "mode": {mode}}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+settings.Encode())
	if err == nil {
		db.SetMaxOpenConns(1)
	}
	return db, err
}

// ErrInUse refuses to work on a file that a server or a command has open.
var ErrInUse = errors.New("the database is in use: stop the server first, and end what else has it open")

// OpenAlone opens a file that is not open elsewhere, and keeps it from being opened until
// it is closed.
func OpenAlone(ctx context.Context, path string) (*sql.DB, error) {
	db, err := open(path, "rw")
	if err != nil {
		return nil, err
	}
	for _, statement := range []string{
		"PRAGMA busy_timeout = 500",
		"PRAGMA locking_mode = EXCLUSIVE",
		"PRAGMA journal_mode = DELETE", // moves the log into the file, and fails where others have it open
		"BEGIN EXCLUSIVE",
		"COMMIT",
	} {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			db.Close()
			if errors.Is(held(err), sqlstore.ErrApplyBusy) { // SQLITE_BUSY
				err = ErrInUse
			}
			return nil, explain(path, err)
		}
	}
	return db, nil
}

// ErrNotEmpty refuses to restore into a file that holds something.
var ErrNotEmpty = errors.New("the database holds something already")

// Restore puts the content of a backup, or of any copy of a database, into the file at
// path, which must not be open. A file that is not empty is refused, or, if kept is not
// "", copied to a file of that name first. The content gets this release's tables and the
// epoch of the restored database. Restore writes it as a whole or not at all, and reports
// whether the file had content before.
func Restore(ctx context.Context, backup, path, kept string) (held bool, err error) {
	prepared, err := prepare(ctx, backup, path)
	if err != nil {
		return false, err
	}
	defer os.Remove(prepared)
	if err := makeFile(path); err != nil {
		return false, err
	}
	db, err := OpenAlone(ctx, path)
	if err != nil {
		return false, err
	}
	defer db.Close()
	var tables int
	if err := db.QueryRowContext(ctx, "SELECT COUNT(*) FROM sqlite_schema").Scan(&tables); err != nil {
		return false, err
	}
	if tables > 0 {
		if err := keep(ctx, db, kept); err != nil {
			return true, err
		}
	}
	return tables > 0, overwrite(ctx, db, prepared)
}

// keep copies a database to a file that is to be made.
func keep(ctx context.Context, db *sql.DB, kept string) error {
	if kept == "" {
		return ErrNotEmpty
	}
	err := intoPlace(kept, func(made string) error {
		_, err := db.ExecContext(ctx, "VACUUM INTO ?1", made)
		return err
	})
	if err != nil {
		return fmt.Errorf("the database could not be kept: %w", err)
	}
	return nil
}

// prepare returns a copy of a backup that is ready to be served once it is accepted.
func prepare(ctx context.Context, backup, path string) (string, error) {
	made, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return "", err
	}
	made.Close()
	err = copyTo(ctx, backup, made.Name())
	if err == nil {
		err = revise(ctx, made.Name())
	}
	if err != nil {
		os.Remove(made.Name())
		return "", fmt.Errorf("%s: %w", backup, err)
	}
	return made.Name(), nil
}

// errForeign refuses a database that is not Tabard's.
var errForeign = errors.New("it is not a Tabard database")

// revise brings the tables of a restored database up to date and sets its epoch.
func revise(ctx context.Context, path string) error {
	db, err := open(path, "rw")
	if err != nil {
		return err
	}
	defer db.Close()
	if err := checkFile(ctx, db); err != nil {
		return err
	}
	state, err := migrate.Look(ctx, db, sqlstore.SQLite)
	if err == nil && state.Schema == 0 {
		err = errForeign
	}
	if err == nil {
		err = migrate.Up(ctx, db, sqlstore.SQLite)
	}
	if err == nil {
		err = sqlstore.New(db, sqlstore.SQLite).SetEpoch(ctx, signingkey.EpochOfRestore+signingkey.NewEpoch())
	}
	return errors.Join(err, db.Close())
}

// restorer is the part of the driver's connection that copies databases.
type restorer interface {
	NewRestore(uri string) (*driver.Backup, error)
}

// overwrite replaces the content of a database by that of a file, in one transaction.
func overwrite(ctx context.Context, db *sql.DB, source string) error {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	return conn.Raw(func(own any) error {
		copying, err := own.(restorer).NewRestore("file:" + (&url.URL{Path: source}).EscapedPath())
		if err != nil {
			return err
		}
		_, err = copying.Step(-1)
		return errors.Join(err, copying.Finish())
	})
}
