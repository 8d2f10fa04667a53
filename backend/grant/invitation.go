package grant

import (
	"context"
	"errors"

	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
)

// Accept makes an invited person that chose an organization a member of it and returns
// the membership. It returns nil if the person is not invited. Only an explicit choice
// accepts an invitation, since it discloses the person to the organization and may add
// to the person's organizations. A renewal, a reload or a followed route is not a
// choice.
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
