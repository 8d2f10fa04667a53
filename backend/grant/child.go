package grant

import (
	"context"

	"github.com/tabard-auth/tabard/backend/session"
)

// Child makes child the session that somebody gets in the grant's app because they are
// signed in to another: it enters no organization but the parent's of the decision,
// keeps the parent's absolute end and its authentications, goes on with the parent's
// organization session as it stands, and ends with it. Nothing of it is handed out
// before all of it is stored. session.ErrAttemptUsed where the attempt made one
// before, and orgsession.ErrEnded where the parent left meanwhile.
func (g *Grant) Child(ctx context.Context, parent *session.Session, organizationID string, child *session.Session) (session.Token, error) {
	child.ID = session.NewID()
	first, row := session.First(child.ID, session.NewTokenID(), g.Now)
	child.App, child.UserID, child.Secret, child.Row = g.App.ID, parent.UserID, session.NewSecret(), row
	child.CreatedAt, child.ExpiresAt, child.SignIn = g.Now, parent.ExpiresAt, parent.SignIn
	child.Parent, child.ConfinedTo = parent.ID, organizationID
	if err := g.Store.Create(ctx, *child); err != nil {
		return first, err
	}
	return first, g.Store.Inherit(ctx, child.ID)
}
