package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

const (
	// applyLockKey is the key of the advisory lock, "tabarda" in ASCII.
	applyLockKey = 0x74616261726461
	// applyTurn is the interval at which an apply tries to take the lock. applyPatience
	// is the total time that it waits.
	applyTurn     = 100 * time.Millisecond
	applyPatience = 10 * time.Minute

	// The transaction that holds the lock is idle during the whole apply.
	keepIdle = `
SELECT set_config(name, '0', true) FROM pg_settings WHERE name IN ('idle_in_transaction_session_timeout', 'transaction_timeout')`
)

// ErrApplyBusy is the error if another apply is in progress.
var ErrApplyBusy = errors.New("another apply is under way")

// TryLock takes an exclusive lock, or returns ErrApplyBusy. The lock must be released
// when the process ends, even by a crash.
type TryLock func(ctx context.Context) (release func(), err error)

// LockApplyBy sets the lock for applies on a database without one that ends with its
// holder.
func (s *Store) LockApplyBy(lock TryLock) { s.applyLock = lock }

// applyLock is the lock of the current apply.
type applyLock struct {
	release func()
	tx      *sql.Tx // holds the lock; nil for other databases
}

// lockApply waits for other applies and takes the lock.
func (s *Store) lockApply(ctx context.Context, waiting func()) (*applyLock, error) {
	for began := time.Now(); ; sleep(ctx, applyTurn) {
		lock, err := s.tryLockApply(ctx)
		if !errors.Is(err, ErrApplyBusy) || ctx.Err() != nil {
			return lock, err
		}
		if time.Since(began) > applyPatience {
			return nil, fmt.Errorf("%w, for more than %v", ErrApplyBusy, applyPatience)
		}
		if waiting != nil {
			waiting()
			waiting = nil
		}
	}
}

func (s *Store) tryLockApply(ctx context.Context) (lock *applyLock, err error) {
	switch {
	case s.dialect.dollar:
		err = retried(ctx, func() error {
			lock, err = lockByTransaction(ctx, s.pool)
			return err
		})
		return lock, err
	case s.applyLock != nil:
		release, err := s.applyLock(ctx)
		return &applyLock{release: release}, err
	}
	return &applyLock{release: func() {}}, nil
}

// lockByTransaction takes an advisory lock of a transaction. With a pooler in
// transaction mode, a session's lock would remain at a connection that others use.
func lockByTransaction(ctx context.Context, pool *sql.DB) (*applyLock, error) {
	tx, err := pool.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted}) // keeps no old snapshot
	if err != nil {
		return nil, err
	}
	var taken bool
	_, err = tx.ExecContext(ctx, keepIdle)
	if err == nil {
		err = tx.QueryRowContext(ctx, "SELECT pg_try_advisory_xact_lock($1)", int64(applyLockKey)).Scan(&taken)
	}
	if err == nil && !taken {
		err = ErrApplyBusy
	}
	if err != nil {
		tx.Rollback()
		return nil, err
	}
	return &applyLock{func() { tx.Rollback() }, tx}, nil
}

// held returns an error if the lock was lost with its connection.
func (l *applyLock) held(ctx context.Context) error {
	if l.tx == nil {
		return nil
	}
	if _, err := l.tx.ExecContext(ctx, "SELECT 1"); err != nil {
		return fmt.Errorf("the lock of the apply was lost: %w", err)
	}
	return nil
}
