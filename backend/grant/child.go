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
	first := g.descend(parent, child)
	child.ConfinedTo = organizationID
	if err := g.Store.Create(ctx, *child); err != nil {
		return first, err
	}
	return first, g.Store.Inherit(ctx, child.ID)
}

// Join makes joined a session of another origin of the app, with the device key of its
// pages, in the browser whose first session in the app is the parent. It uses the parent's
// organization sessions and authentications, keeps its absolute end, and ends with it. The
// error is session.ErrAttemptUsed if the attempt made a session before.
func (g *Grant) Join(ctx context.Context, parent, joined *session.Session) (session.Token, error) {
	first := g.descend(parent, joined)
	joined.Holder = session.Joined
	return first, g.Store.Create(ctx, *joined)
}

// descend fills in what a session has of its parent, and returns its first token.
func (g *Grant) descend(parent, child *session.Session) session.Token {
	child.ID = session.NewID()
	first, row := session.First(child.ID, session.NewTokenID(), g.Now)
	child.App, child.UserID, child.Secret, child.Row = g.App.ID, parent.UserID, session.NewSecret(), row
	child.CreatedAt, child.ExpiresAt, child.SignIn, child.RevalidateAt = g.Now, parent.ExpiresAt, parent.SignIn, parent.RevalidateAt
	child.Parent = parent.ID
	return first
}
