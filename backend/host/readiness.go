package host

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tabard-auth/tabard/backend/signingkey"
)

// The parts that [NotReady] names.
const (
	PartStopping    = "stopping"
	PartDatabase    = "database"
	PartWrite       = "write"
	PartSigningKeys = "signing_keys"
)

// NotReady is the error of a replica that should not receive requests.
type NotReady struct {
	Part  string
	Cause error
}

func (n *NotReady) Error() string { return fmt.Sprintf("not ready: %s: %v", n.Part, n.Cause) }
func (n *NotReady) Unwrap() error { return n.Cause }

const (
	// answerTimeout is how long the database may take to answer.
	answerTimeout = time.Second
	// probeTimeout limits an examination after its callers have stopped waiting.
	probeTimeout = 10 * time.Second
	// writeEvery is the interval of test writes while they succeed.
	writeEvery = 5 * time.Second
)

var (
	errStopping = errors.New("the server is shutting down")
	errSlow     = fmt.Errorf("no answer within %v", answerTimeout)
)

// Prober is the part of the store that readiness needs.
type Prober interface {
	Ping(ctx context.Context) error
	// ProbeWrite tests whether a write succeeds that allocates disk space.
	ProbeWrite(ctx context.Context, now int64) error
}

// Readiness determines whether a replica should receive requests: it is not shutting
// down, the database is the one to serve and answers within a second, the signing keys can
// be opened, and a write succeeds.
type Readiness struct {
	Store Prober
	// Epoch tells whether the database is served at all; nil does not ask.
	Epoch *Epoch
	Log   *slog.Logger

	stopping atomic.Bool

	mu      sync.Mutex
	current *examination // the latest one
	wrote   time.Time    // time of the last successful write
	failing string       // the part that was last logged
}

// examination is one check of a replica's dependencies.
type examination struct {
	ring *signingkey.KeyRing
	done chan struct{}
	err  error
}

// Stop makes the replica unready permanently.
func (r *Readiness) Stop() { r.stopping.Store(true) }

// Stopping reports whether Stop was called.
func (r *Readiness) Stopping() bool { return r.stopping.Load() }

// Check returns a [NotReady] if the replica should not receive requests. ring holds the
// keys that it signs with.
func (r *Readiness) Check(ctx context.Context, ring *signingkey.KeyRing) error {
	if r.Stopping() {
		return &NotReady{PartStopping, errStopping}
	}
	if r.Epoch != nil {
		if err := r.Epoch.Held(); err != nil {
			return r.logChange(&NotReady{PartEpoch, err})
		}
	}
	e := r.examination(ring)
	timeout := time.NewTimer(answerTimeout)
	defer timeout.Stop()
	select {
	case <-e.done:
		return r.logChange(e.err)
	case <-timeout.C:
		return r.logChange(&NotReady{PartDatabase, errSlow})
	case <-ctx.Done():
		return ctx.Err()
	}
}

// examination returns the examination in progress, or starts one. Concurrent checks
// share one, so that they do not accumulate at a hanging database.
func (r *Readiness) examination(ring *signingkey.KeyRing) *examination {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e := r.current; e != nil && e.ring == ring {
		select {
		case <-e.done:
		default:
			return e
		}
	}
	e := &examination{ring: ring, done: make(chan struct{})}
	r.current = e
	go func() {
		defer close(e.done)
		ctx, cancel := context.WithTimeout(context.Background(), probeTimeout)
		defer cancel()
		e.err = r.examine(ctx, ring, time.Now())
	}()
	return e
}

func (r *Readiness) examine(ctx context.Context, ring *signingkey.KeyRing, now time.Time) error {
	if err := r.Store.Ping(ctx); err != nil {
		return &NotReady{PartDatabase, err}
	}
	if _, err := ring.Published(ctx, "", now.Unix()); errors.Is(err, signingkey.ErrSealed) {
		return &NotReady{PartSigningKeys, err}
	} else if err != nil {
		return &NotReady{PartDatabase, err}
	}
	r.mu.Lock()
	due := now.Sub(r.wrote) >= writeEvery
	r.mu.Unlock()
	if !due {
		return nil
	}
	if err := r.Store.ProbeWrite(ctx, now.Unix()); err != nil {
		return &NotReady{PartWrite, err}
	}
	r.mu.Lock()
	r.wrote = now
	r.mu.Unlock()
	return nil
}

// logChange logs when a part starts to fail, and when all parts work again.
func (r *Readiness) logChange(err error) error {
	var notReady *NotReady
	part := ""
	if errors.As(err, &notReady) {
		part = notReady.Part
	}
	r.mu.Lock()
	before := r.failing
	r.failing = part
	r.mu.Unlock()
	switch {
	case part == before:
	case part == "":
		r.Log.Info("ready again")
	default:
		r.Log.Error("not ready: /readyz answers 503 until this is fixed", "failed", part, "cause", notReady.Cause)
	}
	return err
}
