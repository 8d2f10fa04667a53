package signin

import (
	"errors"
	"fmt"
	"strings"

	"github.com/tabard-auth/tabard/backend/authn"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/backend/session"
)

// Many tabs of a browser can come back at once, for example all that a browser restored.
// Their callbacks carry no cookies of sessions, and their answers arrive in any order, so
// that no answer could clear what another one is about to set. A session for each would
// fill the browser with cookies. Therefore the first callback begins a session, and the
// others land on it: those of attempts that began before it, in the same browser, with the
// same device key, by the same person, with the same kind of authentication. Each answer
// sets the same cookie, since any of them can be lost.
//
// The id of a session is derived from what such callbacks have in common. Of callbacks that
// begin a session at once, the database lets one have the id.

const (
	// landWithin is the time in seconds for which the callbacks of a browser share
	// sessions. It is shorter than any rotation, so that the cookie that a session began
	// with can be set again.
	landWithin = 60
	// mostAtOnce is the number of sessions that sign-ins of one kind begin within landWithin.
	// Later ones land on the last of these, although they began after it.
	mostAtOnce = 6
)

// looksFirst reports whether a callback looks for a session on which it lands before it tries
// to begin one: something is stored for the new session before it. Otherwise the database
// refuses an id that another callback's session has, and a look before would cost each
// sign-in a round trip.
func looksFirst(c *authn.Request, own *directory.Connection) bool {
	asked := c.Workspace.SignIn.Revalidation
	if own != nil {
		asked = own.Revalidation
	}
	return asked.Revalidate > 0 || c.App.OriginPattern() != ""
}

// place sets the id of a new session, or returns the session on which the callback lands.
// made is the authentication that the callback brings. Without look, it sets the first id. A
// browser that signed in and out more often than there are ids to share gets one of its own.
func (f *Flow) place(c *authn.Request, attempt login.Attempt, s *session.Session, made policy.Authentication, look bool) (on session.Session, lands bool, err error) {
	s.ID = session.NewID()
	browser, known := c.Browser()
	if !known {
		return session.Session{}, false, nil
	}
	kind := kindOf(attempt, s, made)
	for n := range 4 * mostAtOnce {
		id := session.ID(f.attempts.Together(browser, fmt.Sprint(c.Now/landWithin, " ", n, " ", kind))[:len(session.ID{})])
		other, err := session.Session{}, session.ErrNotFound
		if look {
			other, err = c.Store.Session(c.Ctx, id)
		}
		switch {
		case errors.Is(err, session.ErrNotFound):
			s.ID = id
			return session.Session{}, false, nil
		case err != nil:
			return session.Session{}, false, err
		case usable(c, other, s) && (other.CreatedAt > attempt.CreatedAt || n >= mostAtOnce-1):
			return other, true, nil
		}
	}
	return session.Session{}, false, nil
}

// kindOf returns what the callbacks have in common that share a session.
func kindOf(attempt login.Attempt, s *session.Session, made policy.Authentication) string {
	age := int64(-1)
	if attempt.MaxAge != nil {
		age = *attempt.MaxAge
	}
	app := s.App
	if s.Added {
		app += " added"
	}
	return fmt.Sprintf("%q", []string{
		app, s.Origin, s.UserID, s.JKT, s.ConfinedTo, s.Replaces.String(), fmt.Sprint(s.EndsWithBrowser),
		made.Connection, made.ACR, strings.Join(made.AMR, " "), fmt.Sprint(made.Time == 0), attempt.Prompt, fmt.Sprint(age),
	})
}

// usable reports whether a session of the same kind as s can be used in place of it. A
// session that was bound to a device key later may be bound to somebody else's.
func usable(c *authn.Request, other session.Session, s *session.Session) bool {
	joined := other.Holder != session.Joined || other.ConfinedTo == c.Only
	return joined && other.BoundAt == 0 && other.ExpiresAt <= s.ExpiresAt && c.CheckLive(other) == nil && c.CheckIdle(other) == nil
}

// landOn lets a callback land on a session that another one began.
func (f *Flow) landOn(c *authn.Request, attempt login.Attempt, i login.Identity, own *directory.Connection, on session.Session) error {
	err := f.updateUpstream(c, attempt, i, on)
	if err == nil {
		err = f.addProviderToken(c, on, attempt.Connection, own, i)
	}
	if err != nil {
		return err
	}
	c.Record.Session, c.Record.User = on.ID.String(), on.UserID
	if first, current := on.FirstToken(); current {
		return c.SetFirstToken(on, first)
	}
	return nil // the browser has used its cookie
}
