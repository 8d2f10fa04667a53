package grant

import (
	"context"
	"errors"

	"github.com/tabard-auth/tabard/backend/session"
	"github.com/tabard-auth/tabard/backend/signingkey"
)

// KeyUsage returns the known history of the key of a refresh token that did not
// authenticate, for a session that has not ended. It returns [signingkey.NeverSeen]
// also if the key is this replica's own and the token is forged.
func KeyUsage(ctx context.Context, store Store, u session.Unverified, s *session.Session, err error, now int64) (signingkey.Usage, error) {
	if !errors.Is(err, session.ErrUnknownKey) || s.RevokedAt != 0 || s.ExpiresAt <= now {
		return signingkey.NeverSeen, nil
	}
	seen, err := store.SecretKey(ctx, u.KeyID())
	return signingkey.UsageOf(seen, now), err
}
