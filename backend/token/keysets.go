//go:build !js

package token

import (
	"container/list"
	"context"
	"net/http"
	"sync"
	"time"
)

// KeySets are the key sets of organizations that are issuers of their own. Each is
// fetched when the first token of its organization arrives.
//
// Until then such a token cannot be told from one of a made-up organization. So an
// organization is added to the sets only once its issuer has answered with keys. A few
// first fetches run at once, the most recently requested first. A failed fetch is
// remembered for as long as KeySet waits before its next attempt. Forged tokens
// therefore cost their issuer one request each and do not block another organization's.
type KeySets struct {
	issuer string
	client *http.Client
	again  chan struct{} // one place for each set being refreshed

	mu          sync.Mutex
	sets        map[string]*KeySet // of the organizations whose issuers have keys
	misses      misses             // the others
	discoveries map[string]*discovery
	waiting     list.List // of *discovery; the most recently requested is in front
	out         int       // number of discoveries under way
}

const (
	// maxKeySets limits the sets that are kept. A dropped set is fetched again.
	maxKeySets = 10_000
	// fetchesAtOnce limits the concurrent requests to the issuer: of first fetches, and
	// of later ones.
	fetchesAtOnce = 16
)

// NewKeySets returns the key sets of a workspace's organizations, given the workspace's
// issuer. The client is that of NewKeySet.
func NewKeySets(issuer string, client *http.Client) *KeySets {
	return &KeySets{
		issuer: issuer, client: client, again: make(chan struct{}, fetchesAtOnce),
		sets: map[string]*KeySet{}, discoveries: map[string]*discovery{},
	}
}

// OrganizationKey implements OrganizationKeys.
func (s *KeySets) OrganizationKey(ctx context.Context, organizationID, kid string) (PublicKey, error) {
	set, found, err := s.find(organizationID, time.Now())
	if found != nil {
		set, err = found.set, s.wait(ctx, found)
	}
	if err != nil {
		return PublicKey{}, err
	}
	return set.PublicKey(ctx, kid)
}

// find returns the set of an organization, the error if it has none, or the discovery
// under way.
func (s *KeySets) find(organizationID string, now time.Time) (*KeySet, *discovery, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if set := s.sets[organizationID]; set != nil {
		return set, nil, nil
	}
	if err := s.misses.find(organizationID, now); err != nil {
		return nil, nil, err
	}
	return nil, s.ask(organizationID), nil
}

// Hurry does what Hurry of each set does.
func (s *KeySets) Hurry() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, set := range s.sets {
		set.Hurry()
	}
}

func (s *KeySets) newSet(organizationID string) *KeySet {
	set := NewKeySet(organizationIssuer(s.issuer, organizationID)+"/.well-known/jwks.json", s.client)
	set.mayEnd = true
	return set
}

// keep stores a set that has keys. If there is no room, it drops the sets that are
// empty by now or, without such, any set.
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
