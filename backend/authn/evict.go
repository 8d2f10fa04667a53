package authn

import (
	"cmp"
	"errors"
	"slices"

	"github.com/tabard-auth/tabard/backend/session"
)

// maxSessions is the largest number of sessions in a browser, over all of the server's
// apps. Their cookies add 2.5 KB to every request to the host. Proxies refuse requests
// with longer headers, and other cookies need room too.
const maxSessions = 12

// evict limits a browser to a number of sessions and returns the remaining ones. It
// ends sessions that were entered from another app first, then the oldest ones. A
// read-only request ends none.
func evict(c *Request, all []*cookieToken, most int) ([]*cookieToken, error) {
	c.sessions = len(all)
	clearUnmarked(c, all)
	marked := slices.DeleteFunc(slices.Clone(all), func(t *cookieToken) bool { return t.marked == "" })
	if len(marked) <= most || c.ReadOnly() {
		return all[max(0, len(all)-2*maxSessions):], nil
	}
	evicted := map[*cookieToken]bool{}
	for ; len(marked) > 2*maxSessions; marked = marked[1:] { // more than a browser can have; not read
		clearToken(c, marked[0])
		evicted[marked[0]] = true
	}
	var live []*liveSession
	for _, t := range marked {
		s, err := c.Store.Session(c.Ctx, t.token.Session())
		if err != nil && !errors.Is(err, session.ErrNotFound) {
			return nil, err
		}
		switch _, unverified := verify(c, t, s.Secret); {
		case err != nil || unverified == nil && c.CheckLive(s) != nil:
			clearToken(c, t)
			evicted[t] = true
		case unverified == nil: // otherwise another replica may have its key
			live = append(live, &liveSession{t, s})
		}
	}
	for _, l := range sortForEviction(live)[:max(0, len(live)-most)] {
		if err := supersede(c, l.cookieToken, l.Session); err != nil {
			return nil, err
		}
		evicted[l.cookieToken] = true
	}
	return slices.DeleteFunc(all, func(t *cookieToken) bool { return evicted[t] }), nil
}

// clearUnmarked clears the unmarked cookies if there are too many sessions for both
// names.
func clearUnmarked(c *Request, all []*cookieToken) {
	if len(all) <= maxWithUnmarked {
		return
	}
	for _, t := range all {
		if t.marked != "" && t.marked == t.unmarked {
			c.clear(unmarkedName(t.app, t.token.Session()))
		}
	}
}

func sortForEviction(all []*liveSession) []*liveSession {
	slices.SortStableFunc(all, func(a, b *liveSession) int { return evictionOrder(a.Session, b.Session) })
	return all
}

// evictionOrder compares sessions by the order of their eviction.
func evictionOrder(a, b session.Session) int {
	signedIn := func(s session.Session) int {
		if s.Parent == (session.ID{}) {
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(signedIn(a), signedIn(b)), cmp.Compare(a.CreatedAt, b.CreatedAt))
}

// EvictOldest ends sessions so that the browser has room for one more.
func (c *Request) EvictOldest() error {
	all, err := cookieTokens(c)
	if err == nil {
		_, err = evict(c, all, maxSessions-1)
	}
	return err
}

// endedOfLate is how long, in seconds, the cookie of a session is cleared that has ended.
const endedOfLate = 600

// SetFirstToken sets the cookie of a new session after its sign-in. A callback does not
// carry the Strict cookies of earlier sessions. SetFirstToken therefore looks up the
// browser's sessions in the store and evicts those above the limit: the cookies of those
// that ended of late as well, since their answers can be on their way or were lost. The new
// session may have ended itself, by other sign-ins at once: its cookie says so.
func (c *Request) SetFirstToken(s session.Session, first session.Token) error {
	if c.browserSessions == nil {
		c.BeginBrowserSessions(s.Browser)
	}
	all, err := c.browserSessions()
	if err != nil {
		return err
	}
	ended, err := c.endedSessions()
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(other session.Session) bool { return other.ID == s.ID })
	c.sessions = len(all) + 1
	c.SetRefreshToken(s, first)
	for _, old := range ended {
		if old.ID != s.ID {
			c.ClearSession(old)
		}
	}
	slices.SortStableFunc(all, evictionOrder)
	for _, old := range all[:max(0, len(all)+1-maxSessions)] {
		if err := evictStored(c, old, s); err != nil {
			return err
		}
	}
	return nil
}

// BeginBrowserSessions begins to read the sessions of a browser, for SetFirstToken.
func (c *Request) BeginBrowserSessions(browser string) {
	c.browserSessions = Begin(c, func() ([]session.Session, error) {
		return c.Store.OfBrowser(c.Ctx, browser, c.Now, 2*maxSessions)
	})
	c.endedSessions = Begin(c, func() ([]session.Session, error) {
		return c.Store.EndedOfBrowser(c.Ctx, browser, c.Now-endedOfLate, maxSessions)
	})
}

// evictStored ends a session whose cookie the request does not carry, in favor of a new
// one. A session with a device key, which the new one does not have, only loses its cookie.
func evictStored(c *Request, s, newer session.Session) error {
	c.ClearSession(s)
	if s.JKT != "" && s.JKT != newer.JKT {
		return nil
	}
	return endSuperseded(c, s)
}
