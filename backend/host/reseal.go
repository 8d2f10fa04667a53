package host

import (
	"context"

	"github.com/tabard-auth/tabard/backend/signingkey"
)

// Resealer is the part of the store that resealing needs.
type Resealer interface {
	signingkey.ReplicaKeyStore
	// SealedConnections returns the sealed client secrets of connections by id,
	// starting after one, at most limit, and the last id.
	SealedConnections(ctx context.Context, after string, limit int) (sealed map[string]string, last string, err error)
	// ResealConnection replaces a connection's sealed client secret, unless it has
	// changed meanwhile.
	ResealConnection(ctx context.Context, id, before, after string) error
}

// sealedPage is the number of connections read at a time.
const sealedPage = 200

// Reseal seals the client secrets of connections under the first value of the secret,
// if there are several values and every live replica has the first. It returns how many
// are still sealed under another value. If look is set, it changes nothing.
func Reseal(ctx context.Context, store Resealer, secret signingkey.Secret, now int64, look bool) (left int, err error) {
	ids, err := secret.IDs()
	if err != nil || len(ids) < 2 {
		return 0, nil // no replacement is in progress
	}
	all, err := store.SecretKeys(ctx)
	if err != nil {
		return 0, err
	}
	known, sealer := !look && signingkey.OnAllReplicas(all, ids[0], now), secret.Sealer(signingkey.ForConnections)
	for after, more := "", true; more; {
		page, last, err := store.SealedConnections(ctx, after, sealedPage)
		if err != nil {
			return left, err
		}
		for id, sealed := range page {
			anew, changed := sealer.Reseal(sealed, id)
			switch {
			case !changed:
			case !known:
				left++
			default:
				if err := store.ResealConnection(ctx, id, sealed, anew); err != nil {
					return left, err
				}
			}
		}
		after, more = last, len(page) == sealedPage
	}
	return left, nil
}
