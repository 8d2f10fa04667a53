package authn

import (
	"errors"

	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/session"
)

// A step-up in a session without a device key begins a new session (see package
// signin), so that a copied cookie does not gain the new authentication. The old
// session continues until the new cookie is used, because the answer that sets it can
// be lost.

// maxReplaced is the largest number of successive step-ups that Replacement follows.
const maxReplaced = 64

// takeOver ends the session that a step-up replaced by s, at the first use of s. If the
// old session was ended meanwhile by anything other than a step-up, such as a sign-out,
// s ends too. takeOver reports whether it changed anything.
func takeOver(c *Request, s *session.Session) (bool, error) {
	if s.Replaces == (session.ID{}) || c.ReadOnly() || s.Gen != 1 || s.CurLast != s.CreatedAt { // s was used before
		return false, nil
	}
	old, err := c.Store.Session(c.Ctx, s.Replaces)
	switch {
	case errors.Is(err, session.ErrNotFound):
		return false, nil
	case err != nil:
		return false, err
	case old.RevokedAt == 0 || old.ReplacedBy == s.ID || supersededByLastRelease(c, old, *s):
		return true, replace(c, old, s.ID)
	}
	last, err := c.Replacement(old)
	switch {
	case err != nil || last.RevokedAt == 0:
		return false, err
	case last.RevokeReason == session.ReasonSuperseded: // by s, at a replica of the previous release
		return true, c.Store.TakeOver(c.Ctx, old.ID, s.ID, c.Now)
	}
	return true, c.Store.Revoke(c.Ctx, s.ID, last.RevokeReason, c.Now)
}

// supersededByLastRelease reports whether the release before this one, which knows nothing
// of step-ups that begin a session, may have ended old in favor of s: it ends all but the
// newest session of a browser. Sessions that it still serves have unmarked cookies.
func supersededByLastRelease(c *Request, old, s session.Session) bool {
	return c.Now < c.Workspace.UnmarkedCookiesUntil && old.RevokeReason == session.ReasonSuperseded && old.RevokedAt >= s.CreatedAt
}

// Replacement returns the session that successive step-ups have put in the place of s,
// or s itself.
func (c *Request) Replacement(s session.Session) (session.Session, error) {
	for range maxReplaced {
		if s.RevokeReason != session.ReasonStepUp || s.ReplacedBy == (session.ID{}) {
			break
		}
		next, err := c.Store.Session(c.Ctx, s.ReplacedBy)
		if err != nil {
			return s, err
		}
		s = next
	}
	return s, nil
}

// replace ends a session in favor of the one that a step-up began, which takes over its
// organization sessions.
func replace(c *Request, old session.Session, by session.ID) error {
	if err := c.Store.TakeOver(c.Ctx, old.ID, by, c.Now); err != nil {
		return err
	}
	c.Audit(audit.Event{
		ID: "replaced:" + old.ID.String(), Action: audit.SignOut, Reason: string(session.ReasonStepUp), Actor: audit.Server,
		UserID: old.UserID, OrganizationID: old.ConfinedTo, SessionID: old.ID.String(),
	})
	return nil
}
