// Package hold keeps connections that last no longer than what admitted them: WebSockets
// ([Holder.Handler]) and streamed answers ([Holder.Protect]) end with their access token,
// unless it is renewed, and as soon as the feed of endings refuses it.
//
// A WebSocket carries its token in its first message, never in an address, a header or a
// cookie, so that no log has it. The package brings no WebSocket library: package coderws
// adapts one, and a [Connection] is a few lines for any other.
package hold

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/tabard-auth/tabard/backend/resource"
	"github.com/tabard-auth/tabard/backend/token"
	"github.com/tabard-auth/tabard/backend/token/secevent"
)

// checkEvery is how often what is held is compared with the guard, apart from the events
// that a follower hears.
const checkEvery = time.Second / 2

// Config configures New.
type Config struct {
	// Origins are the origins of the pages that may open WebSockets, exactly as browsers send
	// them, such as https://app.example.com. Requests without one of them are refused.
	Origins []string
	// Follower is the guard's. With it an ending closes connections at once; without it they
	// are compared with the guard twice a second.
	Follower *resource.Follower
}

// Holder holds the connections of an API.
type Holder struct {
	guard   *resource.Guard
	origins []string
	events  chan struct{} // wakes the check after events

	mu       sync.Mutex
	held     map[*lease]struct{}
	checking bool
	keys     bool // whether a signing key was withdrawn since the last check
}

// New returns a holder of connections that a guard admits.
func New(guard *resource.Guard, c Config) (*Holder, error) {
	if guard == nil {
		return nil, errors.New("hold: a holder needs a guard")
	}
	for _, origin := range c.Origins {
		if u, err := url.Parse(origin); err != nil || u.Host == "" || u.Scheme+"://"+u.Host != origin {
			return nil, fmt.Errorf("hold: %q is not an origin such as https://app.example.com", origin)
		}
	}
	h := &Holder{guard: guard, origins: slices.Clone(c.Origins), events: make(chan struct{}, 1), held: map[*lease]struct{}{}}
	if c.Follower != nil {
		c.Follower.Subscribe(h.heard)
	}
	return h, nil
}

// fromPage reports whether a page of the list of origins sent the request.
func (h *Holder) fromPage(r *http.Request) bool {
	sent := r.Header.Values("Origin")
	return len(sent) == 1 && slices.Contains(h.origins, sent[0])
}

// lease is an admission that lasts: until its token's end, or that of what it stands for.
type lease struct {
	holder *Holder
	end    func(error) // is called once or more

	mu     sync.Mutex
	raw    string
	claims *token.Claims
	expiry *time.Timer
}

// hold takes over an admission. It calls end when that is over, unless it is released
// before.
func (h *Holder) hold(raw string, claims *token.Claims, end func(error)) *lease {
	l := &lease{holder: h, end: end}
	l.renew(raw, claims)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.held[l] = struct{}{}
	if !h.checking {
		h.checking = true
		go h.run()
	}
	wake(h.events) // an event may have come between the admission and this
	return l
}

// release ends the lease without a call of end.
func (l *lease) release() {
	l.holder.mu.Lock()
	delete(l.holder.held, l)
	l.holder.mu.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.expiry.Stop()
}

// renew goes on with another token. The verifier's leeway is not added: a connection has
// time to renew, where a request has not.
func (l *lease) renew(raw string, claims *token.Claims) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.expiry != nil {
		l.expiry.Stop()
	}
	l.raw, l.claims = raw, claims
	l.expiry = time.AfterFunc(lifeOf(claims, l.holder.guard.Now()), func() { l.end(&token.Error{Reason: token.Expired}) })
}

func lifeOf(claims *token.Claims, now time.Time) time.Duration {
	return time.Unix(claims.Expires, 0).Sub(now)
}

// check returns why the lease is over. After a key was withdrawn it verifies the token anew.
func (l *lease) check(ctx context.Context, again bool) error {
	l.mu.Lock()
	raw, claims := l.raw, l.claims
	l.mu.Unlock()
	if again {
		if _, err := l.holder.guard.Inspect(ctx, raw); err != nil {
			return err
		}
	}
	return l.holder.guard.Standing(ctx, claims)
}

// heard has an event compared with what is held.
func (h *Holder) heard(e secevent.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.keys = h.keys || e.Key != ""
	wake(h.events)
}

// run compares what is held with the guard until nothing is held.
func (h *Holder) run() {
	tick := time.NewTicker(checkEvery)
	defer tick.Stop()
	for {
		held, keys := h.take()
		if held == nil {
			return
		}
		for _, l := range held {
			if err := l.check(context.Background(), keys); err != nil {
				go l.end(err)
			}
		}
		select {
		case <-tick.C:
		case <-h.events:
		}
	}
}

// take returns what is held, and whether a key was withdrawn.
func (h *Holder) take() (held []*lease, keys bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	keys, h.keys = h.keys, false
	for l := range h.held {
		held = append(held, l)
	}
	h.checking = held != nil
	return held, keys
}
