package authn

import (
	"net/http"
	"strings"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/refusal"
	"github.com/tabard-auth/tabard/backend/session"
)

// Cookies. __Host-Http- makes browsers refuse a cookie of the name that a script,
// a sibling host or plain http set (RFC 6265bis). The session's name carries the
// app and a few characters of the session, so that a late answer of one that
// ended never displaces a newer one.
const (
	sessionCookie = "__Host-Http-tabard."
	AttemptCookie = "__Host-Http-tabard-login."

	NameChars  = 8
	maxCookies = 8
)

func SessionCookieName(app string, id session.ID) string {
	return sessionCookie + app + "." + strings.TrimPrefix(id.String(), "ses_")[:NameChars]
}

func AttemptCookieName(attempt string) string {
	return AttemptCookie + strings.ToLower(attempt[:NameChars])
}

// carried is a refresh token that a request carries.
type carried struct {
	name  string
	token session.Unverified
}

// RefreshTokens returns the refresh tokens of the request's app. A cookie that this
// server cannot have set is cleared and counts for nothing. Where there are too many, the
// browser loses those that it names first, the oldest (RFC 6265bis section 5.8.3), so that
// its next request is heard.
func (c *Request) RefreshTokens() ([]carried, error) {
	var tokens []carried
	seen := map[string]bool{}
	for _, cookie := range c.R.Cookies() {
		if !strings.HasPrefix(cookie.Name, sessionCookie+c.App.ID+".") {
			continue
		}
		if seen[cookie.Name] {
			return nil, refusal.New(api.InvalidRequest, "A cookie stands twice.")
		}
		seen[cookie.Name] = true
		token, err := session.ParseToken(cookie.Value)
		if err != nil || cookie.Quoted || SessionCookieName(c.App.ID, token.Session()) != cookie.Name {
			c.Clear(cookie.Name)
			continue
		}
		tokens = append(tokens, carried{cookie.Name, token})
	}
	if len(seen) > maxCookies {
		for len(tokens) > maxCookies {
			c.Clear(tokens[0].name)
			tokens = tokens[1:]
		}
		return nil, refusal.New(api.InvalidRequest, "There are too many sessions in this browser. Try again.")
	}
	return tokens, nil
}

// Keep gives the browser a refresh token, until the session's end.
func (c *Request) Keep(s session.Session, token session.Token) {
	http.SetCookie(c.W, &http.Cookie{
		Name: SessionCookieName(s.App, s.ID), Value: c.refresh.Sign(token, s.Secret),
		Path: "/", MaxAge: int(s.ExpiresAt - c.Now), Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode,
	})
}

// Clear takes a session's cookie from the browser.
func (c *exchange) Clear(name string) {
	http.SetCookie(c.W, &http.Cookie{
		Name: name, Path: "/", MaxAge: -1, Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode,
	})
}
