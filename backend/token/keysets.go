//go:build !js

package token

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// KeySets are the key sets of organisations that are issuers of their own, each
// fetched when a token of its organisation comes for the first time.
type KeySets struct {
	issuer string
	client *http.Client

	mu    sync.Mutex
	sets  map[string]*KeySet
	since time.Time // when the counting of new ones began
	fresh int
}

// Whoever makes organisations up costs their issuer no more than newKeySets requests a
// minute, and this process no more memory than maxKeySets take.
const (
	newKeySets = 1000
	maxKeySets = 10_000
)

// NewKeySets returns the key sets of the organisations of a workspace, by the
// workspace's issuer. The client is NewKeySet's.
func NewKeySets(issuer string, client *http.Client) *KeySets {
	return &KeySets{issuer: issuer, client: client, sets: map[string]*KeySet{}}
}

// OrganizationKey implements OrganizationKeys.
func (s *KeySets) OrganizationKey(ctx context.Context, organizationID, kid string) (PublicKey, error) {
	set, err := s.of(organizationID, time.Now())
	if err != nil {
		return PublicKey{}, err
	}
	return set.PublicKey(ctx, kid)
}

func (s *KeySets) of(organizationID string, now time.Time) (*KeySet, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if set := s.sets[organizationID]; set != nil {
		return set, nil
	}
	if now.Sub(s.since) >= time.Minute {
		s.since, s.fresh = now, 0
	}
	if s.fresh++; s.fresh > newKeySets {
		return nil, fmt.Errorf("more than %d organisations came for the first time in a minute", newKeySets)
	}
	s.makeRoom()
	set := NewKeySet(organizationIssuer(s.issuer, organizationID)+"/.well-known/jwks.json", s.client)
	set.mayEnd = true
	s.sets[organizationID] = set
	return set, nil
}

// makeRoom drops the sets that are empty, and where none is, any.
func (s *KeySets) makeRoom() {
	if len(s.sets) < maxKeySets {
		return
	}
	for id, set := range s.sets {
		if set.empty() {
			delete(s.sets, id)
		}
	}
	for id := range s.sets {
		if len(s.sets) < maxKeySets {
			return
		}
		delete(s.sets, id)
	}
}

func (s *KeySet) empty() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.keys) == 0
}
