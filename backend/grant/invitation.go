package grant

import (
	"context"
	"errors"

	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
)

// Accept makes a person who chose an organization a member of it, if they are invited,
// and returns where they stand in it then; nil where they are not. Only a choice
// accepts, for it shows the organization who the person is, and may make it one of
// several that they have: a renewal, a reload or a route that is followed is none.
func (g *Grant) Accept(ctx context.Context, s *directory.Subject, ref string) (*directory.Membership, error) {
	i, err := g.Store.Invited(ctx, s.User.ID, s.Session.ConfinedTo, ref, g.Now)
	if errors.Is(err, directory.ErrNoInvitation) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	accepted, err := g.Store.Accept(ctx, i, s.User.ID, g.Now)
	if err != nil {
		return nil, err
	}
	if accepted {
		g.Audit(audit.Event{
			Action: audit.AcceptInvitation, Target: i.ID,
			UserID: s.User.ID, OrganizationID: i.OrganizationID, SessionID: s.Session.ID.String(),
		})
	}
	now, err := g.Store.Subject(ctx, s.Session.ID, i.OrganizationID, g.Now)
	return now.Membership, err
}
