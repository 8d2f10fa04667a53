package host

import (
	"context"
	"fmt"
	"time"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/events"
	"github.com/tabard-auth/tabard/backend/signingkey"
)

// Cleaner is the part of the store that the clean-up needs.
type Cleaner interface {
	signingkey.Admin
	Resealer
	Workspace(ctx context.Context) (*directory.Workspace, error)
	FollowUpThefts(ctx context.Context, endUser bool, now int64) error
	DeleteExpired(ctx context.Context, before, limit int64) (int64, error)
	// ForgetEndings deletes the events of the feed up to the last before a time.
	ForgetEndings(ctx context.Context, before int64) error
}

// Sessions and signing keys are deleted a day after their end. Sessions are deleted in small
// batches: SQLite and D1 run one statement at a time, so that mints wait for each. A Worker's
// time is limited, and so are its statements in one run.
const (
	keepEnded = 24 * time.Hour
	batch     = 500
	batches   = 100
)

// CleanUp does the work that does not happen during requests: it runs maintain and
// deletes sessions that ended long ago. The number of deletions is limited to what a
// Worker can do in one run. CleanUp returns that number. Any replica may run it, at any
// time and repeatedly.
func CleanUp(ctx context.Context, store Cleaner, r Rotation, now time.Time) (forgotten int64, err error) {
	if err := maintain(ctx, store, r, now); err != nil {
		return 0, err
	}
	return inBatches(func() (int64, error) { return store.DeleteExpired(ctx, now.Add(-keepEnded).Unix(), batch) })
}

// maintain completes the handling of thefts that a crash interrupted, rotates signing
// keys, and reseals values under the newest secret.
func maintain(ctx context.Context, store Cleaner, r Rotation, now time.Time) error {
	w, err := store.Workspace(ctx)
	if err != nil {
		return fmt.Errorf("clean-up: %w", err)
	}
	if err := store.FollowUpThefts(ctx, w.OnReuse == directory.EndUser, now.Unix()); err != nil {
		return fmt.Errorf("clean-up: %w", err)
	}
	if err := r.rotate(ctx, store, w, now.Unix()); err != nil {
		return fmt.Errorf("clean-up: %w", err)
	}
	if _, err := Reseal(ctx, store, r.Secret, now.Unix(), false); err != nil {
		return fmt.Errorf("clean-up: %w", err)
	}
	if err := store.ForgetEndings(ctx, now.Add(-events.Keep).Unix()); err != nil {
		return fmt.Errorf("clean-up: %w", err)
	}
	if err := store.DeleteSecretKeys(ctx, now.Add(-keepEnded).Unix()); err != nil {
		return fmt.Errorf("clean-up: %w", err)
	}
	return nil
}
