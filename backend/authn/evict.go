package authn

import (
	"cmp"
	"errors"
	"slices"

	"github.com/tabard-auth/tabard/backend/session"
)

// maxSessions is how many sessions of all the server's apps a browser has at most: with
// their cookies it sends 2.5 KB in each request to the host, which has other cookies
// besides, and proxies refuse requests whose headers are too long.
const maxSessions = 12

// evict leaves a browser at most so many of its sessions and returns those: it ends the
// others, first those that were entered from another app, then the oldest. What only reads
// ends nothing.
func evict(c *Request, all []*cookieToken, most int) ([]*cookieToken, error) {
	c.sessions = len(all)
	clearUnmarked(c, all)
	marked := slices.DeleteFunc(slices.Clone(all), func(t *cookieToken) bool { return t.marked == "" })
	if len(marked) <= most || c.ReadOnly() {
		return all[max(0, len(all)-2*maxSessions):], nil
	}
	gone := map[*cookieToken]bool{}
	for ; len(marked) > 2*maxSessions; marked = marked[1:] { // no browser has so many: they are not read
		clearToken(c, marked[0])
		gone[marked[0]] = true
	}
	var lives []*liveSession
	for _, t := range marked {
		s, err := c.Store.Session(c.Ctx, t.token.Session())
		if err != nil && !errors.Is(err, session.ErrNotFound) {
			return nil, err
		}
		switch _, foreign := verify(c, t, s.Secret); {
		case err != nil || foreign == nil && c.CheckLive(s) != nil:
			clearToken(c, t)
			gone[t] = true
		case foreign == nil: // else another replica may know its key
			lives = append(lives, &liveSession{t, s})
		}
	}
	for _, l := range sortForEviction(lives)[:max(0, len(lives)-most)] {
		if err := supersede(c, l.cookieToken, l.Session); err != nil {
			return nil, err
		}
		gone[l.cookieToken] = true
	}
	return slices.DeleteFunc(all, func(t *cookieToken) bool { return gone[t] }), nil
}

// clearUnmarked clears cookies of unmarked names, where there are too many for both.
func clearUnmarked(c *Request, all []*cookieToken) {
	if len(all) <= maxWithUnmarked {
		return
	}
	for _, t := range all {
		if t.marked != "" && t.marked == t.unmarked {
			c.clear(unmarkedCookieName(t.app, t.token.Session()))
		}
	}
}

func sortForEviction(all []*liveSession) []*liveSession {
	slices.SortStableFunc(all, func(a, b *liveSession) int { return evictionOrder(a.Session, b.Session) })
	return all
}

// evictionOrder compares sessions by which goes first where there are too many.
func evictionOrder(a, b session.Session) int {
	signedIn := func(s session.Session) int {
		if s.Parent == (session.ID{}) {
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(signedIn(a), signedIn(b)), cmp.Compare(a.CreatedAt, b.CreatedAt))
}

// EvictOldest leaves the browser one session less than it may have.
func (c *Request) EvictOldest() error {
	all, err := cookieTokens(c)
	if err == nil {
		_, err = evict(c, all, maxSessions-1)
	}
	return err
}

// SetFirstToken gives the browser the first token of a session that its sign-in made. The
// session's cookies of before are not sent along with a callback, so that what the browser
// has is read from the store: however often somebody signs in, and wherever it leads, it
// never has more than it may.
func (c *Request) SetFirstToken(s session.Session, first session.Token) error {
	all, err := c.Store.OfBrowser(c.Ctx, s.Browser, c.Now, 2*maxSessions)
	if err != nil {
		return err
	}
	c.sessions = len(all)
	c.SetRefreshToken(s, first)
	slices.SortStableFunc(all, evictionOrder)
	for _, old := range all[:max(0, len(all)-maxSessions)] {
		if err := evictStored(c, old); err != nil {
			return err
		}
	}
	return nil
}

// evictStored takes a session from the browser that it began in. One with a device key,
// which nothing proves here, only loses its cookie.
func evictStored(c *Request, s session.Session) error {
	c.ClearSession(s.App, s.ID)
	if s.JKT != "" {
		return nil
	}
	return endSuperseded(c, s)
}
