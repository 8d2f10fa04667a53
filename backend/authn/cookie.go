package authn

import (
	"crypto/sha256"
	"encoding/base32"
	"net/http"
	"strings"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/backend/session"
)

// The prefix __Host-Http- makes browsers refuse a cookie that a script, a sibling host
// or plain HTTP set under the same name (RFC 6265bis). Cookies are shared by all ports
// of a host and, with this prefix, by all paths. Each name therefore contains the
// server's mark; a server neither reads nor clears the cookies of another one. The name
// of a session's cookie also contains the app and some characters of the session's id,
// so that a late answer for an ended session does not replace the cookie of a newer
// one.
const (
	// HandoverCookie is the prefix of the previous release's cookies of hand-overs,
	// which have no mark.
	HandoverCookie = cookiePrefix + "-handover."

	cookiePrefix  = "__Host-Http-tabard"
	sessionCookie = cookiePrefix + "."
	loginCookie   = cookiePrefix + "-login."

	nameChars = 8
)

// cookieApp returns the part of a session cookie's name that stands for the app and, where
// it is not the app's shared one, for the origin whose pages use the session. Only the
// session itself says which origin that is; the name spares reading the others.
func cookieApp(app, origin string) string {
	if origin == "" {
		return app
	}
	sum := sha256.Sum256([]byte(origin))
	return app + "~" + nameTags.EncodeToString(sum[:])[:tagChars]
}

var nameTags = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

const tagChars = 4

// sessionCookieName returns the name of a session's cookie. unmarkedName returns
// its name in the previous release. app is a cookieApp.
func (s *Server) sessionCookieName(app string, id session.ID) string {
	return sessionCookie + s.mark + "." + app + "." + nameOf(id)
}

func unmarkedName(app string, id session.ID) string { return sessionCookie + app + "." + nameOf(id) }

func nameOf(id session.ID) string { return api.Mark(id.String()) }

// AttemptCookieName returns the name of the cookie in which the previous release kept
// the sign-in attempt of a state.
func AttemptCookieName(state string) string {
	return loginCookie + strings.ToLower(state[:min(len(state), nameChars)])
}

// Browser returns the browser value from its cookie. It returns false if there is no
// valid one.
func (c *Request) Browser() (login.Browser, bool) {
	cookies := c.R.CookiesNamed(loginCookie + c.mark)
	if len(cookies) != 1 || cookies[0].Quoted {
		return login.Browser{}, false
	}
	return login.ParseBrowser(cookies[0].Value)
}

// browserLife is how long, in seconds, a browser keeps its value after it last began a
// sign-in: longer than any attempt, and as long as most sessions.
const browserLife = 30 * 24 * 60 * 60

// SetBrowser sets the cookie with the browser value.
func (c *Request) SetBrowser(b login.Browser) {
	c.setCookie(loginCookie+c.mark, b.String(), browserLife, http.SameSiteLaxMode)
}

// SetHandover sets the cookie of a hand-over. It is Strict, since all apps are on the
// backend's site.
func (c *Request) SetHandover(name, value string, life int) {
	c.setCookie(name, value, life, http.SameSiteStrictMode)
}

// SetRefreshToken sets the cookie of a new session's refresh token. It expires with the
// session, or with the browser.
func (c *Request) SetRefreshToken(s session.Session, token session.Token) {
	c.setRefreshCookies(s, c.refresh.Sign(token, s.Secret))
}

// replaceRefreshCookies sets the cookies of a session that a mint read. Only here the
// mint needs to know whether the session ends with the browser. If that cannot be read,
// the browser keeps its token, which stays valid until a later answer replaces it.
func (c *Request) replaceRefreshCookies(s session.Session, value string) (err error) {
	if s.EndsWithBrowser, err = c.Store.EndsWithBrowser(c.Ctx, s.ID); err == nil {
		c.setRefreshCookies(s, value)
	}
	return err
}

func (c *Request) setRefreshCookies(s session.Session, value string) {
	life := int(s.ExpiresAt - c.Now)
	if s.EndsWithBrowser {
		life = 0
	}
	c.setCookie(c.sessionCookieName(cookieApp(s.App, s.Origin), s.ID), value, life, http.SameSiteStrictMode)
	if s.Origin != "" {
		return
	}
	switch name := unmarkedName(s.App, s.ID); {
	case setsUnmarked(c):
		c.setCookie(name, value, life, http.SameSiteStrictMode)
	case len(c.R.CookiesNamed(name)) > 0:
		c.clear(name)
	}
}

// ClearSession clears the cookies of a session.
func (c *Request) ClearSession(s session.Session) {
	c.clear(c.sessionCookieName(cookieApp(s.App, s.Origin), s.ID))
	if s.Origin != "" {
		return
	}
	if name := unmarkedName(s.App, s.ID); setsUnmarked(c) || len(c.R.CookiesNamed(name)) > 0 {
		c.clear(name)
	}
}

func (c *Request) clear(name string) { c.setCookie(name, "", -1, http.SameSiteStrictMode) }

// setCookie sets a cookie. It clears it if life is -1, and sets one that ends with the
// browser if life is 0. It replaces an earlier
// Set-Cookie header for the same name.
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
