package signingkey

import (
	"context"
	"errors"
	"fmt"

	"github.com/tabard-auth/tabard/backend/audit"
)

// Rotate makes the next key of a chain that is in use and was just read, if it is due:
// the current key has signed for life seconds (0: never by time), is of another
// algorithm than the ring's, or is sealed under a secret that is no longer the first.
// Any replica may call it, at any time and any number of times.
func (r *KeyRing) Rotate(ctx context.Context, organization string, chain Chain, life, now int64) error {
	if err := r.resume(ctx, organization, chain, now); err != nil {
		return err
	}
	known := r.known(chain, now)
	if !known.due(life, r.algorithm, now) && !r.outdated(known, now) && !known.lacks(chain, now) {
		return nil
	}
	_, err := r.Make(ctx, organization, chain, Lead, now, audit.Server)
	return err
}

// resume cancels the retirement of keys that were to retire for lack of use. A key that
// a command retired stays retired: clocks differ by less than skew.
func (r *KeyRing) resume(ctx context.Context, organization string, chain Chain, now int64) error {
	if !chain.ending(now + skew) {
		return nil
	}
	if err := r.store.ResumeSigningKeys(ctx, organization, now+skew); err != nil {
		return fmt.Errorf("keys: %w", err)
	}
	return nil
}

// known returns a chain without the prepared keys that cannot be opened here. If only
// those are prepared, a key is made that can be opened, so that every replica has a
// next key.
func (r *KeyRing) known(chain Chain, now int64) Chain {
	var all Chain
	for i, k := range chain {
		if chain.Stage(i, now) == Prepared {
			if _, err := k.open(r.sealer); errors.Is(err, ErrSealed) {
				continue
			}
		}
		all = append(all, k)
	}
	return all
}

// lacks reports whether a whole chain has a next key and this part of it has none.
func (c Chain) lacks(whole Chain, now int64) bool {
	_, prepared := c.Next(now)
	return !prepared && len(c) < len(whole)
}

// outdated reports whether the signing key is not sealed under the secret's first value
// and there is no next key yet.
func (r *KeyRing) outdated(chain Chain, now int64) bool {
	if _, prepared := chain.Next(now); prepared {
		return false
	}
	k := chain[chain.signer(now)]
	newest := Sealer{aeads: r.sealer.aeads[:1]}
	_, err := newest.Open(k.Sealed, k.context())
	return err != nil
}

// Make makes the next key of a chain that was just read, for an actor of the audit log.
// It signs after it was published for lead seconds, or at once if no key signs. If
// another replica was faster, its key is stored instead.
func (r *KeyRing) Make(ctx context.Context, organization string, chain Chain, lead, now int64, actor string) (Stored, error) {
	k, err := r.seal(organization, actor, now)
	if err != nil {
		return Stored{}, err
	}
	k.Generation, k.SignsAt = chain.successor(lead, now)
	if err := r.store.AddSigningKey(ctx, k); err != nil {
		return Stored{}, fmt.Errorf("keys: %w", err)
	}
	return k, nil
}

// Draft makes a key that signs after lead seconds and does not store it. It is for a
// store that cannot be reached from here, which assigns the generation.
func (r *KeyRing) Draft(organization string, lead, now int64, actor string) (Stored, error) {
	k, err := r.seal(organization, actor, now)
	k.SignsAt = now + lead
	return k, err
}

// seal makes a key for an issuer and seals it.
func (r *KeyRing) seal(organization, actor string, now int64) (Stored, error) {
	k, private, err := newKey(r.algorithm)
	if err != nil {
		return Stored{}, err
	}
	k.Organization, k.CreatedAt, k.MadeBy = organization, now, actor
	k.Sealed = r.sealer.Seal(private, k.context())
	return k, nil
}

// Unopened returns the ids of a chain's keys that may sign tokens, now or soon, and
// that a secret does not open.
func (c Chain) Unopened(secret Secret, now int64) (ids []string) {
	sealer := secret.Sealer(ForSigningKeys)
	for i, k := range c {
		if c.Stage(i, now) == Gone {
			continue
		}
		if _, err := k.open(sealer); errors.Is(err, ErrSealed) {
			ids = append(ids, k.ID)
		}
	}
	return ids
}
