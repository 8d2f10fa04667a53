package grant

import (
	"context"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/session"
)

// Unconfirmed is the text for people with ErrUnconfirmed.
const Unconfirmed = "Your identity provider does not answer, and has not confirmed your session for too long. Try again later."

// Revalidator asks the identity providers that a session rests on whether they still know
// its person.
type Revalidator interface {
	// Revalidate asks, if no other mint does, and applies the answers to the store. It
	// returns ErrUnconfirmed if the session may not go on without an answer.
	Revalidate(ctx context.Context, g *Grant, s *directory.Subject) error
}

// revalidate asks the session's providers and reads the subject anew. If the session has
// ended, it returns the reason with ErrEnded.
func (g *Grant) revalidate(ctx context.Context, s *directory.Subject, ref string) (ended session.Reason, err error) {
	if g.Revalidator == nil {
		return "", nil
	}
	grant, subject := *g, *s // only these are kept, so a mint that asks nobody allocates neither
	if err := g.Revalidator.Revalidate(ctx, &grant, &subject); err != nil {
		return "", err
	}
	*s, err = g.Store.Subject(ctx, s.Session.ID, ref, g.Now)
	if err == nil && s.Session.RevokedAt != 0 {
		return s.Session.RevokeReason, ErrEnded
	}
	return "", err
}
