// Package signingkey owns the workspace's secret and the signing keys that are
// encrypted under it: making, storing, rotating, publishing.
//
// There is a chain of keys for the workspace, and one for every organization whose
// policy requires its own key. life.go defines how keys follow each other.
package signingkey

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/tabard-auth/tabard/backend/audit"
)

// Store stores signing keys.
type Store interface {
	// SigningKeys returns the keys of an organization, or of the workspace (""),
	// ordered by generation.
	SigningKeys(ctx context.Context, organization string) (Chain, error)
	// AddSigningKey stores a key. If its issuer has a key of that generation already,
	// it does nothing: if several replicas make the next key at the same time, one key
	// is stored.
	AddSigningKey(ctx context.Context, k Stored) error
	// ResumeSigningKeys cancels the retirement of an organization's keys that were to
	// retire after a time (Unix seconds).
	ResumeSigningKeys(ctx context.Context, organization string, after int64) error
}

// KeyRing holds signing keys, read from a store and cached for minutes.
type KeyRing struct {
	store     Store
	sealer    Sealer
	algorithm Algorithm

	workspace cached

	mu     sync.Mutex
	cached map[string]*cached // by organization
}

const (
	// servedAge is the maximum age of the keys that APIs fetch, in seconds: one that
	// replaced a compromised key signs at once. publishedAge is that of the published keys
	// elsewhere, and while the store does not answer. signingAge is that of the signing
	// key, which only an emergency makes stale sooner.
	servedAge    = 1
	publishedAge = 60
	signingAge   = 10 * 60
	// maxCached limits the organizations whose chains are cached. A dropped chain is read
	// again.
	maxCached = 1000
	// skew is the maximum difference between the clocks of replicas and commands, with
	// a margin.
	skew = 60
)

// cached is the cache entry of one chain.
type cached struct {
	reading sync.Mutex
	latest  atomic.Pointer[snapshot]
}

// snapshot is a chain as read.
type snapshot struct {
	at       int64
	revision int64
	chain    Chain
	keys     []Key    // of the chain, without Private if they are gone or passed over
	passed   []string // the ids of those that were passed over
}

// wanted is the requirement for a cached chain.
type wanted struct {
	organization string
	revision     int64 // anyRevision if not known
	age          int64 // maximum age in seconds
}

const anyRevision = -1

// NewKeyRing returns the ring of the keys in store. It makes new keys for an algorithm.
func NewKeyRing(store Store, secret Secret, algorithm Algorithm) *KeyRing {
	return &KeyRing{
		store: store, sealer: secret.Sealer(ForSigningKeys), algorithm: algorithm, cached: map[string]*cached{},
	}
}

// Signing returns the signing key of an organization or of the workspace (""). If there
// is none, it makes one. revision is the workspace's, which the caller has just read: a
// changed revision means that a key may have been retired.
func (r *KeyRing) Signing(ctx context.Context, organization string, revision, now int64) (Key, error) {
	k, err := r.snapshot(ctx, wanted{organization, revision, signingAge}, now)
	if err != nil {
		return Key{}, err
	}
	signer := k.signer(now)
	if signer < 0 {
		return Key{}, fmt.Errorf("keys: no key signs for %q", organization)
	}
	return k.keys[signer], nil
}

// Published returns every key that valid tokens may be signed with, now or soon. If
// there is none, it makes one.
func (r *KeyRing) Published(ctx context.Context, organization string, now int64) ([]Key, error) {
	return r.PublishedIn(ctx, organization, anyRevision, now)
}

// PublishedIn is Published for a caller that has just read the workspace's revision. It
// includes all retirements up to that revision.
func (r *KeyRing) PublishedIn(ctx context.Context, organization string, revision, now int64) ([]Key, error) {
	k, err := r.snapshot(ctx, wanted{organization, revision, publishedAge}, now)
	if err != nil {
		return nil, err
	}
	return k.published(now), nil
}

// signer returns the index of the key that signs. If that key was passed over, the
// previous one signs, as long as it is published elsewhere. It returns -1 if none may
// sign.
func (k *snapshot) signer(now int64) int {
	i := k.chain.signer(now)
	for ; i >= 0; i-- {
		if k.keys[i].Private != nil {
			return i
		}
		if stage := k.chain.Stage(i, now); stage != Signing && stage != Kept {
			break
		}
	}
	return -1
}

// PassedOver returns the ids of the signing keys that cannot be opened with this
// replica's secret, in the cached chains: another replica made them under a secret that
// this one does not have. Meanwhile it signs with another key and does not publish
// them.
func (r *KeyRing) PassedOver() (all []string) {
	r.mu.Lock()
	chains := append(slices.Collect(maps.Values(r.cached)), &r.workspace)
	r.mu.Unlock()
	for _, h := range chains {
		if k := h.latest.Load(); k != nil {
			all = append(all, k.passed...)
		}
	}
	slices.Sort(all)
	return all
}

func (k *snapshot) published(now int64) []Key {
	var all []Key
	for i, key := range k.keys {
		if key.Private != nil && k.chain.Stage(i, now) != Gone {
			all = append(all, key)
		}
	}
	return all
}

// Served is Published for APIs: as it was a second ago, or a minute while the store does
// not answer.
func (r *KeyRing) Served(ctx context.Context, organization string, now int64) ([]Key, error) {
	k, err := r.snapshot(ctx, wanted{organization, anyRevision, servedAge}, now)
	if err != nil {
		k = r.holding(organization).latest.Load()
		if !k.satisfies(wanted{organization, anyRevision, publishedAge}, now) {
			return nil, err
		}
	}
	return k.published(now), nil
}

// Stored returns the result of Published from the current state of the store, and makes
// no key.
func (r *KeyRing) Stored(ctx context.Context, organization string, now int64) ([]Key, error) {
	k, err := r.read(ctx, organization, now, nil)
	if err != nil {
		return nil, err
	}
	return k.published(now), nil
}

// snapshot returns a chain and reads it again if the cached one is not sufficient.
func (r *KeyRing) snapshot(ctx context.Context, w wanted, now int64) (*snapshot, error) {
	h := r.holding(w.organization)
	if k := h.latest.Load(); k.satisfies(w, now) {
		return k, nil
	}
	h.reading.Lock()
	defer h.reading.Unlock()
	before := h.latest.Load()
	if before.satisfies(w, now) {
		return before, nil
	}
	k, err := r.active(ctx, w.organization, now, before)
	if err != nil {
		return nil, err
	}
	if k.revision = w.revision; k.revision == anyRevision && before != nil {
		k.revision = before.revision
	}
	h.latest.Store(k)
	return k, nil
}

// satisfies reports whether a snapshot meets the requirement and a key signs.
func (k *snapshot) satisfies(w wanted, now int64) bool {
	return k != nil && (w.revision == anyRevision || w.revision == k.revision) &&
		now < k.at+w.age && now > k.at-w.age && k.signer(now) >= 0
}

func (r *KeyRing) holding(organization string) *cached {
	if organization == "" {
		return &r.workspace
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	h := r.cached[organization]
	if h == nil {
		for other := range r.cached {
			if len(r.cached) < maxCached {
				break
			}
			delete(r.cached, other)
		}
		h = &cached{}
		r.cached[organization] = h
	}
	return h
}

// active reads a chain that is in use. It cancels the retirement of keys that were to
// retire for lack of use, and makes a key if none signs.
func (r *KeyRing) active(ctx context.Context, organization string, now int64, before *snapshot) (*snapshot, error) {
	k, err := r.read(ctx, organization, now, before)
	if err != nil {
		return nil, err
	}
	if k.chain.signer(now) >= 0 && !k.chain.ending(now+skew) {
		return k, nil
	}
	if err := r.resume(ctx, organization, k.chain, now); err != nil {
		return nil, err
	}
	if k.chain.signer(now) < 0 {
		if _, err := r.Make(ctx, organization, k.chain, Lead, now, audit.Server); err != nil {
			return nil, err
		}
	}
	return r.read(ctx, organization, now, k)
}

// read reads a chain and opens the keys that are not gone; keys opened before are
// reused. A key that cannot be opened is passed over if another key signs.
func (r *KeyRing) read(ctx context.Context, organization string, now int64, before *snapshot) (*snapshot, error) {
	chain, err := r.store.SigningKeys(ctx, organization)
	if err != nil {
		return nil, fmt.Errorf("keys: %w", err)
	}
	k := &snapshot{at: now, chain: chain, keys: make([]Key, len(chain))}
	var sealed error
	for i, s := range chain {
		k.keys[i].Stored = s
		if chain.Stage(i, now) == Gone {
			continue
		}
		if opened, ok := before.opened(s); ok {
			k.keys[i].Private = opened.Private
			continue
		}
		opened, err := s.open(r.sealer)
		if errors.Is(err, ErrSealed) {
			k.passed, sealed = append(k.passed, s.ID), err
			continue
		}
		if err != nil {
			return nil, err
		}
		k.keys[i] = opened
	}
	if sealed != nil && k.signer(now) < 0 {
		return nil, sealed
	}
	return k, nil
}

// opened returns the key that was opened from a row before.
func (k *snapshot) opened(s Stored) (Key, bool) {
	if k != nil {
		for _, key := range k.keys {
			if key.ID == s.ID && key.Sealed == s.Sealed && key.Algorithm == s.Algorithm && key.Private != nil {
				return key, true
			}
		}
	}
	return Key{}, false
}
