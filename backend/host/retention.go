package host

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tabard-auth/tabard/backend/audit"
)

// Retention is how long the audit log is kept. 0 means forever.
type Retention time.Duration

// minRetention guards against typing errors that would empty the audit log: 30m is not
// 30 months.
const minRetention = 24 * time.Hour

// ParseRetention reads how long to keep the audit log: days (365d) or hours (8760h). 0
// means forever.
func ParseRetention(text string) (Retention, error) {
	if text == "0" {
		return 0, nil
	}
	duration, err := time.ParseDuration(text)
	if days, ok := strings.CutSuffix(text, "d"); ok {
		var n int
		n, err = strconv.Atoi(days)
		duration = time.Duration(min(n, 100_000)) * 24 * time.Hour // limited to the range of a Duration
	}
	if err != nil || duration < minRetention {
		return 0, fmt.Errorf("%q is not a retention: use 0 or at least one day, such as 365d", text)
	}
	return Retention(duration), nil
}

// AuditLog is the part of the store that deleting events needs.
type AuditLog interface {
	DeleteEvents(ctx context.Context, before, limit int64) (int64, error)
	// ExportedUntil returns the time (Unix seconds) up to which all exports of the
	// audit log have progressed. any is false without an export.
	ExportedUntil(ctx context.Context) (at int64, any bool, err error)
	// AuditExports returns all named exports.
	AuditExports(ctx context.Context) ([]audit.Export, error)
}

// before returns the time before which events are deleted. It keeps the events that an
// export has not read yet.
func (r Retention) before(ctx context.Context, store AuditLog, now time.Time) (int64, error) {
	before := now.Add(-time.Duration(r)).Unix()
	exported, any, err := store.ExportedUntil(ctx)
	if err != nil {
		return 0, fmt.Errorf("clean-up: %w", err)
	}
	if any {
		before = min(before, exported)
	}
	return before, nil
}

// DeleteEvents deletes events that are older than the retention and returns their
// number. One call deletes a bounded number. The next clean-up continues.
func (r Retention) DeleteEvents(ctx context.Context, store AuditLog, now time.Time) (forgotten int64, err error) {
	if r == 0 {
		return 0, nil
	}
	before, err := r.before(ctx, store, now)
	if err != nil {
		return 0, err
	}
	return inBatches(func() (int64, error) { return store.DeleteEvents(ctx, before, batch) })
}

// inBatches calls forget until no entries are left, or the limit of one run is reached.
func inBatches(forget func() (int64, error)) (forgotten int64, err error) {
	for range batches {
		gone, err := forget()
		if forgotten += gone; err != nil {
			return forgotten, fmt.Errorf("clean-up: %w", err)
		}
		if gone < batch {
			break
		}
	}
	return forgotten, nil
}
