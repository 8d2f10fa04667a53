package host

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Housekeeper is what housekeeping needs a store for.
type Housekeeper interface {
	Cleaner
	AuditLog
	// AcquireLease lets a holder do what one at a time does, until a time (Unix seconds),
	// and reports whether nobody else holds the lease. Its holder prolongs it so.
	AcquireLease(ctx context.Context, name, holder string, now, until int64) (bool, error)
	ReleaseLease(ctx context.Context, name, holder string) error
	// CountExpired and CountEvents count what is older than a time, limit at most.
	CountExpired(ctx context.Context, before, limit int64) (int64, error)
	CountEvents(ctx context.Context, before, limit int64) (int64, error)
}

// What piles up until housekeeping forgets it.
const (
	BacklogSessions = "sessions"
	BacklogEvents   = "events"
)

const (
	lease = "housekeeping"
	// leaseTime is how long another replica waits for one that died.
	leaseTime = 5 * time.Minute
	// backlogBatch is how much is forgotten by one statement: mints wait behind it on
	// SQLite, and a replica of PostgreSQL applies it at once.
	backlogBatch = 1000
	// mostCounted bounds what counting costs.
	mostCounted = 1_000_000
)

// Housekeeping forgets all that has piled up, and maintains keys, in one replica at a time.
type Housekeeping struct {
	Store     Housekeeper
	Rotation  Rotation
	Retention Retention
	Replica   string
	Log       *slog.Logger
	// Report is told how much of something is left.
	Report func(what string, left int64)
	// Now tells the time; nil means time.Now.
	Now func() time.Time
}

// Run does what is due. It reports whether it was this replica's turn.
func (h Housekeeping) Run(ctx context.Context) (turn bool, err error) {
	if h.Now == nil {
		h.Now = time.Now
	}
	if turn, err = h.acquire(ctx); err != nil || !turn {
		return false, err
	}
	defer func() {
		release, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveTimeout)
		defer cancel()
		err = errors.Join(err, h.Store.ReleaseLease(release, lease, h.Replica))
	}()
	now := h.Now()
	if err := maintain(ctx, h.Store, h.Rotation, now); err != nil {
		return true, err
	}
	ended := now.Add(-keepEnded).Unix()
	sessions := backlog{BacklogSessions, h.Store.DeleteExpired, h.Store.CountExpired, ended}
	if err := h.deleteBacklog(ctx, sessions); err != nil || h.Retention == 0 {
		return true, err
	}
	before, err := h.Retention.before(ctx, h.Store, now)
	if err != nil {
		return true, err
	}
	return true, h.deleteBacklog(ctx, backlog{BacklogEvents, h.Store.DeleteEvents, h.Store.CountEvents, before})
}

// acquire takes the lease, or prolongs it.
func (h Housekeeping) acquire(ctx context.Context) (bool, error) {
	now := h.Now()
	held, err := h.Store.AcquireLease(ctx, lease, h.Replica, now.Unix(), now.Add(leaseTime).Unix())
	if err != nil {
		return false, fmt.Errorf("clean-up: %w", err)
	}
	return held, nil
}

// backlog is what has piled up of one kind.
type backlog struct {
	what   string
	delete func(ctx context.Context, before, limit int64) (int64, error)
	count  func(ctx context.Context, before, limit int64) (int64, error)
	before int64
}

// deleteBacklog forgets a backlog, batch by batch. After each it rests as long as that took, so
// that requests have half of the database at least.
func (h Housekeeping) deleteBacklog(ctx context.Context, b backlog) error {
	var forgotten int64
	defer func() {
		if forgotten > 0 {
			h.Log.Info(b.what+" deleted", "count", forgotten)
		}
	}()
	left, err := b.count(ctx, b.before, mostCounted)
	if err != nil {
		return fmt.Errorf("clean-up: %w", err)
	}
	for h.report(b.what, left); ; h.report(b.what, max(left-forgotten, 0)) {
		began := time.Now()
		gone, err := b.delete(ctx, b.before, backlogBatch)
		forgotten += gone
		if err != nil {
			return fmt.Errorf("clean-up: %w", err)
		}
		if gone < backlogBatch {
			h.report(b.what, 0)
			return nil
		}
		if err := pause(ctx, time.Since(began)); err != nil {
			return err
		}
		if held, err := h.acquire(ctx); err != nil || !held {
			return err // another replica goes on
		}
	}
}

func (h Housekeeping) report(what string, left int64) {
	if h.Report != nil {
		h.Report(what, left)
	}
}

func pause(ctx context.Context, d time.Duration) error {
	over := time.NewTimer(d)
	defer over.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-over.C:
		return nil
	}
}
