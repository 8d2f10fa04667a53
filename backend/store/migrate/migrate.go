// Package migrate brings a database's schema up to date. The Worker does not link it:
// wrangler applies the same files to D1.
//
// Processes that start together migrate one after the other. Each migration runs in a
// transaction, which first takes a lock that is held until the transaction ends. On
// PostgreSQL that is an advisory lock of the transaction, not of the session: behind a
// pooler in transaction mode the next statement of a session may run on another
// connection, and a session's lock would stay with the first. Indexes of large tables are
// made on a second connection meanwhile, outside of a transaction.
package migrate

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"time"

	"github.com/pressly/goose/v3/database"

	"github.com/tabard-auth/tabard/backend/store/sqlstore"
)

const (
	// maxWait is how long a migration waits for other processes and transactions, over
	// all attempts.
	maxWait = 10 * time.Minute
	// retryPause is how long a process waits before it tries again to migrate.
	retryPause = 100 * time.Millisecond
)

// Migrator brings the schema of a database up to date.
type Migrator struct {
	Dialect sqlstore.Dialect
	// Files are the migrations. Nil means those of this release.
	Files fs.FS
	// Log records the applied migrations and the waiting. Nil discards it.
	Log *slog.Logger
}

// Up applies the pending migrations.
func Up(ctx context.Context, db *sql.DB, dialect sqlstore.Dialect) error {
	_, err := Migrator{Dialect: dialect}.Up(ctx, db)
	return err
}

// Up applies the pending migrations and returns their names. It waits if another
// process applies them.
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
			r.wait(retryPause, "waiting for another process to migrate the database")
		}
		if err := r.failure(err); err != nil {
			return applied, fmt.Errorf("migrate: %w", err)
		}
	}
}

// errBusy means that another process migrates the database.
var errBusy = errors.New("another process migrates the database")

// run is one call of Up.
type run struct {
	Migrator
	versions   database.Store
	log        *slog.Logger
	ctx        context.Context
	cancel     context.CancelFunc
	lastLogged time.Time // when a wait was last logged
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
	r.ctx, r.cancel = context.WithTimeoutCause(ctx, maxWait, fmt.Errorf("no migration was applied within %v", maxWait))
	return r, nil
}

// failure returns the error of an attempt, or nil if another attempt may succeed.
func (r *run) failure(err error) error {
	switch {
	case r.ctx.Err() != nil:
		return errors.Join(context.Cause(r.ctx), err)
	case err == nil, errors.Is(err, errBusy), busy(err):
		return nil
	}
	return err
}

// logInterval is the interval of log records during a wait.
const logInterval = 10 * time.Second

// wait pauses and logs the reason from time to time.
func (r *run) wait(pause time.Duration, why string, attributes ...any) {
	if time.Since(r.lastLogged) >= logInterval {
		r.lastLogged = time.Now()
		r.log.Warn(why, attributes...)
	}
	select {
	case <-time.After(pause):
	case <-r.ctx.Done():
	}
}

// next applies the first pending migration in a transaction and returns its name, or ""
// if none is pending.
func (r *run) next(db *sql.DB) (name string, err error) {
	tx, err := db.BeginTx(r.ctx, r.options()) // SQLite: one process at a time
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
	if err := r.apply(db, tx, name, text); err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	if err := r.versions.Insert(r.ctx, tx, database.InsertRequest{Version: version}); err != nil {
		return "", err
	}
	return name, tx.Commit()
}

// makeVersions creates the table of applied migrations, in goose's format.
func (r *run) makeVersions(tx *sql.Tx) error {
	if err := r.versions.CreateVersionTable(r.ctx, tx); err != nil {
		return err
	}
	return r.versions.Insert(r.ctx, tx, database.InsertRequest{Version: 0})
}

// options returns the options of a migration's transaction.
func (r *run) options() *sql.TxOptions {
	if r.Dialect == sqlstore.Postgres {
		return &sql.TxOptions{Isolation: sql.LevelReadCommitted} // whatever the database's default is
	}
	return nil
}

// apply runs a migration's statements.
func (r *run) apply(db *sql.DB, tx *sql.Tx, name, text string) error {
	switch {
	case r.Dialect != sqlstore.Postgres:
		_, err := tx.ExecContext(r.ctx, text)
		return err
	case strings.Contains(text, noTransaction):
		return r.makeIndexes(db, tx, name, text)
	}
	return r.applyPatiently(tx, name, text)
}

// busy reports whether SQLite was locked for too long (SQLITE_BUSY).
func busy(err error) bool {
	var sqlite interface{ Code() int }
	return errors.As(err, &sqlite) && sqlite.Code()&0xff == 5
}
