package host

import (
	"context"
	"time"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/backend/signingkey"
)

// Rotation is the schedule of values sealed under the workspace's secret: signing keys
// replace each other, other values are resealed.
type Rotation struct {
	Ring *signingkey.KeyRing
	// Secret is the secret of the ring.
	Secret signingkey.Secret
	// Life is how long a key signs. 0 means until a command.
	Life time.Duration
}

// issuerPage is the number of organizations read at a time.
const issuerPage = 100

// rotate makes the keys that are due, ends those that no policy requires any more, and
// records the changes of keys in the audit log.
func (r Rotation) rotate(ctx context.Context, store signingkey.Admin, w *directory.Workspace, now int64) error {
	chain, err := store.SigningKeys(ctx, "")
	if err == nil {
		err = r.Ring.Rotate(ctx, "", chain, r.life(), now)
	}
	if err != nil {
		return err
	}
	for after, more := "", true; more; {
		page, err := store.SigningKeyIssuers(ctx, after, issuerPage)
		if err != nil {
			return err
		}
		for _, i := range page {
			if err := r.issuer(ctx, store, i, w.Policy, now); err != nil {
				return err
			}
			after = i.Organization
		}
		more = len(page) == issuerPage
	}
	return store.FollowUpSigningKeys(ctx, now-signingkey.Keep-int64(keepEnded/time.Second), now)
}

func (r Rotation) life() int64 { return int64(r.Life / time.Second) }

// issuer rotates an organization's own keys, or ends them when the last token that they
// may have signed has expired.
func (r Rotation) issuer(ctx context.Context, store signingkey.Admin, i signingkey.Issuer, workspace policy.Rules, now int64) error {
	switch {
	case !i.Closed && policy.Strictest(workspace, i.Rules).DedicatedKey:
		return r.Ring.Rotate(ctx, i.Organization, i.Keys, r.life(), now)
	case i.Keys.InUse():
		return store.EndSigningKeys(ctx, i.Organization, now+signingkey.Keep)
	}
	return nil
}
