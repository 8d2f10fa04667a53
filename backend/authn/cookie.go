package authn

import (
	"net/http"
	"slices"
	"strings"

	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/backend/session"
)

// Cookies. __Host-Http- makes browsers refuse a cookie of the name that a script,
// a sibling host or plain http set (RFC 6265bis). Cookies know no ports and, with such a
// name, no paths, so that every name bears the mark of the server, which neither reads nor
// clears another's. The session's name carries the app and a few characters of the session
// besides, so that a late answer of one that ended never displaces a newer one.
const (
	handoverCookie = cookiePrefix + "-handover."

	cookiePrefix  = "__Host-Http-tabard"
	sessionCookie = cookiePrefix + "."
	loginCookie   = cookiePrefix + "-login."

	nameChars = 8
)

// sessionCookieName is the name of a session's cookie, and unmarkedName the one that the release
// before gave it.
func (s *Server) sessionCookieName(app string, id session.ID) string {
	return s.sessionPrefix() + cookieSuffix(app, id)
}

func unmarkedCookieName(app string, id session.ID) string {
	return sessionCookie + cookieSuffix(app, id)
}

func cookieSuffix(app string, id session.ID) string {
	return app + "." + strings.TrimPrefix(id.String(), "ses_")[:nameChars]
}

func (s *Server) sessionPrefix() string { return sessionCookie + s.mark + "." }

// AttemptCookieName is the name of the cookie in which the release before kept the sign-in
// attempt of a state.
func AttemptCookieName(state string) string {
	return loginCookie + strings.ToLower(state[:min(len(state), nameChars)])
}

// Browser returns the value that the browser's cookie keeps; false where it keeps none
// that this server made.
func (c *Request) Browser() (login.Browser, bool) {
	cookies := c.R.CookiesNamed(loginCookie + c.mark)
	if len(cookies) != 1 || cookies[0].Quoted {
		return login.Browser{}, false
	}
	return login.ParseBrowser(cookies[0].Value)
}

// browserLife is how long a browser keeps its value after it last began a sign-in, in
// seconds: longer than any attempt, and as long as most sessions.
const browserLife = 30 * 24 * 60 * 60

// SetBrowser gives the browser its value.
func (c *Request) SetBrowser(b login.Browser) {
	c.setCookie(loginCookie+c.mark, b.String(), browserLife, http.SameSiteLaxMode)
}

// HandoverCookies returns what the names of hand-overs' cookies begin with: first of those
// that are set, then of others that are read. One that the release before is to read
// bears no mark.
func (c *Request) HandoverCookies() []string {
	names := []string{handoverCookie + c.mark + ".", handoverCookie}
	if setsUnmarked(c) {
		slices.Reverse(names)
	}
	return names
}

// SetRefreshToken gives the browser a refresh token, until the session's end.
func (c *Request) SetRefreshToken(s session.Session, token session.Token) {
	c.setRefreshCookies(s, c.refresh.Sign(token, s.Secret))
}

func (c *Request) setRefreshCookies(s session.Session, value string) {
	life := int(s.ExpiresAt - c.Now)
	c.setCookie(c.sessionCookieName(s.App, s.ID), value, life, http.SameSiteStrictMode)
	switch name := unmarkedCookieName(s.App, s.ID); {
	case setsUnmarked(c):
		c.setCookie(name, value, life, http.SameSiteStrictMode)
	case len(c.R.CookiesNamed(name)) > 0:
		c.clear(name)
	}
}

// ClearSession takes a session's cookies from the browser.
func (c *Request) ClearSession(app string, id session.ID) {
	c.clear(c.sessionCookieName(app, id))
	if name := unmarkedCookieName(app, id); setsUnmarked(c) || len(c.R.CookiesNamed(name)) > 0 {
		c.clear(name)
	}
}

func (c *Request) clear(name string) { c.setCookie(name, "", -1, http.SameSiteStrictMode) }

// setCookie sets a cookie of the answer's, or clears it where its life is -1. It replaces
// what the answer said of that cookie before.
func (c *Request) setCookie(name, value string, life int, mode http.SameSite) {
	before := c.W.Header()["Set-Cookie"]
	kept := before[:0]
	for _, line := range before {
		if !strings.HasPrefix(line, name+"=") {
			kept = append(kept, line)
		}
	}
	if len(kept) < len(before) {
		c.W.Header()["Set-Cookie"] = kept
	}
	http.SetCookie(c.W, &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: life, Secure: true, HttpOnly: true, SameSite: mode,
	})
}
