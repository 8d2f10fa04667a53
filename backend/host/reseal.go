package host

import (
	"context"

	"github.com/tabard-auth/tabard/backend/keys"
)

// Resealer is what sealing anew needs a store for.
type Resealer interface {
	keys.Sightings
	// SealedConnections returns the sealed client secrets of connections by id, those
	// after one, at most limit of them, and the last id.
	SealedConnections(ctx context.Context, after string, limit int) (sealed map[string]string, last string, err error)
	// ResealConnection replaces a connection's sealed client secret, unless it is another
	// by now.
	ResealConnection(ctx context.Context, id, before, after string) error
}

// sealedPage is how many connections are read at a time.
const sealedPage = 200

// Reseal seals the client secrets of connections under the first value of the secret,
// where it has another one, and every replica that lives knows the first. It returns how
// many are still sealed under another. With look it changes nothing.
func Reseal(ctx context.Context, store Resealer, secret keys.Secret, now int64, look bool) (left int, err error) {
	ids, err := secret.IDs()
	if err != nil || len(ids) < 2 {
		return 0, nil // nothing replaces anything
	}
	all, err := store.SecretKeys(ctx)
	if err != nil {
		return 0, err
	}
	known, sealer := !look && keys.Everywhere(all, ids[0], now), secret.Sealer(keys.ForConnections)
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
