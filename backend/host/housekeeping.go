package host

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/domain"
)

// Housekeeper is the part of the store that housekeeping needs.
type Housekeeper interface {
	Cleaner
	AuditLog
	DomainStore
	// AcquireLease acquires or extends a lease until a time (Unix seconds). It reports
	// whether the holder has it.
	AcquireLease(ctx context.Context, name, holder string, now, until int64) (bool, error)
	ReleaseLease(ctx context.Context, name, holder string) error
	// CountExpired and CountEvents count entries older than a time, up to limit.
	CountExpired(ctx context.Context, before, limit int64) (int64, error)
	CountEvents(ctx context.Context, before, limit int64) (int64, error)
}

// The kinds of entries that housekeeping deletes.
const (
	BacklogSessions = "sessions"
	BacklogEvents   = "events"
	// BacklogExports are events that are kept for a named export alone.
	BacklogExports = "events_for_exports"
)

const (
	lease = "housekeeping"
	// leaseTime is how long other replicas wait after a holder has crashed.
	leaseTime = 5 * time.Minute
	// backlogBatch is the number of deletions in one statement. On SQLite, mints wait
	// for the statement; a PostgreSQL replica applies it at once.
	backlogBatch = 1000
	// mostCounted limits the cost of counting.
	mostCounted = 1_000_000
)

// Housekeeping deletes the backlog and maintains keys, in one replica at a time.
type Housekeeping struct {
	Store     Housekeeper
	Rotation  Rotation
	Retention Retention
	Replica   string
	// Resolver looks up the DNS records of domains. Nil looks up none.
	Resolver domain.Resolver
	Log      *slog.Logger
	// Report receives the number of remaining entries of a kind.
	Report func(what string, left int64)
	// Behind receives how far the named export is behind that is furthest behind.
	Behind func(time.Duration)
	// Now returns the current time. Nil means time.Now.
	Now func() time.Time
}

// Run does the work that is due. It reports whether this replica held the lease.
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
	if err := h.checkDomains(ctx, now); err != nil {
		return true, err
	}
	ended := now.Add(-keepEnded).Unix()
	sessions := backlog{BacklogSessions, h.Store.DeleteExpired, h.Store.CountExpired, ended}
	if err := h.deleteBacklog(ctx, sessions); err != nil {
		return true, err
	}
	if err := h.lookAtExports(ctx, now); err != nil || h.Retention == 0 {
		return true, err
	}
	before, err := h.Retention.before(ctx, h.Store, now)
	if err != nil {
		return true, err
	}
	if err := h.deleteBacklog(ctx, backlog{BacklogEvents, h.Store.DeleteEvents, h.Store.CountEvents, before}); err != nil {
		return true, err
	}
	held, err := h.Store.CountEvents(ctx, now.Add(-time.Duration(h.Retention)).Unix(), mostCounted)
	if err == nil {
		h.report(BacklogExports, held)
	}
	return true, err
}

// lookAtExports reports how far the named exports are behind, and logs those that seem to
// run no more.
func (h Housekeeping) lookAtExports(ctx context.Context, now time.Time) error {
	all, err := h.Store.AuditExports(ctx)
	if err != nil {
		return fmt.Errorf("clean-up: %w", err)
	}
	furthest := time.Duration(0)
	for _, e := range all {
		behind := e.Behind(now)
		furthest = max(furthest, behind)
		if behind > audit.LateExport {
			h.Log.Warn("a named export of the audit log does not run, and events are kept for it; run it, or end it: tabard audit export --end --name "+e.Name, "behind", behind.Round(time.Second).String())
		}
	}
	if h.Behind != nil {
		h.Behind(furthest)
	}
	return nil
}

// checkDomains looks up the domains that are due. The lease is extended before each
// part, which takes a fraction of its time.
func (h Housekeeping) checkDomains(ctx context.Context, now time.Time) error {
	const part = 20
	for h.Resolver != nil {
		if checked, err := CheckDomains(ctx, h.Store, h.Resolver, now, part); err != nil || checked < part {
			return err
		}
		if held, err := h.acquire(ctx); err != nil || !held {
			return err // another replica continues
		}
	}
	return nil
}

// acquire acquires or extends the lease.
func (h Housekeeping) acquire(ctx context.Context) (bool, error) {
	now := h.Now()
	held, err := h.Store.AcquireLease(ctx, lease, h.Replica, now.Unix(), now.Add(leaseTime).Unix())
	if err != nil {
		return false, fmt.Errorf("clean-up: %w", err)
	}
	return held, nil
}

// backlog is the set of old entries of one kind.
type backlog struct {
	what   string
	delete func(ctx context.Context, before, limit int64) (int64, error)
	count  func(ctx context.Context, before, limit int64) (int64, error)
	before int64
}

// deleteBacklog deletes a backlog in batches. After each batch it pauses for the
// duration of the batch, so that requests have at least half of the database's time.
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
			return err // another replica continues
		}
	}
}

func (h Housekeeping) report(what string, left int64) {
	if h.Report != nil {
		h.Report(what, left)
	}
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
