package authn

import (
	"errors"

	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/session"
)

// A step-up in a session without a device key begins a new one (see signin): whoever had
// copied its cookie has nothing of what the step-up brought. The old session goes on until
// the new cookie is used for the first time, for the answer that brings it may be lost.

// maxReplaced bounds how many step-ups are followed, one after the other.
const maxReplaced = 64

// takeOver ends the session that a step-up replaced by this one, at the first use of this
// one. Where the old one was ended meanwhile by anything but a step-up, the new one is,
// too: who signed out is out. It reports whether anything changed.
func takeOver(c *Request, s *session.Session) (bool, error) {
	if s.Replaces == (session.ID{}) || c.ReadOnly() || s.Gen != 1 || s.CurLast != s.CreatedAt { // it was used before
		return false, nil
	}
	old, err := c.Store.Session(c.Ctx, s.Replaces)
	switch {
	case errors.Is(err, session.ErrNotFound):
		return false, nil
	case err != nil:
		return false, err
	case old.RevokedAt == 0 || old.ReplacedBy == s.ID:
		return true, replace(c, old, s.ID)
	}
	last, err := c.Replacement(old)
	if err != nil || last.RevokedAt == 0 {
		return false, err
	}
	return true, c.Store.Revoke(c.Ctx, s.ID, last.RevokeReason, c.Now)
}

// Replacement returns the session that has come in a session's place by step-ups, one after
// the other, or the session itself.
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

// replace ends a session for the one that a step-up began, which takes over what was
// entered in it.
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
