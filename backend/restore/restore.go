// Package restore accepts a database that was restored from a backup: it ends the sessions
// of before and lists the access that came back. Until then no replica serves the database
// (host.Epoch).
package restore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tabard-auth/tabard/backend/admin"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/session"
	"github.com/tabard-auth/tabard/backend/signingkey"
)

// Store is the part of the store that accepting needs.
type Store interface {
	admin.Store
	signingkey.Admin
	signingkey.Epochs
	EventStore
	// LastServed returns the last time (Unix seconds) of which the database shows that a
	// replica served it, or 0.
	LastServed(ctx context.Context) (int64, error)
	// RestartFeed empties the feed of endings, and continues it at a number beyond every
	// one that it gave before, with an event that refuses all access tokens.
	RestartFeed(ctx context.Context, now int64) error
}

// Acceptance is the input for accepting a database.
type Acceptance struct {
	Store Store
	// Secret is the servers'. Its epoch becomes the database's.
	Secret signingkey.Secret
	// KeepSessions ends no session: the database lacks no change.
	KeepSessions bool
	By           admin.Actor
	Now          func() time.Time
}

// ErrServed refuses to accept a database that is served.
var ErrServed = errors.New(`the database is served already, since its epoch is the secret file's: there is nothing to accept.
If it was just restored, all that had ended is being served again: stop every replica, run tabard secret epoch,
give every replica the file, and run this again`)

// reasonRestored tells that the database was restored from a backup of before.
const reasonRestored session.Reason = "restored"

// farAhead is more than any replica's clock has been ahead, in seconds.
const farAhead = 24 * 60 * 60

// Check returns an error if the database need not be accepted, or if no server could serve
// it with the secret: [signingkey.ErrSealed].
func (a *Acceptance) Check(ctx context.Context) error {
	found, err := a.Store.Epoch(ctx, a.Secret.Epoch())
	if err == nil && found.Value == a.Secret.Epoch() && !found.Copied {
		return ErrServed
	}
	if err != nil {
		return err
	}
	_, err = signingkey.NewKeyRing(a.Store, a.Secret, signingkey.ES256).Stored(ctx, "", a.Now().Unix())
	return err
}

// Accept lets replicas serve the database and returns how many sessions ended. It may be
// run again after a failure.
func (a *Acceptance) Accept(ctx context.Context) (ended int64, err error) {
	if err := a.Check(ctx); err != nil {
		return 0, err
	}
	served, err := a.Store.LastServed(ctx)
	if err != nil {
		return 0, err
	}
	if !a.KeepSessions {
		until := a.Now().Unix() + farAhead
		if ended, err = admin.EndSessions(ctx, a.Store, until, reasonRestored, a.Now); err != nil {
			return ended, err
		}
	}
	if err := a.Store.RestartFeed(ctx, a.Now().Unix()); err != nil {
		return ended, err
	}
	err = a.Store.RecordEvent(ctx, audit.Event{
		ID: directory.NewID("evt_"), At: a.Now().Unix(), Action: audit.AcceptRestore, Outcome: audit.Done,
		Actor: a.By.ID, ActorName: a.By.Name,
		Note: fmt.Sprintf("last served at %s; sessions ended: %d", time.Unix(served, 0).UTC().Format(time.RFC3339), ended),
	})
	if err == nil {
		err = a.Store.SetEpoch(ctx, a.Secret.Epoch()) // the last step: from now on it is served
	}
	return ended, err
}
