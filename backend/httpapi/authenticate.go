package httpapi

import (
	"errors"
	"strings"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/directory"
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
	cookie, err := c.newest()
	if err != nil {
		return session.Token{}, directory.Subject{}, err
	}
	subject, err := c.store.Subject(c.ctx, cookie.token.Session(), ref)
	if err != nil {
		return session.Token{}, directory.Subject{}, c.dead(cookie, err)
	}
	presented, err := c.refresh.Authenticate(cookie.token, subject.Session.Secret)
	if err != nil || subject.Session.App != c.app.ID {
		return session.Token{}, directory.Subject{}, c.dead(cookie, errForged)
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
	if errors.As(err, &final) || errors.Is(err, session.ErrNotFound) {
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
func (c *call) newest() (carried, error) {
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
	var (
		best   carried
		newest session.Session
		last   error
	)
	for _, t := range tokens {
		s, err := c.authentic(t)
		if err != nil {
			if last = c.dead(t, err); !isRefusal(err) {
				return carried{}, err
			}
			continue
		}
		loser := t
		if best.name == "" || s.CreatedAt >= newest.CreatedAt {
			loser, best, newest, s = best, t, s, newest
		}
		if err := c.supersede(loser, s); err != nil {
			return carried{}, err
		}
	}
	if best.name == "" {
		return carried{}, last
	}
	return best, nil
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
	if _, err := c.refresh.Authenticate(t.token, s.Secret); err != nil || s.App != c.app.ID {
		return s, errForged
	}
	return s, c.live(s)
}

// supersede ends a session for a newer sign-in in the same browser. One whose device
// key this browser cannot prove is not ended: it only loses its cookie here.
func (c *call) supersede(t carried, s session.Session) error {
	if t.name == "" || c.reading() {
		return nil
	}
	if own, err := c.isDeviceOf(s); err != nil {
		return err
	} else if own {
		if err := c.store.Revoke(c.ctx, s.ID, session.ReasonSuperseded, c.now); err != nil {
			return err
		}
	}
	c.clear(t.name)
	return nil
}

func isRefusal(err error) bool {
	var r *refusal
	return errors.As(err, &r)
}

// present judges the token against its session, gives the verdict its effect, and
// keeps the cookie going.
func (c *call) present(token session.Token, s session.Session) error {
	p := c.presentation(token, s)
	verdict := session.Judge(s.Row, p)
	if verdict.Writes {
		row, err := c.store.Present(c.ctx, p)
		if err != nil {
			return err
		}
		verdict = session.Settle(row, p)
	}
	if verdict.Outcome == session.Reuse && c.workspace.OnReuse == directory.EndUser {
		if err := c.store.RevokeUser(c.ctx, s.UserID, s.ConfinedTo, session.ReasonReuseElsewhere, c.now); err != nil {
			return err
		}
	}
	c.auditVerdict(s, verdict)
	if !verdict.Outcome.Mints() {
		c.clear(sessionCookieName(s.App, s.ID))
		return ended(verdict.After.RevokeReason)
	}
	if verdict.Successor {
		c.keep(s, session.Successor(s.ID, verdict.After, session.NewTokenID(), c.now))
	}
	return nil
}

func (c *call) presentation(token session.Token, s session.Session) session.Presentation {
	device := s.JKT != "" // which authenticate has seen proved
	return session.Presentation{Token: token, Device: device, Limits: session.LimitsFor(device), Now: c.now}
}
