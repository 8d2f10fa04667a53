package host

import (
	"context"
	"crypto/rand"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/tabard-auth/tabard/backend/keys"
)

// Attendance is what the other replicas, and commands, learn of this one: which values of
// the workspace's secret it has.
type Attendance struct {
	Store  keys.Sightings
	Ring   *keys.Ring
	Secret keys.Secret
	// Replica names this one in the store, see [NewReplicaName].
	Replica string
	// Every is how long it takes at least until the next Note; 0 is nothing worth mentioning.
	Every time.Duration
	Log   *slog.Logger

	passed []string // the signing keys that the log has last been told of
}

// NewReplicaName returns a name for this process: its machine's, and some characters that
// no other process has.
func NewReplicaName() string {
	name, err := os.Hostname()
	if err != nil {
		name = "replica"
	}
	return name[:min(len(name), 64)] + "/" + strings.ToLower(rand.Text()[:8])
}

// Note writes down that the replica lives and which values it has, and says in the log
// which signing keys it passes over, when those are others than before.
func (a *Attendance) Note(ctx context.Context, now time.Time) error {
	ids, err := a.Secret.IDs()
	if err == nil {
		err = a.Store.SightSecretKeys(ctx, a.Replica, ids, now.Unix(), now.Add(a.Every).Unix())
	}
	if err != nil {
		return err
	}
	if _, err := a.Ring.Published(ctx, "", now.Unix()); err != nil {
		return err
	}
	if passed := a.Ring.PassedOver(); !slices.Equal(passed, a.passed) {
		a.passed = passed
		if len(passed) > 0 {
			a.Log.Warn("signing keys do not open under this replica's secret and are passed over; give every replica the same secret file", "keys", passed)
		}
	}
	return nil
}

// Run notes at every interval until ctx ends, and then that the replica ended in peace.
func (a *Attendance) Run(ctx context.Context) {
	ticker := time.NewTicker(keys.SightInterval * time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if err := a.Note(ctx, time.Now()); err != nil && ctx.Err() == nil {
			a.Log.Error("it was not written down which secret this replica has; that is tried again in a minute", "cause", err)
		}
	}
}

// leaveTimeout bounds the last statement of a replica that ends.
const leaveTimeout = 2 * time.Second

// Leave writes down that the replica ends in peace: nobody waits for it any more.
func (a *Attendance) Leave(now time.Time) error {
	ctx, cancel := context.WithTimeout(context.Background(), leaveTimeout)
	defer cancel()
	return a.Store.LeaveSecretKeys(ctx, a.Replica, now.Unix())
}
