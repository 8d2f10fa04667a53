//go:build !js

package token

import (
	"container/list"
	"context"
	"net/http"
	"sync"
	"time"
)

// KeySets are the key sets of organizations that are issuers of their own, each
// fetched when a token of its organization comes for the first time.
//
// Before that nobody can tell such a token from one of an organization that somebody
// made up. So an organization has a place among the sets only once its issuer answered
// with keys. The first fetches, a few at once, are made for who asked last, and one
// that was in vain is remembered for as long as KeySet remembers its own: tokens made up
// cost their issuer a request each, and refuse no other organization's.
type KeySets struct {
	issuer string
	client *http.Client
	again  chan struct{} // a place for each set that is fetched again

	mu          sync.Mutex
	sets        map[string]*KeySet // of those whose issuers had keys
	misses      misses             // the others
	discoveries map[string]*discovery
	waiting     list.List // of *discovery; the one asked for last is in front
	out         int       // discoveries under way
}

const (
	// maxKeySets bounds the sets that are kept; one that is dropped is fetched again.
	maxKeySets = 10_000
	// fetchesAtOnce bounds the requests to the issuer that are under way: of first
	// fetches, and of later ones.
	fetchesAtOnce = 16
)

// NewKeySets returns the key sets of the organizations of a workspace, by the
// workspace's issuer. The client is NewKeySet's.
func NewKeySets(issuer string, client *http.Client) *KeySets {
	return &KeySets{
		issuer: issuer, client: client, again: make(chan struct{}, fetchesAtOnce),
		sets: map[string]*KeySet{}, discoveries: map[string]*discovery{},
	}
}

// OrganizationKey implements OrganizationKeys.
func (s *KeySets) OrganizationKey(ctx context.Context, organizationID, kid string) (PublicKey, error) {
	set, found, err := s.of(organizationID, time.Now())
	if found != nil {
		set, err = found.set, s.wait(ctx, found)
	}
	if err != nil {
		return PublicKey{}, err
	}
	return set.PublicKey(ctx, kid)
}

// of returns the set of an organization, or why it has none, or else who finds out.
func (s *KeySets) of(organizationID string, now time.Time) (*KeySet, *discovery, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if set := s.sets[organizationID]; set != nil {
		return set, nil, nil
	}
	if err := s.misses.of(organizationID, now); err != nil {
		return nil, nil, err
	}
	return nil, s.ask(organizationID), nil
}

func (s *KeySets) newSet(organizationID string) *KeySet {
	set := NewKeySet(organizationIssuer(s.issuer, organizationID)+"/.well-known/jwks.json", s.client)
	set.mayEnd = true
	return set
}

// keep keeps a set that has keys. It drops others where there is no room: those that
// are empty by now, and where none is, any.
func (s *KeySets) keep(organizationID string, set *KeySet) {
	set.places = s.again
	if len(s.sets) >= maxKeySets {
		for id, other := range s.sets {
			if other.empty() {
				delete(s.sets, id)
			}
		}
	}
	for id := range s.sets {
		if len(s.sets) < maxKeySets {
			break
		}
		delete(s.sets, id)
	}
	s.sets[organizationID] = set
}

func (s *KeySet) empty() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.keys) == 0
}
