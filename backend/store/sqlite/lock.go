package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"os"

	"github.com/tabard-auth/tabard/backend/store/sqlstore"
)

// applyLockSuffix ends the name of the file that is locked while an apply runs. It is
// beside the database's, whose own locks are for single transactions.
const applyLockSuffix = "-apply"

// tryLock locks the empty database in the file at path, as SQLite locks: until it is
// released, or the process ends. It returns sqlstore.ErrApplyBusy where another has it.
func tryLock(path string) (release func(), err error) {
	if err := makeFile(path); err != nil {
		return nil, err
	}
	before, err := os.Stat(path)
	if err != nil {
		return nil, gone(err)
	}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?_txlock=exclusive")
	if err != nil {
		return nil, err
	}
	tx, err := db.BeginTx(context.Background(), nil)
	if err != nil {
		db.Close()
		return nil, held(err)
	}
	unlock := func() { tx.Rollback(); db.Close() }
	if now, err := os.Stat(path); err != nil || !os.SameFile(before, now) { // its last holder removed it
		unlock()
		return nil, sqlstore.ErrApplyBusy
	}
	return func() { os.Remove(path); unlock() }, nil
}

// gone is the error of a file whose last holder has just removed it.
func gone(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return sqlstore.ErrApplyBusy
	}
	return err
}

// held is the error of a lock that another has (SQLITE_BUSY).
func held(err error) error {
	var refused interface{ Code() int }
	if errors.As(err, &refused) && refused.Code()&0xff == 5 {
		return sqlstore.ErrApplyBusy
	}
	return err
}
