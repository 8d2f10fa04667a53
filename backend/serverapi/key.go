package serverapi

import (
	"crypto/sha256"
	"errors"
	"strings"
	"sync"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/refusal"
)

// authenticate checks the request's key and sets the actor. Requests with a browser's
// headers are refused, whatever their origin, and cookies are ignored; Sec-Fetch-Mode alone
// is no sign of a browser, for Node's fetch sends it. After too many
// failures from an address its requests are refused without a look-up for the rest of
// the minute, except those with a key that was valid within the last hour: so a client
// cannot lock out a server behind the same address. Requests from the address's
// neighbors are still looked up, a few at a time.
func (c *Call) authenticate() error {
	for _, browsers := range []string{"Origin", "Sec-Fetch-Site", "Sec-Fetch-Dest"} {
		if len(c.R.Header.Values(browsers)) > 0 {
			return refusal.New(api.OriginNotAllowed, "This API is for servers; requests from browsers are refused.")
		}
	}
	now, text := c.Now().Unix(), bearer(c.R.Header.Values("Authorization"))
	if !c.known.has(text, now) {
		leave, err := c.throttle(now)
		if err != nil {
			return err
		}
		defer leave()
	}
	by, err := c.Authenticate(c.Context(), c.kind, text, c.R.RemoteAddr)
	var refused *refusal.Refusal
	switch {
	case errors.As(err, &refused):
		c.failures.add(c.R.RemoteAddr, now)
		c.known.remove(text)
	case err == nil:
		c.known.add(text, now)
	}
	c.Actor = by
	return err
}

// throttle limits the look-up of a key that is not known to be valid, by the failures
// of its address and its neighbors. The caller calls leave after the look-up.
func (c *Call) throttle(now int64) (leave func(), err error) {
	tooMany := refusal.New(api.RateLimited, "Too many requests without a valid key came from this address. Try again later.")
	tooMany.RetryAfter = c.failures.retryAfter(now)
	switch c.failures.state(c.R.RemoteAddr, now) {
	case blocked:
		return nil, tooMany
	case queued:
		if !c.slots.acquire(c.Context()) {
			return nil, tooMany
		}
		return c.slots.release, nil
	}
	return func() {}, nil
}

// bearer returns the token of the Authorization header (RFC 6750 section 2.1). A
// repeated header is ignored.
func bearer(headers []string) string {
	if len(headers) != 1 {
		return ""
	}
	scheme, token, _ := strings.Cut(headers[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return token
}

const (
	knownKeyLife = 60 * 60 // seconds
	maxKnownKeys = 1000
)

// knownKeys holds the hashes of keys that were valid, with the time.
type knownKeys struct {
	mu sync.Mutex
	at map[[sha256.Size]byte]int64
}

func newKnownKeys() *knownKeys { return &knownKeys{at: map[[sha256.Size]byte]int64{}} }

func (p *knownKeys) has(text string, now int64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	at, ok := p.at[sha256.Sum256([]byte(text))]
	return ok && now-at <= knownKeyLife
}

func (p *knownKeys) add(text string, now int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.at) >= maxKnownKeys {
		clear(p.at)
	}
	p.at[sha256.Sum256([]byte(text))] = now
}

func (p *knownKeys) remove(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.at, sha256.Sum256([]byte(text)))
}
