package isolationtest

import (
	"context"
	"net/http"
	"regexp"
	"time"
)

// lull is how long an answer that is a stream is read: it may never end.
const lull = 100 * time.Millisecond

var streamTypes = regexp.MustCompile(`(?i)^\s*(text/event-stream|application/(x-ndjson|ndjson|jsonl|stream\+json)|multipart/x-mixed-replace)\b`)

// listener ends the reading of a stream.
type listener struct {
	end   context.CancelFunc
	until <-chan struct{} // nil is now
	timer *time.Timer     // of a stream, until it is read no more
}

// begin looks at an answer's header. A stream is read for a lull from then on, or from when
// what the listener waits for is over.
func (l *listener) begin(ctx context.Context, header http.Header) {
	if l.timer != nil || !streamTypes.MatchString(header.Get("Content-Type")) {
		return
	}
	l.timer = time.AfterFunc(lull, l.end)
	if l.until == nil {
		return
	}
	l.timer.Stop()
	go func() {
		select {
		case <-l.until:
			l.timer.Reset(lull)
		case <-ctx.Done():
		}
	}()
}

// streams reads each tenant's streams while the other makes a record.
func (k *check) streams(ctx context.Context) error {
	for _, route := range k.Routes {
		for t := range k.Tenants {
			if !k.streamed[route] {
				break
			}
			over := make(chan struct{})
			var heard answer
			err := parallel([]func() error{
				func() (err error) {
					heard, err = k.send(ctx, call{route: route, values: k.own[t].values, token: k.Tenants[t].Token, until: over})
					return err
				},
				func() error {
					defer close(over)
					if err := wait(ctx, lull); err != nil { // until the stream is open
						return err
					}
					if _, err := k.makeRecord(ctx, 1-t, nil); err != nil {
						return err
					}
					return wait(ctx, k.Settle)
				},
			})
			if err != nil {
				return err
			}
			k.report.Attempts++
			k.scan(act{call{route: route}, t, ownView + " while the other makes a record"}, heard)
		}
	}
	k.flush()
	return nil
}
