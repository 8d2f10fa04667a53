package migrate

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

const (
	// lockTimeout is how long a statement waits for a table. While it waits, all later
	// statements on the table wait behind it, including those of mints. It is less than
	// the second after which PostgreSQL looks for deadlocks, so that the migration
	// gives way and never a mint.
	lockTimeout = "500ms"
	// The pauses between attempts grow from firstPause to longestPause.
	firstPause, longestPause = 500 * time.Millisecond, 5 * time.Second

	// lockKey is the key of the advisory lock, "tabard" in ASCII.
	lockKey = 0x746162617264
)

// takeLock takes the advisory lock of migrations until the transaction ends.
func takeLock(ctx context.Context, tx *sql.Tx) error {
	var taken bool
	err := tx.QueryRowContext(ctx, "SELECT pg_try_advisory_xact_lock($1)", int64(lockKey)).Scan(&taken)
	if err == nil && !taken {
		return errBusy
	}
	return err
}

// applyPatiently runs a migration's statements. A table that a long transaction holds
// blocks it, and the statements behind it, for at most lockTimeout. Then it releases
// all tables and tries again later. It keeps the advisory lock.
func (r *run) applyPatiently(tx *sql.Tx, name, text string) error {
	pause := firstPause
	for {
		_, err := tx.ExecContext(r.ctx, `SAVEPOINT migration; SET LOCAL lock_timeout = '`+lockTimeout+`';
SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0;`+"\n"+text)
		if !locked(err) {
			return err
		}
		if _, undo := tx.ExecContext(r.ctx, "ROLLBACK TO SAVEPOINT migration; RELEASE SAVEPOINT migration"); undo != nil {
			return errors.Join(err, undo)
		}
		r.wait(pause, "a migration waits for another transaction to release a table", "migration", name, "cause", err.Error())
		if r.ctx.Err() != nil {
			return errors.Join(errors.New("another transaction holds a lock on a table; find it in pg_stat_activity by xact_start"), err)
		}
		pause = min(2*pause, longestPause)
	}
}

// locked reports whether a statement failed because of other transactions: it timed out
// waiting for a lock, or was chosen to end a deadlock.
func locked(err error) bool {
	var refused interface{ SQLState() string }
	if !errors.As(err, &refused) {
		return false
	}
	state := refused.SQLState()
	return state == "55P03" || state == "40P01"
}
