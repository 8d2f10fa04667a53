package authn

import (
	"cmp"
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

// ValidRef reports whether a text can be an organization's id or slug. Databases handle
// other characters differently.
func ValidRef(ref string) bool {
	return len(ref) <= maxReference && !strings.ContainsFunc(ref, func(r rune) bool { return r < ' ' || r > '~' })
}

// Authenticate returns the refresh token of the request, its live session and the
// user's membership in the organization that ref names. The token is authentic, and the
// request comes from the session's device. Rotation has not judged the token yet.
func (c *Request) Authenticate(ref string) (session.Token, directory.Subject, error) {
	presented, subject, err := authenticate(c, ref)
	if err != nil && c.account.tookMark(err) {
		presented, subject, err = authenticateByUser(c, ref, err)
	}
	if err != nil {
		err = notJoined(c, err)
	}
	return presented, subject, err
}

func authenticate(c *Request, ref string) (session.Token, directory.Subject, error) {
	if !ValidRef(ref) {
		return session.Token{}, directory.Subject{}, refusal.New(api.InvalidRequest, "The organization must be an id or slug of up to 64 printable ASCII characters.")
	}
	cookie, err := pickToken(c, ref)
	if err != nil {
		return session.Token{}, directory.Subject{}, err
	}
	if c.Beside != nil {
		c.Beside(cookie.token.Session())
	}
	subject, err := c.Store.Subject(c.Ctx, cookie.token.Session(), ref, c.Now)
	if err != nil {
		return session.Token{}, directory.Subject{}, clearIfEnded(c, cookie, cookie.missingError(err))
	}
	presented, err := verify(c, cookie, subject.Session.Secret)
	if err != nil || !belongsToApp(c, subject.Session) {
		return session.Token{}, directory.Subject{}, clearIfEnded(c, cookie, authenticationError(c, cookie, &subject.Session, err))
	}
	if err := checkAccount(c, &subject); err != nil {
		return session.Token{}, directory.Subject{}, err
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
	if err := endOtherPersons(c, subject.Session); err != nil {
		return session.Token{}, directory.Subject{}, err
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

// errForged refuses a refresh token with a wrong MAC. The answer is the same as without
// a cookie, and no session ends.
var errForged = refusal.New(api.LoginRequired, "Sign in.")

// errOtherReplica refuses a refresh token whose key only another replica has, while the
// secret is being replaced. A retry succeeds once it reaches a replica that has the
// key. It is not logged as a fault, and the session goes on.
var errOtherReplica = refusal.New(api.TemporarilyUnavailable, "The server is replacing its secret. Try again.").Expected()

// authenticationError returns the refusal of a refresh token that is not authentic.
func authenticationError(c *Request, cookie *cookieToken, s *session.Session, err error) error {
	if !belongsToApp(c, *s) {
		return errForged
	}
	switch usage, err := grant.KeyUsage(c.Ctx, c.Store, cookie.token, s, err, c.Now); {
	case err != nil:
		return err
	case usage == signingkey.InUse:
		return errOtherReplica
	case usage == signingkey.Retired:
		return refusal.New(api.SessionExpired, "The session has ended. Sign in again.")
	}
	return errForged
}

// CheckEnabled refuses a user whose account is disabled. Such a user may still sign
// out.
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

// CheckIdle refuses a session that was unused for longer than the workspace allows.
func (c *Request) CheckIdle(s session.Session) error {
	if s.Idle(c.Workspace.Policy.SessionIdle, c.Now) {
		return refusal.New(api.SessionExpired, "You were away for too long. Sign in again.")
	}
	return nil
}

// clearIfEnded clears the cookie of a session that has ended for good, and returns err.
// It keeps the cookie after a failure of the storage.
func clearIfEnded(c *Request, cookie *cookieToken, err error) error {
	var final *refusal.Refusal
	if errors.As(err, &final) && final != errOtherReplica || errors.Is(err, session.ErrNotFound) {
		clearToken(c, cookie)
	}
	return err
}

// refreshWorkspace loads the newest revision of the workspace, in which the app may be
// disabled.
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
		return unknownOrigin(c.R.Header.Get("Origin"))
	}
	c.Workspace, c.App = w, app
	sendNonce(c)
	return nil
}

// pickToken returns the refresh token of the newest sign-in in the browser. A sign-in
// during a live session leaves two sessions; the next request that may change state
// ends the older one. If both began in the same second, the later cookie of the header
// is the newer one (RFC 6265bis section 5.8.3).
//
// Sessions that a user entered from another app coexist, one for each organization.
// pickToken then prefers the one that opens ref.
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
	if t := c.account.named(tokens); t != nil {
		return t, nil
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
	if kept, err = ofAccount(c, kept); err != nil {
		return nil, err
	}
	return sessionFor(c, kept, ref)
}

// Authentic returns the live session of a token after it verified the token.
func (c *Request) Authentic(t *cookieToken) (session.Session, error) {
	s, err := c.Store.Session(c.Ctx, t.token.Session())
	if errors.Is(err, session.ErrNotFound) {
		return s, RefusalOf(t.missingError(err))
	}
	if err != nil {
		return s, err
	}
	if _, err := verify(c, t, s.Secret); err != nil || !belongsToApp(c, s) {
		return s, authenticationError(c, t, &s, err)
	}
	return s, c.checkAlive(s)
}

func (c *Request) checkAlive(s session.Session) error {
	if err := c.CheckLive(s); err != nil {
		return err
	}
	return c.CheckIdle(s)
}

// belongsToApp reports whether a browser holds the session, for this app and the page's
// origin. A token of the app's server is not accepted in a cookie, nor one that joined when
// the origin named another organization.
func belongsToApp(c *Request, s session.Session) bool {
	if s.Holder == session.Joined && s.ConfinedTo != c.Only {
		return false
	}
	return s.App == c.App.ID && s.Holder != session.AppServer && s.Origin == c.TenantOrigin
}

// UpdateCookies updates the browser's cookies after its refresh token was redeemed,
// even if no access token was minted. It sets the successor, or clears the cookies of a
// session that has ended. It returns the mint's error, or its own.
func (c *Request) UpdateCookies(presented session.Token, s session.Session, m grant.Minted, err error) error {
	var own error
	switch {
	case errors.Is(err, grant.ErrEnded):
		c.ClearSession(s)
	case m.Successor != nil:
		own = c.replaceRefreshCookies(s, c.refresh.Sign(*m.Successor, s.Secret))
	case m.Current == presented.ID:
		own = migrateCookies(c, s)
	}
	return cmp.Or(err, own)
}

// Inspect judges the token without redeeming it. It changes nothing except the cookies'
// names.
func (c *Request) Inspect(token session.Token, s session.Session) error {
	verdict := session.Judge(s.Row, c.Grant().Redemption(token, &s))
	if !verdict.Outcome.Mints() {
		return EndedRefusal(verdict.After.RevokeReason)
	}
	if token.ID == verdict.After.Cur {
		return migrateCookies(c, s)
	}
	return nil
}
