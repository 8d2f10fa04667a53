package browserapi

import (
	"errors"
	"net/http"
	"sync"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/authn"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/login"
	pages "github.com/tabard-auth/tabard/backend/page"
	"github.com/tabard-auth/tabard/backend/refusal"
	"github.com/tabard-auth/tabard/backend/session"
	"github.com/tabard-auth/tabard/backend/web"
)

// frontchannelLogout is GET /frontchannel-logout: the provider ends one session by a
// frame in the browser (OpenID Connect Front-Channel Logout 1.0). It is disabled by
// default, because the request is not signed: anybody who knows a session's sid can end
// that session, but no other. The request carries no cookies.
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
	if err != nil { // no page of a sign-in
		return authn.RefusalOf(err).OnPage(pages.Missing, "")
	}
	if err := h.endNamed(c, own, connection, logouts); err != nil {
		return err
	}
	c.W.Header().Set("Content-Security-Policy", "default-src 'none'; frame-ancestors "+framer+"; base-uri 'none'; form-action 'none'")
	c.W.WriteHeader(http.StatusOK)
	c.Record.Status = http.StatusOK
	return nil
}

// endNamed ends the session that a front-channel logout names. Guesses are counted by the
// client's network, so that they use up nobody else's share: the frames of a provider are
// in its people's browsers, and name sessions that began here.
func (h *handler) endNamed(c *authn.Request, own *directory.Connection, connection string, logouts []session.UpstreamLogout) error {
	if h.guesses.Exceeded(connection, c.R.RemoteAddr, c.Now) {
		r := refusal.New(api.RateLimited, "Too many front-channel sign-outs of unknown sessions came from this network. Try again later.")
		r.RetryAfter = framesWithin
		return r
	}
	known, err := c.Store.KnowsUpstream(c.Ctx, logouts[0].SessionID)
	if err != nil {
		return err
	}
	if !known { // the answer does not tell
		h.guesses.Add(connection, c.R.RemoteAddr, c.Now)
		return nil
	}
	return endUpstream(c, own, logouts...)
}

// A network can name at most maxFrames unknown sessions of a connection within framesWithin
// seconds on each replica. As many revocations are taken of one provider, which signs them.
const framesWithin, maxFrames = 10, 100

// frames counts the signed requests of each connection. "" is the workspace's provider.
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
