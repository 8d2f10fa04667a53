package authn

import (
	"errors"
	"strings"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/grant"
	"github.com/tabard-auth/tabard/backend/refusal"
	"github.com/tabard-auth/tabard/backend/session"
	"github.com/tabard-auth/tabard/backend/signingkey"
)

// maxReference is the longest organization id or slug, in bytes.
const maxReference = 64

// notInReference tells what no id or slug has, and databases differ over.
func notInReference(r rune) bool { return r < ' ' || r > '~' }

// Unnameable tells a text that can be no organization's id or slug.
func Unnameable(ref string) bool {
	return len(ref) > maxReference || strings.ContainsFunc(ref, notInReference)
}

// Authenticate finds the live session whose authentic refresh token the request
// carries, from the device whose key it is bound to, and its person's place in the
// organization that ref names. The token is not judged yet.
func (c *Request) Authenticate(ref string) (session.Token, directory.Subject, error) {
	if Unnameable(ref) {
		return session.Token{}, directory.Subject{}, refusal.New(api.InvalidRequest, "No organization can have this name.")
	}
	cookie, err := pickToken(c, ref)
	if err != nil {
		return session.Token{}, directory.Subject{}, err
	}
	subject, err := c.Store.Subject(c.Ctx, cookie.token.Session(), ref, c.Now)
	if err != nil {
		return session.Token{}, directory.Subject{}, clearIfEnded(c, cookie, cookie.missing(err))
	}
	presented, err := verify(c, cookie, subject.Session.Secret)
	if err != nil || !belongsToApp(c, subject.Session) {
		return session.Token{}, directory.Subject{}, clearIfEnded(c, cookie, authenticationError(c, cookie, &subject.Session, err))
	}
	c.used = cookie
	c.Record.Session, c.Record.User = subject.Session.ID.String(), subject.User.ID
	if err := c.CheckLive(subject.Session); err != nil {
		return session.Token{}, directory.Subject{}, clearIfEnded(c, cookie, err)
	}
	if changed, err := takeOver(c, &subject.Session); err != nil {
		return session.Token{}, directory.Subject{}, err
	} else if changed {
		if subject, err = c.Store.Subject(c.Ctx, cookie.token.Session(), ref, c.Now); err == nil {
			err = c.CheckLive(subject.Session)
		}
		if err != nil {
			return session.Token{}, directory.Subject{}, clearIfEnded(c, cookie, err)
		}
	}
	if err := refreshWorkspace(c, subject.Revision); err != nil {
		return session.Token{}, directory.Subject{}, err
	}
	if err := c.CheckIdle(subject.Session); err != nil {
		return session.Token{}, directory.Subject{}, clearIfEnded(c, cookie, err)
	}
	subject.Session, err = c.CheckDevice(subject.Session)
	return presented, subject, err
}

// errForged refuses a refresh token whose MAC is wrong. It says nothing that a
// missing cookie would not, and ends nothing.
var errForged = refusal.New(api.LoginRequired, "Sign in.")

// errOtherReplica refuses a refresh token whose key another replica has: the secret is being
// replaced. Asked again, the browser comes to that one, or to this one when it has the key
// too. It is no fault, and no end of the session.
var errOtherReplica = refusal.New(api.TemporarilyUnavailable, "Another replica knows this session. Try again.").Expected()

// authenticationError tells why a refresh token did not authenticate.
func authenticationError(c *Request, cookie *cookieToken, s *session.Session, err error) error {
	if !belongsToApp(c, *s) {
		return errForged
	}
	switch fate, err := grant.FateOf(c.Ctx, c.Store, cookie.token, s, err, c.Now); {
	case err != nil:
		return err
	case fate == signingkey.InUse:
		return errOtherReplica
	case fate == signingkey.Retired:
		return refusal.New(api.SessionExpired, "The session has ended. Sign in again.")
	}
	return errForged
}

// CheckEnabled refuses a person whose account is disabled. They may still sign out.
func CheckEnabled(u directory.User) error {
	if u.Disabled {
		return refusal.New(api.SessionRevoked, "Your account is disabled.")
	}
	return nil
}

func (c *Request) CheckLive(s session.Session) error {
	switch {
	case s.RevokedAt != 0:
		return EndedRefusal(s.RevokeReason)
	case s.ExpiresAt <= c.Now:
		return refusal.New(api.SessionExpired, "The session has ended. Sign in again.")
	}
	return nil
}

// CheckIdle refuses a session that nobody has used for longer than the workspace allows.
func (c *Request) CheckIdle(s session.Session) error {
	if s.Idle(c.Workspace.Policy.SessionIdle, c.Now) {
		return refusal.New(api.SessionExpired, "You were away for too long. Sign in again.")
	}
	return nil
}

// clearIfEnded clears the cookie of a session that cannot live again, and hands err on. A
// fault of the storage is no such end.
func clearIfEnded(c *Request, cookie *cookieToken, err error) error {
	var final *refusal.Refusal
	if errors.As(err, &final) && final != errOtherReplica || errors.Is(err, session.ErrNotFound) {
		clearToken(c, cookie)
	}
	return err
}

// refreshWorkspace brings the call to the document's newest revision, in which its
// app may be disabled.
func refreshWorkspace(c *Request, revision int64) error {
	if revision == c.Workspace.Revision {
		return nil
	}
	w, err := c.Current(c.Ctx, revision)
	if err != nil {
		return err
	}
	app, ok := w.AppByID(c.App.ID)
	if !ok {
		return refusal.New(api.OriginNotAllowed, "Requests from this page are not allowed.")
	}
	c.Workspace, c.App = w, app
	sendNonce(c)
	return nil
}

// pickToken returns the refresh token of the newest sign-in among those that the
// browser carries. Usually there is one; a sign-in over a living session leaves
// two, of which a request that may change something ends the older. Of two in one
// second the one that the browser names last is the newer (RFC 6265bis section 5.8.3).
//
// Sessions that one person entered from another app stand beside each other, one for
// each organization: the one that opens ref is returned, or else the newest.
func pickToken(c *Request, ref string) (*cookieToken, error) {
	tokens, err := c.RefreshTokens()
	if err != nil {
		return nil, err
	}
	switch len(tokens) {
	case 0:
		return nil, refusal.New(api.LoginRequired, "Sign in.")
	case 1:
		return tokens[0], nil
	}
	all, last, err := c.LiveSessions(tokens)
	if err != nil {
		return nil, err
	}
	kept, err := pick(c, all)
	if err != nil {
		return nil, err
	}
	if len(kept) == 0 {
		return nil, last
	}
	return sessionFor(c, kept, ref)
}

// Authentic reads a living session by its authentic token.
func (c *Request) Authentic(t *cookieToken) (session.Session, error) {
	s, err := c.Store.Session(c.Ctx, t.token.Session())
	if errors.Is(err, session.ErrNotFound) {
		return s, RefusalOf(t.missing(err))
	}
	if err != nil {
		return s, err
	}
	if _, err := verify(c, t, s.Secret); err != nil || !belongsToApp(c, s) {
		return s, authenticationError(c, t, &s, err)
	}
	if err := c.CheckLive(s); err != nil {
		return s, err
	}
	return s, c.CheckIdle(s)
}

// belongsToApp tells a session of the app's that a browser holds. The token of one that the
// app's server holds is nothing in a cookie.
func belongsToApp(c *Request, s session.Session) bool {
	return s.App == c.App.ID && s.Holder == session.Browser
}

// UpdateCookies keeps the cookie going after its refresh token was redeemed, also where
// nothing was minted: a successor takes its place, and what has ended is cleared.
func (c *Request) UpdateCookies(presented session.Token, s session.Session, m grant.Minted, err error) {
	switch {
	case errors.Is(err, grant.ErrEnded):
		c.ClearSession(s.App, s.ID)
	case m.Successor != nil:
		c.SetRefreshToken(s, *m.Successor)
	case m.Current == presented.ID:
		migrateCookies(c, s)
	}
}

// Inspect judges the token against its session without an effect: what only reads tells the
// browser no more than under which names to keep it.
func (c *Request) Inspect(token session.Token, s session.Session) error {
	verdict := session.Judge(s.Row, c.Grant().Redemption(token, &s))
	if !verdict.Outcome.Mints() {
		return EndedRefusal(verdict.After.RevokeReason)
	}
	if token.ID == verdict.After.Cur {
		migrateCookies(c, s)
	}
	return nil
}
