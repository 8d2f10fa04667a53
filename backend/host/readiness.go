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
	PartSchema      = "schema"
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
	// Schema is asked in the place of Store's Ping where the schema may be behind the
	// program. It returns a [NotReady] of PartSchema, or another error where the database
	// does not answer.
	Schema func(context.Context) error
	Log    *slog.Logger

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

// CheckByRequest is Check for a host that runs nothing between requests: it examines in the
// request what can be read, the epoch too.
func (r *Readiness) CheckByRequest(ctx context.Context, ring *signingkey.KeyRing) error {
	return r.logChange(r.examineReads(ctx, ring, time.Now()))
}

// examineReads returns a [NotReady] where the database does not answer, is not as this release
// needs it or not the one to serve, and where no signing key opens.
func (r *Readiness) examineReads(ctx context.Context, ring *signingkey.KeyRing, now time.Time) error {
	answers := r.Schema
	if answers == nil {
		answers = r.Store.Ping
	}
	steps := []func(context.Context) error{answers}
	if r.Epoch != nil && r.Epoch.requests != nil {
		steps = append(steps, r.Epoch.Ready)
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return notReady(err)
		}
	}
	_, err := ring.Published(ctx, "", now.Unix())
	if errors.Is(err, signingkey.ErrSealed) {
		return &NotReady{PartSigningKeys, err}
	}
	return notReady(err)
}

// notReady returns a [NotReady] of an error of the database, unless it is one already.
func notReady(err error) error {
	if _, is := errors.AsType[*NotReady](err); err == nil || is {
		return err
	}
	return &NotReady{PartDatabase, err}
}

func (r *Readiness) examine(ctx context.Context, ring *signingkey.KeyRing, now time.Time) error {
	if err := r.examineReads(ctx, ring, now); err != nil {
		return err
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
