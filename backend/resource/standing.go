package resource

import (
	"context"
	"time"

	"github.com/tabard-auth/tabard/backend/token"
)

// Standing returns why a token that the guard let pass is refused by now, though it has not
// expired: what it stands for has ended, or that cannot be told. It is for what outlasts its
// request, such as a WebSocket; package hold asks it.
func (g *Guard) Standing(ctx context.Context, c *token.Claims) error {
	if err := g.config.Ready(); err != nil {
		return &token.Error{Reason: token.EndingsUnknown, Err: err, Bound: c.Confirmation != nil}
	}
	if g.config.Ended(ctx, c) {
		return &token.Error{Reason: token.SessionEnded}
	}
	return nil
}

// Inspect returns the claims of an authentic token and why it does not authorize
// ([token.Verifier.Inspect]), with the guard's verifier. It takes no proof.
func (g *Guard) Inspect(ctx context.Context, raw string) (*token.Claims, error) {
	return g.verifier.Inspect(ctx, raw)
}

// Now returns the verifier's time, by which tokens expire.
func (g *Guard) Now() time.Time { return g.verifier.Now() }
