package httpapi

import (
	"errors"
	"strings"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/grant"
	"github.com/tabard-auth/tabard/backend/keys"
	"github.com/tabard-auth/tabard/backend/session"
)

// maxReference is the longest organisation id or slug, in bytes.
const maxReference = 64

// notInReference tells what no id or slug has, and databases differ over.
func notInReference(r rune) bool { return r < ' ' || r > '~' }

// unnameable tells a text that can be no organisation's id or slug.
func unnameable(ref string) bool {
	return len(ref) > maxReference || strings.ContainsFunc(ref, notInReference)
}

// authenticate finds the live session whose authentic refresh token the request
// carries, from the device whose key it is bound to, and its person's place in the
// organisation that ref names. The token is not judged yet.
func (c *call) authenticate(ref string) (session.Token, directory.Subject, error) {
	if unnameable(ref) {
		return session.Token{}, directory.Subject{}, refuse(api.InvalidRequest, "No organisation can have this name.")
	}
	cookie, err := c.newest(ref)
	if err != nil {
		return session.Token{}, directory.Subject{}, err
	}
	subject, err := c.store.Subject(c.ctx, cookie.token.Session(), ref, c.now)
	if err != nil {
		return session.Token{}, directory.Subject{}, c.dead(cookie, err)
	}
	presented, err := c.refresh.Authenticate(cookie.token, subject.Session.Secret)
	if err != nil || !c.isOurs(subject.Session) {
		return session.Token{}, directory.Subject{}, c.dead(cookie, c.unauthentic(cookie, &subject.Session, err))
	}
	c.record.session, c.record.user = subject.Session.ID.String(), subject.User.ID
	if err := c.live(subject.Session); err != nil {
		return session.Token{}, directory.Subject{}, c.dead(cookie, err)
	}
	if err := c.refreshWorkspace(subject.Revision); err != nil {
		return session.Token{}, directory.Subject{}, err
	}
	subject.Session, err = c.onDevice(subject.Session)
	return presented, subject, err
}

// errForged refuses a refresh token whose MAC is wrong. It says nothing that a
// missing cookie would not, and ends nothing.
var errForged = refuse(api.LoginRequired, "Sign in.")

// errElsewhere refuses a refresh token whose key another replica has: the secret is being
// replaced. Asked again, the browser comes to that one, or to this one when it has the key
// too. It is no fault, and no end of the session.
var errElsewhere = refuse(api.TemporarilyUnavailable, "Another replica knows this session. Try again.").expected()

// unauthentic tells why a refresh token did not authenticate.
func (c *call) unauthentic(cookie carried, s *session.Session, err error) error {
	if !c.isOurs(*s) {
		return errForged
	}
	switch fate, err := grant.FateOf(c.ctx, c.store, cookie.token, s, err, c.now); {
	case err != nil:
		return err
	case fate == keys.InUse:
		return errElsewhere
	case fate == keys.Retired:
		return refuse(api.SessionExpired, "The session has ended. Sign in again.")
	}
	return errForged
}

// enabled refuses a person whose account is disabled. They may still sign out.
func enabled(u directory.User) error {
	if u.Disabled {
		return refuse(api.SessionRevoked, "Your account is disabled.")
	}
	return nil
}

func (c *call) live(s session.Session) error {
	switch {
	case s.RevokedAt != 0:
		return ended(s.RevokeReason)
	case s.ExpiresAt <= c.now:
		return refuse(api.SessionExpired, "The session has ended. Sign in again.")
	}
	return nil
}

// dead clears the cookie of a session that cannot live again, and hands err on. A
// fault of the storage is no such end.
func (c *call) dead(cookie carried, err error) error {
	var final *refusal
	if errors.As(err, &final) && final != errElsewhere || errors.Is(err, session.ErrNotFound) {
		c.clear(cookie.name)
	}
	return err
}

// refreshWorkspace brings the call to the document's newest revision, in which its
// app may be disabled.
func (c *call) refreshWorkspace(revision int64) error {
	if revision == c.workspace.Revision {
		return nil
	}
	w, err := c.current(c.ctx, revision)
	if err != nil {
		return err
	}
	app, ok := w.AppByID(c.app.ID)
	if !ok {
		return refuse(api.OriginNotAllowed, "Requests from this page are not allowed.")
	}
	c.workspace, c.app = w, app
	c.offerNonce()
	return nil
}

// newest returns the refresh token of the newest sign-in among those that the
// browser carries. Usually there is one; a sign-in over a living session leaves
// two, of which a request that may change something ends the older. Of two in one
// second the one that the browser names last is the newer (RFC 6265bis section 5.8.3).
//
// Sessions that one person entered from another app stand beside each other, one for
// each organisation: the one that opens ref is returned, or else the newest.
func (c *call) newest(ref string) (carried, error) {
	tokens, err := c.refreshTokens()
	if err != nil {
		return carried{}, err
	}
	switch len(tokens) {
	case 0:
		return carried{}, refuse(api.LoginRequired, "Sign in.")
	case 1:
		return tokens[0], nil
	}
	all, last, err := c.living(tokens)
	if err != nil {
		return carried{}, err
	}
	kept, err := c.newestOnly(all)
	if err != nil {
		return carried{}, err
	}
	if len(kept) == 0 {
		return carried{}, last
	}
	return c.opening(kept, ref)
}

// authentic reads a living session by its authentic token.
func (c *call) authentic(t carried) (session.Session, error) {
	s, err := c.store.Session(c.ctx, t.token.Session())
	if errors.Is(err, session.ErrNotFound) {
		return s, refusalOf(err)
	}
	if err != nil {
		return s, err
	}
	if _, err := c.refresh.Authenticate(t.token, s.Secret); err != nil || !c.isOurs(s) {
		return s, c.unauthentic(t, &s, err)
	}
	return s, c.live(s)
}

// isOurs tells a session of the app's that a browser holds. The token of one that the
// app's server holds is nothing in a cookie.
func (c *call) isOurs(s session.Session) bool {
	return s.App == c.app.ID && s.Holder == session.Browser
}

// present judges the token against its session, gives the verdict its effect, and
// keeps the cookie going.
func (c *call) present(token session.Token, s session.Session) error {
	g := c.grant()
	verdict, err := g.Present(c.ctx, token, &s)
	if err != nil {
		return err
	}
	if !verdict.Outcome.Mints() {
		c.clear(sessionCookieName(s.App, s.ID))
		return ended(verdict.After.RevokeReason)
	}
	if verdict.Successor {
		c.keep(s, g.Successor(&s, verdict))
	}
	return nil
}
