package host

import (
	"context"
	"crypto/rand"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/tabard-auth/tabard/backend/signingkey"
)

// Heartbeat reports this replica to other replicas and commands: it is alive and has
// certain values of the workspace's secret.
type Heartbeat struct {
	Store  signingkey.ReplicaKeyStore
	Ring   *signingkey.KeyRing
	Secret signingkey.Secret
	// Replica is the name of this replica in the store, see [NewReplicaName].
	Replica string
	// Every is the least time until the next Note. 0 means a negligible time.
	Every time.Duration
	Log   *slog.Logger

	lastPassedOver []string // the signing keys that were last logged
}

// NewReplicaName returns a name for this process: its machine's name and some unique
// characters.
func NewReplicaName() string {
	name, err := os.Hostname()
	if err != nil {
		name = "replica"
	}
	return name[:min(len(name), 64)] + "/" + strings.ToLower(rand.Text()[:8])
}

// Note records that the replica is alive and which values it has. It logs the signing
// keys that it passes over, if they differ from the last ones.
func (a *Heartbeat) Note(ctx context.Context, now time.Time) error {
	ids, err := a.Secret.IDs()
	if err == nil {
		err = a.Store.RecordSecretKeys(ctx, a.Replica, ids, now.Unix(), now.Add(a.Every).Unix())
	}
	if err != nil {
		return err
	}
	if _, err := a.Ring.Published(ctx, "", now.Unix()); err != nil {
		return err
	}
	if passed := a.Ring.PassedOver(); !slices.Equal(passed, a.lastPassedOver) {
		a.lastPassedOver = passed
		if len(passed) > 0 {
			a.Log.Warn("signing keys cannot be opened with this replica's secret and are not used; give every replica the same secret file, or, if they have it, retire these keys (tabard signing-keys retire)", "keys", passed)
		}
	}
	return nil
}

// Run calls Note at every interval until ctx ends, and then Leave.
func (a *Heartbeat) Run(ctx context.Context) {
	ticker := time.NewTicker(signingkey.RecordInterval * time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if err := a.Note(ctx, time.Now()); err != nil && ctx.Err() == nil {
			a.Log.Error("the values of this replica's secret could not be recorded; trying again in a minute", "cause", err)
		}
	}
}

// leaveTimeout limits the last statement of a replica that shuts down.
const leaveTimeout = 2 * time.Second

// Leave records that the replica shut down, so that no command waits for it.
func (a *Heartbeat) Leave(now time.Time) error {
	ctx, cancel := context.WithTimeout(context.Background(), leaveTimeout)
	defer cancel()
	return a.Store.RecordShutdown(ctx, a.Replica, now.Unix())
}
