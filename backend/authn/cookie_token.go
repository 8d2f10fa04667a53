package authn

import (
	"errors"
	"slices"
	"strings"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/refusal"
	"github.com/tabard-auth/tabard/backend/session"
)

// cookieToken is a refresh token from the request's cookies. The cookie can have the
// name of this release (marked), of the previous release (unmarked), or both.
//
// During a rolling upgrade either cookie can be the newer one, because the previous
// release only sets its own name. Only the newer token is judged and then stored under
// both names. Judging both would report the older one as token reuse.
type cookieToken struct {
	app   string
	token session.Unverified // the newest one
	older []session.Unverified
	// marked and unmarked are the cookie values under the two names, or empty.
	marked, unmarked string
	// authentic reports whether the MAC of a token was verified. Without that, an
	// unmarked cookie may belong to another server and must not be cleared.
	authentic bool
}

// add adds another cookie of the same session.
func (t *cookieToken) add(token session.Unverified, value string, marked bool) {
	if marked {
		t.marked = value
	} else {
		t.unmarked = value
	}
	switch {
	case t.token == (session.Unverified{}):
		t.token = token
	case token == t.token:
	case token.Newer(t.token):
		t.older, t.token = append(t.older, t.token), token
	default:
		t.older = append(t.older, token)
	}
}

// verify returns the session's newest authentic token.
func verify(c *Request, t *cookieToken, secret session.Secret) (session.Token, error) {
	verified, err := c.refresh.Authenticate(t.token, secret)
	for _, older := range t.older {
		if err == nil {
			break
		}
		if verified, err = c.refresh.Authenticate(older, secret); err == nil {
			t.token = older
		}
	}
	t.authentic = err == nil
	return verified, err
}

// missingError returns the error for a session that is not in the store. An unmarked cookie
// may then belong to another server.
func (t *cookieToken) missingError(err error) error {
	if errors.Is(err, session.ErrNotFound) && t.marked == "" {
		return errForged
	}
	return err
}

// RefreshTokens returns the refresh tokens of the request's app, one for each session of
// the page's origin.
// It clears a malformed cookie with this server's mark. A malformed unmarked cookie may
// belong to another server and is left alone.
func (c *Request) RefreshTokens() ([]*cookieToken, error) {
	all, err := cookieTokens(c)
	if err != nil {
		return nil, err
	}
	if all, err = evict(c, all, maxSessions); err != nil {
		return nil, err
	}
	own := cookieApp(c.App.ID, c.TenantOrigin)
	return slices.DeleteFunc(all, func(t *cookieToken) bool { return t.app != own }), nil
}

// cookieTokens returns the refresh tokens of all apps, in the order of the Cookie
// header: oldest first (RFC 6265bis section 5.8.3).
func cookieTokens(c *Request) ([]*cookieToken, error) {
	var all []*cookieToken
	seen := map[string]bool{}
	for _, cookie := range c.R.Cookies() {
		app, marked, ours := c.parseCookieName(cookie.Name)
		if !ours {
			continue
		}
		if seen[cookie.Name] {
			return nil, refusal.New(api.InvalidRequest, "A cookie is repeated. Clear this site's cookies, then sign in again.")
		}
		seen[cookie.Name] = true
		token, err := session.ParseToken(cookie.Value)
		if err != nil || cookie.Quoted || c.cookieName(app, token.Session(), marked) != cookie.Name {
			// Proxies keep 4 KB for the headers of an answer: the next one clears the rest.
			if marked && app == cookieApp(c.App.ID, c.TenantOrigin) && len(c.W.Header()["Set-Cookie"]) < maxSessions {
				c.clear(cookie.Name)
			}
			continue
		}
		at := slices.IndexFunc(all, func(t *cookieToken) bool { return t.token.Session() == token.Session() })
		if at < 0 {
			at, all = len(all), append(all, &cookieToken{app: app})
		}
		all[at].add(token, cookie.Value, marked)
	}
	return all, nil
}

// parseCookieName returns the app in the name of a session cookie and whether the name
// has this server's mark. ours is false for other cookies and for those of another
// server. App ids contain no dots and no capitals; marks do.
func (s *Server) parseCookieName(name string) (app string, marked, ours bool) {
	rest, ours := strings.CutPrefix(name, sessionCookie)
	if !ours {
		return "", false, false
	}
	if after, found := strings.CutPrefix(rest, s.mark+"."); found {
		rest, marked = after, true
	}
	app, end, ok := strings.Cut(rest, ".")
	return app, marked, ok && !strings.Contains(end, ".") && (marked || app == strings.ToLower(app))
}

func (s *Server) cookieName(app string, id session.ID, marked bool) string {
	if marked {
		return s.sessionCookieName(app, id)
	}
	return unmarkedName(app, id)
}

// maxWithUnmarked is the largest number of sessions of a browser that also get unmarked
// cookies. It keeps the total within the size of twelve sessions.
const maxWithUnmarked = 6

// setsUnmarked reports whether to set unmarked cookies as well, because the previous
// release, which reads only those, may still be running.
func setsUnmarked(c *Request) bool {
	return c.Workspace != nil && c.Now < c.Workspace.UnmarkedCookiesUntil && c.sessions <= maxWithUnmarked
}

// migrateCookies stores the presented token, if it is the current one, under the cookie
// names of this release. A token that is no longer current is not set again, because
// its successor may be on its way to the browser.
func migrateCookies(c *Request, s session.Session) error {
	t := c.used
	if t == nil || !t.authentic || t.token.Session() != s.ID {
		return nil
	}
	value := t.value()
	if t.marked != value || setsUnmarked(c) && t.unmarked != value || !setsUnmarked(c) && t.unmarked != "" {
		return c.replaceRefreshCookies(s, value)
	}
	return nil
}

// value returns the cookie value of the token.
func (t *cookieToken) value() string {
	if token, err := session.ParseToken(t.marked); err == nil && token == t.token {
		return t.marked
	}
	return t.unmarked
}

// clearToken clears the session's cookies that belong to this server.
func clearToken(c *Request, t *cookieToken) {
	if t.marked != "" {
		c.clear(c.sessionCookieName(t.app, t.token.Session()))
	}
	if t.unmarked != "" && t.authentic {
		c.clear(unmarkedName(t.app, t.token.Session()))
	}
}

// SetsUnmarked reports whether the previous release may still be running.
func (c *Request) SetsUnmarked() bool { return setsUnmarked(c) }
