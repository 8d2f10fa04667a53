// Package move carries everything from an SQLite database into an empty PostgreSQL
// database.
package move

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/backend/store/migrate"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
)

// Move is one run. From is SQLite, which must not be open elsewhere, and To PostgreSQL.
// Both have this release's tables, see [Ready].
type Move struct {
	From, To *sql.DB
	// Target describes To, for whoever still uses From.
	Target string
	// Report is told how many rows of a table were carried so far.
	Report func(table string, rows int64)
}

// Errors of a move that was not begun.
var (
	ErrNotEmpty = errors.New("the target holds something already: name an empty database")
	ErrHeld     = errors.New("the database was restored, and is not served: run tabard restore --accept first")
)

// Ready returns an error unless the target is an empty database, or one that has only
// empty tables of this program.
func Ready(ctx context.Context, to *sql.DB, state migrate.State) error {
	if state.Schema == 0 {
		relations, err := migrate.Relations(ctx, to, sqlstore.Postgres)
		if err == nil && len(relations) > 0 {
			err = ErrNotEmpty
		}
		return err
	}
	if state.Newer() {
		return fmt.Errorf("the target's tables are of a newer release (%d, this one knows %d)", state.Schema, state.Release)
	}
	return nil
}

// Carried is a table with the number of its rows that a move carried.
type Carried struct {
	Table string
	Rows  int64
}

// Run carries everything in one transaction of the target, reads it back, and compares
// counts and digests. An interruption leaves the target as it was. After a move the
// source is not served any more.
//
// If the target has exactly what the source has, a run before this one was broken off
// after its transaction, and Run does the rest.
func (m Move) Run(ctx context.Context) ([]Carried, error) {
	epoch, err := m.epoch(ctx)
	if err != nil {
		return nil, err
	}
	tables, err := tablesOf(ctx, m.From)
	if err != nil {
		return nil, err
	}
	carried, err := m.carry(ctx, tables, epoch)
	if err != nil {
		return nil, err
	}
	err = sqlstore.New(m.From, sqlstore.SQLite).SetEpoch(ctx, signingkey.EpochMoved(m.Target))
	if err != nil {
		return nil, fmt.Errorf("everything was carried, but the source could not be closed; run this again before a server starts: %w", err)
	}
	return carried, nil
}

// MovedTo reports whether a source was moved before, and where to.
func MovedTo(ctx context.Context, from *sql.DB) (to string, moved bool, err error) {
	found, _, err := sqlstore.New(from, sqlstore.SQLite).KnownEpoch(ctx)
	to, moved = signingkey.MovedTo(found.Value)
	return to, moved, err
}

// epoch returns the source's epoch, which is null if it has none yet.
func (m Move) epoch(ctx context.Context) (epoch sql.NullString, err error) {
	err = m.From.QueryRowContext(ctx, "SELECT MAX(value) FROM epochs").Scan(&epoch)
	if err == nil && strings.Contains(epoch.String, ":") { // none that a file can name
		err = ErrHeld
	}
	return epoch, err
}

// carry carries the tables, and commits if the target has the same rows as the source.
func (m Move) carry(ctx context.Context, tables []table, epoch sql.NullString) (carried []Carried, err error) {
	tx, err := m.To.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer tx.Rollback()
	if err := prepare(ctx, tx); err != nil {
		return nil, err
	}
	filled, err := holdsRows(ctx, tx, tables)
	if err != nil {
		return nil, err
	}
	for _, t := range tables {
		want, err := m.carryTable(ctx, tx, t, filled)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", t.name, err)
		}
		got, err := readBack(ctx, tx, t)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", t.name, err)
		}
		if got != want {
			if filled {
				return nil, ErrNotEmpty
			}
			return nil, fmt.Errorf("%s: the target has %d rows of digest %x, and the source %d of %x; nothing was carried",
				t.name, got.rows, got.sum[:4], want.rows, want.sum[:4])
		}
		carried = append(carried, Carried{t.name, want.rows})
	}
	if epoch.Valid {
		if _, err := tx.ExecContext(ctx, "INSERT INTO epochs (one, value) VALUES (1, $1) ON CONFLICT (one) DO NOTHING", epoch.String); err != nil {
			return nil, err
		}
	}
	return carried, tx.Commit()
}

// lockPatience is how long a move waits for another one. After an interruption
// PostgreSQL holds the lock until the last statement ends.
var lockPatience = 10 * time.Second

const (
	// lockKey is the key of the advisory lock of moves, "tabardm" in ASCII.
	lockKey = 0x7461626172646d
	// lockNotAvailable is PostgreSQL's code of a lock that was not free in time.
	lockNotAvailable = "55P03"
)

// prepare lets one move run at a time, for as long as it takes.
func prepare(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, "SELECT set_config('lock_timeout', $1, true)", strconv.FormatInt(lockPatience.Milliseconds(), 10))
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock($1)", int64(lockKey))
	var refused interface{ SQLState() string }
	if errors.As(err, &refused) && refused.SQLState() == lockNotAvailable {
		return errors.New("another move to this database is under way")
	}
	if err == nil {
		_, err = tx.ExecContext(ctx, `SELECT set_config(name, '0', true) FROM pg_settings
WHERE name IN ('idle_in_transaction_session_timeout', 'transaction_timeout', 'statement_timeout', 'lock_timeout')`)
	}
	if err == nil { // the feed of endings comes along: nothing ends by being carried
		_, err = tx.ExecContext(ctx, "SELECT set_config('tabard.carrying', 'on', true)")
	}
	return err
}

// holdsRows reports whether a table of the target has rows, or the target an epoch.
func holdsRows(ctx context.Context, tx *sql.Tx, tables []table) (filled bool, err error) {
	for _, name := range append(names(tables), "epochs") {
		var any bool
		if err := tx.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM "+name+")").Scan(&any); err != nil {
			return false, err
		}
		filled = filled || any
	}
	return filled, nil
}
