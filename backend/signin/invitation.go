package signin

import (
	"errors"

	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/authn"
	"github.com/tabard-auth/tabard/backend/directory"
)

// Accept makes a person who chose an organization a member of it, if they are invited,
// and returns where they stand in it then; nil where they are not. Only a choice
// accepts, for it shows the organization who the person is, and may make it one of
// several that they have: a renewal, a reload or a route that is followed is none.
func Accept(c *authn.Request, s directory.Subject, ref string) (*directory.Membership, error) {
	i, err := c.Store.Invited(c.Ctx, s.User.ID, s.Session.ConfinedTo, ref, c.Now)
	if errors.Is(err, directory.ErrNoInvitation) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	accepted, err := c.Store.Accept(c.Ctx, i, s.User.ID, c.Now)
	if err != nil {
		return nil, err
	}
	if accepted {
		c.Audit(audit.Event{
			Action: audit.AcceptInvitation, Target: i.ID,
			UserID: s.User.ID, OrganizationID: i.OrganizationID, SessionID: s.Session.ID.String(),
		})
	}
	s, err = c.Store.Subject(c.Ctx, s.Session.ID, i.OrganizationID, c.Now)
	return s.Membership, err
}
