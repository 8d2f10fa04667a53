// Package migrate brings a database's schema up to date. The Worker does not link
// it: wrangler applies the same files to D1.
//
// Processes that start together migrate one after the other: each migration runs in a
// transaction of its own, which first takes a lock that the transaction holds. On
// PostgreSQL that is an advisory lock of the transaction, not of the session: behind
// a pooler in transaction mode the next statement of a session may run on another
// connection, and its lock would stay with the first.
package migrate

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"github.com/pressly/goose/v3/database"

	"github.com/tabard-auth/tabard/backend/store/sqlstore"
)

const (
	// patience is how long a migration waits for other processes and transactions, all
	// attempts together.
	patience = 10 * time.Minute
	// turn is how long a process waits before it asks again whether it may migrate.
	turn = 100 * time.Millisecond
)

// Migrator brings the schema of a database up to date.
type Migrator struct {
	Dialect sqlstore.Dialect
	// Files are the migrations; nil is those of this release.
	Files fs.FS
	// Log is told what is applied and what is waited for; nil discards it.
	Log *slog.Logger
}

// Up applies the migrations that the database does not have yet.
func Up(ctx context.Context, db *sql.DB, dialect sqlstore.Dialect) error {
	_, err := Migrator{Dialect: dialect}.Up(ctx, db)
	return err
}

// Up applies the migrations that the database does not have yet, and returns their
// names. Where another process applies them it waits.
func (m Migrator) Up(ctx context.Context, db *sql.DB) (applied []string, err error) {
	r, err := m.newRun(ctx)
	if err != nil {
		return nil, fmt.Errorf("migrate: %w", err)
	}
	defer r.cancel()
	for {
		state, err := r.look(r.ctx, db)
		if err == nil && len(state.Pending) == 0 {
			return applied, nil
		}
		name := ""
		if err == nil {
			name, err = r.next(db)
		}
		switch {
		case name != "":
			applied = append(applied, name)
			r.log.Info("migration applied", "migration", name)
		case err == nil: // another process did it
		case errors.Is(err, errBusy) || busy(err):
			r.wait(turn, "waiting for another process that migrates the database")
		}
		if err := r.failure(err); err != nil {
			return applied, fmt.Errorf("migrate: %w", err)
		}
	}
}

// errBusy says that another process migrates.
var errBusy = errors.New("another process migrates the database")

// run is one call of Up.
type run struct {
	Migrator
	versions database.Store
	log      *slog.Logger
	ctx      context.Context
	cancel   context.CancelFunc
	told     time.Time // when the log was last told of a wait
}

func (m Migrator) newRun(ctx context.Context) (*run, error) {
	versions, err := m.versionTable()
	if err != nil {
		return nil, err
	}
	r := &run{Migrator: m, versions: versions, log: m.Log}
	if r.log == nil {
		r.log = slog.New(slog.DiscardHandler)
	}
	r.ctx, r.cancel = context.WithTimeoutCause(ctx, patience, fmt.Errorf("nothing was applied within %v", patience))
	return r, nil
}

// failure is the error of an attempt, nil where it is worth another one.
func (r *run) failure(err error) error {
	switch {
	case r.ctx.Err() != nil:
		return errors.Join(context.Cause(r.ctx), err)
	case err == nil, errors.Is(err, errBusy), busy(err):
		return nil
	}
	return err
}

// tellEvery is how often the log is told that something is still waited for.
const tellEvery = 10 * time.Second

// wait waits a while, and tells the log of it now and then.
func (r *run) wait(pause time.Duration, why string, attributes ...any) {
	if time.Since(r.told) >= tellEvery {
		r.told = time.Now()
		r.log.Warn(why, attributes...)
	}
	select {
	case <-time.After(pause):
	case <-r.ctx.Done():
	}
}

// next applies the first migration that is pending, in a transaction, and returns its
// name: "" where none was left.
func (r *run) next(db *sql.DB) (name string, err error) {
	tx, err := db.BeginTx(r.ctx, nil) // SQLite: one process at a time
	if err != nil {
		return "", err
	}
	defer tx.Rollback()
	if r.Dialect == sqlstore.Postgres {
		if err := takeLock(r.ctx, tx); err != nil {
			return "", err
		}
	}
	state, err := r.look(r.ctx, tx)
	if err != nil || len(state.Pending) == 0 {
		return "", err
	}
	if !state.table {
		if err := r.makeVersions(tx); err != nil {
			return "", err
		}
	}
	name = state.Pending[0]
	version, text, err := r.read(name)
	if err != nil {
		return "", err
	}
	if err := r.apply(tx, name, text); err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	if err := r.versions.Insert(r.ctx, tx, database.InsertRequest{Version: version}); err != nil {
		return "", err
	}
	return name, tx.Commit()
}

// makeVersions makes the table of what was applied, as goose does.
func (r *run) makeVersions(tx *sql.Tx) error {
	if err := r.versions.CreateVersionTable(r.ctx, tx); err != nil {
		return err
	}
	return r.versions.Insert(r.ctx, tx, database.InsertRequest{Version: 0})
}

// apply runs a migration's statements.
func (r *run) apply(tx *sql.Tx, name, text string) error {
	if r.Dialect == sqlstore.Postgres {
		return r.applyPatiently(tx, name, text)
	}
	_, err := tx.ExecContext(r.ctx, text)
	return err
}

// busy reports whether SQLite let nobody in for too long (SQLITE_BUSY).
func busy(err error) bool {
	var sqlite interface{ Code() int }
	return errors.As(err, &sqlite) && sqlite.Code()&0xff == 5
}
