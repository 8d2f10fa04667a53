package grant

import (
	"context"

	"github.com/tabard-auth/tabard/backend/session"
)

// Child makes child a session in the grant's app for a person that is signed in to
// another app. It opens only the organization of the parent's decision, keeps the
// parent's absolute end and authentications, continues the parent's organization
// session, and ends with it. The session is returned only after all of it is stored.
// The error is session.ErrAttemptUsed if the attempt made a session before, and
// orgsession.ErrEnded if the parent left the organization meanwhile.
func (g *Grant) Child(ctx context.Context, parent *session.Session, organizationID string, child *session.Session) (session.Token, error) {
	child.ID = session.NewID()
	first, row := session.First(child.ID, session.NewTokenID(), g.Now)
	child.App, child.UserID, child.Secret, child.Row = g.App.ID, parent.UserID, session.NewSecret(), row
	child.CreatedAt, child.ExpiresAt, child.SignIn, child.RevalidateAt = g.Now, parent.ExpiresAt, parent.SignIn, parent.RevalidateAt
	child.Parent, child.ConfinedTo = parent.ID, organizationID
	if err := g.Store.Create(ctx, *child); err != nil {
		return first, err
	}
	return first, g.Store.Inherit(ctx, child.ID)
}
