//go:build !js

package token

import (
	"context"
	"crypto"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwk"
)

// KeySet is the published key set of an issuer, fetched when needed and kept. It
// goes on with what it has while the issuer cannot be reached.
type KeySet struct {
	url    string
	client *http.Client

	mu      sync.Mutex
	keys    map[string]PublicKey
	fetched time.Time // the last attempt, good or not
	good    time.Time // the last good one
	failed  error     // why the last attempt was not
}

const (
	keySetLife    = 10 * time.Minute
	keySetPause   = 10 * time.Second // between two attempts, whatever tokens ask for
	keySetTimeout = 5 * time.Second
	maxKeySet     = 256 << 10
)

// NewKeySet returns the key set at url (the issuer's jwks_uri). A nil client means
// one that follows no redirects and gives up after 5 s.
func NewKeySet(url string, client *http.Client) *KeySet {
	if client == nil {
		client = &http.Client{
			Timeout:       keySetTimeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
	}
	return &KeySet{url: url, client: client}
}

// PublicKey returns the key of that id. An id that it does not know makes it look
// again, at most every 10 s.
func (s *KeySet) PublicKey(ctx context.Context, kid string) (PublicKey, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	key, known := s.keys[kid]
	if known && now.Sub(s.good) < keySetLife {
		return key, nil
	}
	if now.Sub(s.fetched) >= keySetPause {
		s.fetched = now
		s.failed = s.fetch(ctx, now)
		key, known = s.keys[kid]
	}
	switch {
	case known:
		return key, nil
	case s.good.IsZero():
		return PublicKey{}, fmt.Errorf("the key set at %s could not be fetched: %w", s.url, s.failed)
	}
	return PublicKey{}, ErrUnknownKey
}

func (s *KeySet) fetch(ctx context.Context, now time.Time) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url, nil)
	if err != nil {
		return err
	}
	response, err := s.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", s.url, response.Status)
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, maxKeySet))
	if err != nil {
		return err
	}
	keys, err := parseKeySet(text)
	if err != nil {
		return fmt.Errorf("%s: %w", s.url, err)
	}
	s.keys, s.good = keys, now
	return nil
}

// parseKeySet reads the signature keys of a set; a key without an id or an
// algorithm is passed over, for the key must fix the algorithm.
func parseKeySet(text []byte) (map[string]PublicKey, error) {
	set, err := jwk.Parse(text)
	if err != nil {
		return nil, err
	}
	keys := map[string]PublicKey{}
	for i := range set.Len() {
		k, _ := set.Key(i)
		if k.KeyID() == "" || k.Algorithm().String() == "" || (k.KeyUsage() != "" && k.KeyUsage() != "sig") {
			continue
		}
		public, err := k.PublicKey()
		if err != nil {
			return nil, err
		}
		var raw crypto.PublicKey
		if err := public.Raw(&raw); err != nil {
			return nil, err
		}
		keys[k.KeyID()] = PublicKey{Algorithm: k.Algorithm().String(), Key: raw}
	}
	return keys, nil
}
