package authn

import (
	"errors"
	"slices"
	"strings"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/refusal"
	"github.com/tabard-auth/tabard/backend/session"
)

// cookieToken is a refresh token that a request carries, under the name that this release
// gives its cookie, under that of the release before, or under both.
//
// Both are of one session, and one jar. Judged one after the other, the older would be
// taken for a copy of a thief's, so that only the newer is judged, and the other replaced
// by it. The release before sets its own name alone: in a rolling upgrade now one is the
// newer and now the other.
type cookieToken struct {
	app   string
	token session.Unverified // the newest
	older []session.Unverified
	// marked and unmarked are the values under the two names, "" where there is none.
	marked, unmarked string
	// authentic tells that the MAC of a token was found to be this server's. A cookie of
	// an unmarked name is nobody else's to clear only then.
	authentic bool
}

// add takes in a cookie of the session.
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

// verify returns the newest of the session's tokens that is authentic.
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

// missing is the error of a session that is not in the store. A cookie without a mark is
// then another server's.
func (t *cookieToken) missing(err error) error {
	if errors.Is(err, session.ErrNotFound) && t.marked == "" {
		return errForged
	}
	return err
}

// RefreshTokens returns the refresh tokens of the request's app, one for each session. A
// cookie with this server's mark that it cannot have set is cleared and counts for nothing;
// one without is left to whichever server set it.
func (c *Request) RefreshTokens() ([]*cookieToken, error) {
	all, err := cookieTokens(c)
	if err != nil {
		return nil, err
	}
	if all, err = evict(c, all, maxSessions); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(t *cookieToken) bool { return t.app != c.App.ID }), nil
}

// cookieTokens returns the refresh tokens of all the server's apps, in the order in which
// the browser names them: the oldest first (RFC 6265bis section 5.8.3).
func cookieTokens(c *Request) ([]*cookieToken, error) {
	var all []*cookieToken
	seen := map[string]bool{}
	for _, cookie := range c.R.Cookies() {
		app, marked, ours := c.parseCookieName(cookie.Name)
		if !ours {
			continue
		}
		if seen[cookie.Name] {
			return nil, refusal.New(api.InvalidRequest, "A cookie stands twice.")
		}
		seen[cookie.Name] = true
		token, err := session.ParseToken(cookie.Value)
		if err != nil || cookie.Quoted || c.cookieName(app, token.Session(), marked) != cookie.Name {
			if marked && app == c.App.ID {
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

// parseCookieName returns the app of a session's cookie, and whether its name bears the
// server's mark; false where it is no such cookie, or bears another's mark. An app's id
// has no dot and no capital.
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
	return unmarkedCookieName(app, id)
}

// maxWithUnmarked is the most sessions of a browser that also have cookies of unmarked names, so
// that all cookies of the server stay within what twelve sessions take.
const maxWithUnmarked = 6

// setsUnmarked tells whether browsers get cookies of unmarked names too: the release
// before, which reads no others, may still serve.
func setsUnmarked(c *Request) bool {
	return c.Workspace != nil && c.Now < c.Workspace.UnmarkedCookiesUntil && c.sessions <= maxWithUnmarked
}

// migrateCookies gives the browser the current token, which it presented, under the names of this
// release, where it came under others or they disagree. (A token that is no more the
// current one is not put back into the jar: its successor is on the way there.)
func migrateCookies(c *Request, s session.Session) {
	t := c.used
	if t == nil || !t.authentic || t.token.Session() != s.ID {
		return
	}
	value := t.value()
	if t.marked != value || setsUnmarked(c) && t.unmarked != value || !setsUnmarked(c) && t.unmarked != "" {
		c.setRefreshCookies(s, value)
	}
}

// value is the text of the token.
func (t *cookieToken) value() string {
	if token, err := session.ParseToken(t.marked); err == nil && token == t.token {
		return t.marked
	}
	return t.unmarked
}

// clearToken clears the cookies of a session that a request carried, as far as they are this
// server's.
func clearToken(c *Request, t *cookieToken) {
	if t.marked != "" {
		c.clear(c.sessionCookieName(t.app, t.token.Session()))
	}
	if t.unmarked != "" && t.authentic {
		c.clear(unmarkedCookieName(t.app, t.token.Session()))
	}
}
