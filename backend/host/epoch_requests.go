package host

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// epochRequests has requests check the epoch.
type epochRequests struct {
	file string

	mu      sync.Mutex
	checked time.Time // the time of the last verdict
	logged  time.Time // when the log was last told that there is none
}

// ByRequest has requests check the epoch, for a host that runs nothing between them: it
// takes the place of Run. A request waits for the first verdict, and, while the database
// is not served, for each that is due. Otherwise it is answered while the check is made.
func (e *Epoch) ByRequest(file string) { e.requests = &epochRequests{file: file} }

// Ready is a [Config].Ready that checks the epoch, and with it that the database answers.
func (e *Epoch) Ready(ctx context.Context) error {
	err := e.Check(ctx, e.requests.file)
	if held, ok := errors.AsType[*HeldError](err); ok {
		return &NotReady{PartEpoch, held}
	}
	return err
}

// begin makes the check that is due at a request. It returns an error if there is no
// verdict. The caller calls end when the request is answered, for no work may outlive it;
// a check that takes a second longer than the request is given up.
func (e *Epoch) begin(ctx context.Context) (end func(), err error) {
	end = func() {}
	if e.requests == nil {
		return end, nil
	}
	known, due := e.requests.due()
	if !due {
		return end, nil
	}
	if !known || e.Held() != nil {
		return end, e.checkByRequest(ctx)
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		e.checkByRequest(ctx)
	}()
	return func() {
		defer cancel()
		select {
		case <-done:
		case <-time.After(answerTimeout):
		}
	}, nil
}

// due reports whether there was a verdict ever, and whether the next one is due.
func (q *epochRequests) due() (known, due bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return !q.checked.IsZero(), time.Since(q.checked) >= epochInterval
}

// checkByRequest returns an error if the check came to no verdict.
func (e *Epoch) checkByRequest(ctx context.Context) error {
	err := e.Check(ctx, e.requests.file)
	if _, held := errors.AsType[*HeldError](err); err != nil && !held {
		e.requests.warn(e.Log, err)
		return err
	}
	e.requests.mu.Lock()
	defer e.requests.mu.Unlock()
	e.requests.checked = time.Now()
	return nil
}

// warn logs why the epoch could not be read, once an interval: every request would tell it.
func (q *epochRequests) warn(log *slog.Logger, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if now := time.Now(); now.Sub(q.logged) >= epochInterval {
		q.logged = now
		log.Warn("the database's epoch could not be read; the next request tries again", "cause", err)
	}
}
