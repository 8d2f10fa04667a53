package events

import (
	"context"
	"sync"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/refusal"
)

const (
	// every is how often a Reader looks at the feed while polls wait.
	every = 250 * time.Millisecond
	// longest is how long a poll waits. It is shorter than the time in which a server that
	// stops finishes its requests.
	longest = 10 * time.Second
	// most is how many polls wait at once.
	most = 1000
)

// Reader looks at the feed for all polls of a replica that wait, and only while some do.
type Reader struct {
	store Store

	mu      sync.Mutex
	waiting int
	look    *look         // nil while no poll waits
	stopped chan struct{} // closed by Stop
}

// look is a read of the feed, and its result when it is done.
type look struct {
	done   chan struct{}
	number int64
	err    error
}

// NewReader returns the reader of a store's feed.
func NewReader(store Store) *Reader { return &Reader{store: store, stopped: make(chan struct{})} }

// Stop answers all polls that wait, and lets no further ones wait.
func (r *Reader) Stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	select {
	case <-r.stopped:
	default:
		close(r.stopped)
	}
}

// wait returns the feed's number as soon as it is another than after, or after when it has
// waited long enough.
func (r *Reader) wait(ctx context.Context, after int64) (int64, error) {
	enough := time.NewTimer(longest)
	defer enough.Stop()
	if !r.enter() {
		busy := refusal.New(api.TemporarilyUnavailable, "Too many polls wait for events. Try again later.")
		busy.RetryAfter = 1
		return after, busy
	}
	defer r.leave()
	for {
		next := r.next()
		select {
		case <-next.done:
			if next.err != nil || next.number != after {
				return next.number, next.err
			}
		case <-enough.C:
			return after, nil
		case <-r.stopped:
			return after, nil
		case <-ctx.Done():
			return after, ctx.Err()
		}
	}
}

func (r *Reader) enter() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.waiting >= most {
		return false
	}
	r.waiting++
	return true
}

func (r *Reader) leave() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.waiting--
}

// next returns the look to come, and starts looking unless that goes on.
func (r *Reader) next() *look {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.look == nil {
		r.look = &look{done: make(chan struct{})}
		go r.run(r.look)
	}
	return r.look
}

// run looks at the feed until no poll waits.
func (r *Reader) run(now *look) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for now != nil {
		<-tick.C
		ctx, cancel := context.WithTimeout(context.Background(), longest)
		feed, err := r.store.Feed(ctx)
		cancel()
		now = r.found(now, feed.Number, err)
	}
}

// found hands out a look's result, and returns the next one if polls wait.
func (r *Reader) found(now *look, number int64, err error) *look {
	r.mu.Lock()
	defer r.mu.Unlock()
	now.number, now.err = number, err
	r.look = nil
	if r.waiting > 0 {
		r.look = &look{done: make(chan struct{})}
	}
	close(now.done)
	return r.look
}
