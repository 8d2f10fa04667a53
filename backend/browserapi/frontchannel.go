package browserapi

import (
	"errors"
	"net/http"
	"sync"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/authn"
	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/backend/refusal"
	"github.com/tabard-auth/tabard/backend/web"
)

// frontchannelLogout is GET /frontchannel-logout: the provider ends one session by a frame
// in a browser (OpenID Connect Front-Channel Logout 1.0). It is off unless an operator
// switches it on, for nothing signs the request: whoever knows the provider's name of a
// session ends that session, and no other. No cookie is read, for none comes along.
func (h *handler) frontchannelLogout(c *authn.Request) error {
	connection := c.R.PathValue("connection")
	provider, own, err := h.signIn.ProviderFor(c, login.Attempt{Connection: connection})
	if err != nil {
		return err
	}
	logouts, framer, err := provider.ReadFrontchannelLogout(c.R.URL.Query(), c.Now)
	if errors.Is(err, login.ErrNoFrontchannelLogout) {
		return web.NoPath()
	}
	if err != nil {
		return err
	}
	if !h.frames.allow(connection, c.Now) {
		r := refusal.New(api.RateLimited, "Too many sign-outs by frames came from this provider. Try again later.")
		r.RetryAfter = framesWithin
		return r
	}
	if err := endUpstream(c, own, logouts...); err != nil {
		return err
	}
	c.W.Header().Set("Content-Security-Policy", "default-src 'none'; frame-ancestors "+framer+"; base-uri 'none'; form-action 'none'")
	c.W.WriteHeader(http.StatusOK)
	c.Record.Status = http.StatusOK
	return nil
}

// A provider ends at most maxFrames sessions by frames within framesWithin seconds, here:
// guesses come no faster.
const framesWithin, maxFrames = 10, 100

// frames counts what each connection, or the workspace's provider (""), sent.
type frames struct {
	mu    sync.Mutex
	since int64
	sent  map[string]int
}

func (f *frames) allow(connection string, now int64) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if now-f.since >= framesWithin || f.sent == nil {
		f.since, f.sent = now, map[string]int{}
	}
	f.sent[connection]++
	return f.sent[connection] <= maxFrames
}
