package signingkey_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
)

// history is the actions of two replicas and an operator on one issuer's keys, and the
// key sets that validators read.
type history struct {
	*rapid.T
	store        *sqlstore.Store
	organization string
	replicas     [2]*signingkey.KeyRing
	now          int64

	minted   []minted
	sets     []seen
	retired  map[string]bool
	last     int64 // when a key was last retired
	revision int64
}

type minted struct {
	kid string
	exp int64
}

// seen is a key set as a replica published it.
type seen struct {
	at   int64
	kids []string
}

// TestAtEveryMomentOneKeySignsAndEveryGoodTokensKeyIsPublished runs histories of
// rotation by schedule and command, of emergencies, and of replicas that learn of it a
// minute late.
func TestAtEveryMomentOneKeySignsAndEveryGoodTokensKeyIsPublished(t *testing.T) {
	store := emptyStore(t)
	secret, _ := signingkey.NewSecret()
	n := 0
	rapid.Check(t, func(t *rapid.T) {
		n++
		h := &history{T: t, store: store, organization: fmt.Sprint("org_", n), now: now, retired: map[string]bool{}}
		for i := range h.replicas {
			h.replicas[i] = signingkey.NewKeyRing(store, secret, signingkey.EdDSA)
		}
		for range 25 {
			h.now += rapid.OneOf(rapid.Int64Range(0, 70), rapid.Int64Range(200, 1200), rapid.Int64Range(3000, day)).Draw(t, "seconds")
			h.step(rapid.SampledFrom([]string{"", "", "schedule", "schedule", "rotate", "hurry", "retire"}).Draw(t, "what"))
			h.mint(rapid.IntRange(0, 1).Draw(t, "replica"))
			h.published(rapid.IntRange(0, 1).Draw(t, "asked"))
			h.one()
		}
	})
}

func (h *history) must(err error) {
	if err != nil {
		h.Fatal(err)
	}
}

func (h *history) chain() signingkey.Chain {
	chain, err := h.store.SigningKeys(context.Background(), h.organization)
	h.must(err)
	return chain
}

func (h *history) step(what string) {
	ctx, ring, chain := context.Background(), h.replicas[0], h.chain()
	next, prepared := chain.Next(h.now)
	switch {
	case what == "schedule":
		h.must(ring.Rotate(ctx, h.organization, chain, 2*day, h.now))
		h.must(ring.Rotate(ctx, h.organization, chain, 2*day, h.now)) // another replica, which read the same state
	case what == "rotate" && !prepared:
		_, err := ring.Make(ctx, h.organization, chain, signingkey.Lead, h.now, audit.CommandLine)
		h.must(err)
	case what == "hurry" && prepared:
		h.must(h.store.AdvanceSigningKey(ctx, next.ID, max(h.now, next.CreatedAt+signingkey.Soonest)))
	case what == "retire" && len(chain) > 0:
		k := chain[rapid.IntRange(0, len(chain)-1).Draw(h.T, "which")]
		_, err := h.store.RetireSigningKey(ctx, k.ID, audit.CommandLine, h.now)
		h.must(err)
		h.retired[k.ID], h.last = true, h.now
		h.revision++
	}
}

// mint signs at a replica with its cached state. A validator that read the key set of
// any replica within its lifetime has the key, unless another key had to be retired at
// once.
func (h *history) mint(replica int) {
	k, err := h.replicas[replica].Signing(context.Background(), h.organization, h.revision, h.now)
	h.must(err)
	if h.retired[k.ID] {
		h.Fatalf("a replica signs with the retired key %s", k.ID)
	}
	h.minted = append(h.minted, minted{k.ID, h.now + policy.MaxAccessTTL})
	early := k.Generation > 1 && h.chain()[k.Generation-2].RetiresAt != 0 || h.last >= k.CreatedAt
	if k.Generation > 1 && !early && h.now < k.CreatedAt+signingkey.Soonest {
		h.Fatalf("key %s signs %d s after it was made", k.ID, h.now-k.CreatedAt)
	}
	for _, set := range h.sets {
		if set.at > h.now-signingkey.SetAge && h.now >= k.CreatedAt+signingkey.Soonest && !slices.Contains(set.kids, k.ID) {
			h.Fatalf("key %s signs, and was not published %d s ago", k.ID, h.now-set.at)
		}
	}
}

// published checks that a replica publishes the key of every valid token.
func (h *history) published(replica int) {
	all, err := h.replicas[replica].Published(context.Background(), h.organization, h.now)
	h.must(err)
	set := seen{at: h.now}
	for _, k := range all {
		set.kids = append(set.kids, k.ID)
		if h.retired[k.ID] && h.now >= h.last+60 {
			h.Fatalf("the retired key %s is published", k.ID)
		}
	}
	h.sets = append(h.sets, set)
	for _, m := range h.minted {
		if h.now <= m.exp+60 && !h.retired[m.kid] && !slices.Contains(set.kids, m.kid) && h.now > h.last+60 {
			h.Fatalf("a token that is good for %d s more is of key %s, which is not published", m.exp-h.now, m.kid)
		}
	}
}

// one checks that one key signs and at most one is prepared.
func (h *history) one() {
	chain, stages := h.chain(), map[signingkey.Stage]int{}
	for i := range chain {
		stages[chain.Stage(i, h.now)]++
	}
	if stages[signingkey.Signing] > 1 || stages[signingkey.Signing] == 0 && h.now >= h.last+60 || stages[signingkey.Prepared] > 1 {
		h.Fatalf("%v in %+v", stages, chain)
	}
}
