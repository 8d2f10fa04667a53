package host

import (
	"context"
	"fmt"
	"time"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/signingkey"
)

// Cleaner is the part of the store that the clean-up needs.
type Cleaner interface {
	signingkey.Admin
	Resealer
	Workspace(ctx context.Context) (*directory.Workspace, error)
	FollowUpThefts(ctx context.Context, endUser bool, now int64) error
	DeleteExpired(ctx context.Context, before, limit int64) (int64, error)
}

// Sessions and signing keys are deleted a day after their end. Sessions are deleted in
// batches, because D1 limits a statement and a Worker's time is limited.
const (
	keepEnded = 24 * time.Hour
	batch     = 5000
	batches   = 10
)

// CleanUp does the work that no request waits for: it maintains, and deletes sessions that
// ended long ago, as many as a Worker may at once. It returns the number of deleted
// sessions. Any replica may run it, at any time and any number of times.
func CleanUp(ctx context.Context, store Cleaner, r Rotation, now time.Time) (forgotten int64, err error) {
	if err := maintain(ctx, store, r, now); err != nil {
		return 0, err
	}
	return inBatches(func() (int64, error) { return store.DeleteExpired(ctx, now.Add(-keepEnded).Unix(), batch) })
}

// maintain follows up thefts that a crash cut short, rotates signing keys, and seals anew
// what an older secret sealed.
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
	if err := store.DeleteSecretKeys(ctx, now.Add(-keepEnded).Unix()); err != nil {
		return fmt.Errorf("clean-up: %w", err)
	}
	return nil
}
