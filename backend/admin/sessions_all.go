package admin

import (
	"context"
	"time"

	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/session"
)

// EndedSessions tells how many sessions ended.
type EndedSessions struct {
	Sessions int64 `json:"sessions,omitempty"`
}

const (
	// endBatch is how many sessions one statement ends: requests wait behind it on SQLite.
	endBatch = 1000
	// clockSlack is the most by which the clocks of two replicas may differ, in seconds.
	clockSlack = 5
)

// EndAllSessions ends every session of the workspace that began before now, in batches.
// Between two of them it rests as long as one took.
func (o *sessions) EndAllSessions(ctx context.Context, by Actor) (EndedSessions, error) {
	a := &operation{action: audit.EndSession, scope: workspaceScope, note: "all sessions of the workspace"}
	return run(ctx, o.base, by, a,
		func(ctx context.Context, _ directory.OrganizationRecord) (EndedSessions, error) {
			n, err := EndSessions(ctx, o.store, o.now().Unix()+clockSlack, session.ReasonAdmin, o.now)
			return EndedSessions{n}, err
		})
}

// EndSessions ends the live sessions that began at a time or before, in batches. It
// returns their number.
func EndSessions(ctx context.Context, store SessionStore, until int64, reason session.Reason, now func() time.Time) (ended int64, err error) {
	for after, more := "", true; more; {
		began := time.Now()
		n, last, err := store.EndSessions(ctx, after, until, reason, now().Unix(), endBatch)
		if ended += n; err != nil {
			return ended, err
		}
		if after, more = last, last != ""; more {
			select {
			case <-ctx.Done():
				return ended, ctx.Err()
			case <-time.After(time.Since(began)):
			}
		}
	}
	return ended, nil
}
