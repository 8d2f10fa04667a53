package httpapi

import (
	"errors"

	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
)

// accept makes a person who chose an organization a member of it, if they are invited,
// and returns where they stand in it then; nil where they are not. Only a choice
// accepts, for it shows the organization who the person is, and may make it one of
// several that they have: a renewal, a reload or a route that is followed is none.
func (c *call) accept(s directory.Subject, ref string) (*directory.Membership, error) {
	i, err := c.store.Invited(c.ctx, s.User.ID, s.Session.ConfinedTo, ref, c.now)
	if errors.Is(err, directory.ErrNoInvitation) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	accepted, err := c.store.Accept(c.ctx, i, s.User.ID, c.now)
	if err != nil {
		return nil, err
	}
	if accepted {
		c.audit(audit.Event{
			Action: audit.AcceptInvitation, Target: i.ID,
			UserID: s.User.ID, OrganizationID: i.OrganizationID, SessionID: s.Session.ID.String(),
		})
	}
	s, err = c.store.Subject(c.ctx, s.Session.ID, i.OrganizationID, c.now)
	return s.Membership, err
}
