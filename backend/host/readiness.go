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

// What of a replica fails, as [NotReady] names it.
const (
	PartStopping    = "stopping"
	PartDatabase    = "database"
	PartWrite       = "write"
	PartSigningKeys = "signing_keys"
)

// NotReady is the error of a replica that should get no requests.
type NotReady struct {
	Part  string
	Cause error
}

func (n *NotReady) Error() string { return fmt.Sprintf("not ready: %s: %v", n.Part, n.Cause) }
func (n *NotReady) Unwrap() error { return n.Cause }

const (
	// answerTimeout is how long the database may take to say that it is well.
	answerTimeout = time.Second
	// probeTimeout bounds an examination that nobody waits for any more.
	probeTimeout = 10 * time.Second
	// writeEvery is how often it is seen whether a write lands, where the last one did.
	writeEvery = 5 * time.Second
)

var (
	errStopping = errors.New("the server is shutting down")
	errSlow     = fmt.Errorf("no answer within %v", answerTimeout)
)

// Prober is what readiness needs a store for.
type Prober interface {
	Ping(ctx context.Context) error
	// ProbeWrite writes something of no meaning, which takes room on the disk.
	ProbeWrite(ctx context.Context, now int64) error
}

// Readiness tells whether a replica should get requests: whether it goes on, the database
// answers within a second, keys open under its secret, and a write lands.
type Readiness struct {
	Store Prober
	Log   *slog.Logger

	stopping atomic.Bool

	mu      sync.Mutex
	current *examination // the last one begun
	wrote   time.Time    // when a write landed last
	failing string       // the part that the log was told of last
}

// examination is one look at what a replica needs.
type examination struct {
	ring *signingkey.KeyRing
	done chan struct{}
	err  error
}

// Stop makes the replica unready for good.
func (r *Readiness) Stop() { r.stopping.Store(true) }

// Stopping reports whether Stop was called.
func (r *Readiness) Stopping() bool { return r.stopping.Load() }

// Check returns a [NotReady] where the replica should get no requests. Ring has the keys
// that it signs by.
func (r *Readiness) Check(ctx context.Context, ring *signingkey.KeyRing) error {
	if r.Stopping() {
		return &NotReady{PartStopping, errStopping}
	}
	e := r.examination(ring)
	patience := time.NewTimer(answerTimeout)
	defer patience.Stop()
	select {
	case <-e.done:
		return r.logChange(e.err)
	case <-patience.C:
		return r.logChange(&NotReady{PartDatabase, errSlow})
	case <-ctx.Done():
		return ctx.Err()
	}
}

// examination returns the one under way, or begins one: those who ask never pile up
// before a database that hangs.
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

// logChange writes to the log when something begins to fail, and when nothing does any more.
func (r *Readiness) logChange(err error) error {
	var not *NotReady
	part := ""
	if errors.As(err, &not) {
		part = not.Part
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
		r.Log.Error("not ready: /readyz answers 503 until this is fixed", "failed", part, "cause", not.Cause)
	}
	return err
}
