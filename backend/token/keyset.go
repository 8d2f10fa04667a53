//go:build !js

package token

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwk"

	"github.com/tabard-auth/tabard/backend/jws"
)

// KeySet is the published key set of an issuer, fetched when needed and kept. It
// goes on with what it has while the issuer cannot be reached, for however long that
// is: no token can be minted there meanwhile.
type KeySet struct {
	url    string
	client *http.Client
	// mayEnd tells that an issuer without a key set has no keys, and is not away.
	mayEnd bool
	// places bounds the attempts of all sets that share it; nil without a bound.
	places chan struct{}

	mu       sync.Mutex
	keys     map[string]PublicKey
	good     time.Time     // when they were fetched
	tried    time.Time     // the last attempt, good or not
	failed   error         // why the last attempt was not
	fetching chan struct{} // closed when the attempt under way ends; nil without one
}

// The least time between two attempts of a KeySet to have the issuer's keys, whatever
// tokens ask for: KeySetPause, and KeySetRetry after one that failed.
const (
	KeySetPause = 10 * time.Second
	KeySetRetry = time.Second
)

const (
	keySetLife    = 10 * time.Minute
	keySetTimeout = 5 * time.Second
	maxKeySet     = 256 << 10
)

var errNotFound = errors.New("there is no key set")

// NewKeySet returns the key set at url (the issuer's jwks_uri). A nil client means
// one that follows no redirects. An attempt ends after 5 s with any client.
func NewKeySet(url string, client *http.Client) *KeySet {
	if client == nil {
		client = &http.Client{
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
	}
	return &KeySet{url: url, client: client}
}

// PublicKey returns the key of that id. An id that it does not know makes it look
// again, at most every 10 s, or every second while the issuer does not answer. A key
// that was fetched 10 min ago is looked for again beside the request; after 20 min, or
// where it is not known, the request waits.
func (s *KeySet) PublicKey(ctx context.Context, kid string) (PublicKey, error) {
	key, known, wait := s.look(kid)
	if wait != nil {
		late := time.NewTimer(2 * keySetTimeout) // an attempt may wait for its place
		defer late.Stop()
		select {
		case <-wait:
		case <-late.C:
			return PublicKey{}, fmt.Errorf("the key set at %s could not be fetched in time", s.url)
		case <-ctx.Done():
			return PublicKey{}, ctx.Err()
		}
		key, known, _ = s.look(kid)
	}
	if known {
		return key, nil
	}
	return PublicKey{}, s.missing()
}

// missing is the error of a key that is not there.
func (s *KeySet) missing() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed != nil { // who knows
		return fmt.Errorf("the key set at %s could not be fetched: %w", s.url, s.failed)
	}
	return ErrUnknownKey
}

// first fetches the keys of a set that nobody else has yet. Without keys it is an error.
func (s *KeySet) first() error {
	s.tried, s.fetching = time.Now(), make(chan struct{})
	s.attempt(s.fetching)
	if s.empty() {
		return s.missing()
	}
	return nil
}

// look finds a key among those at hand, and starts an attempt to fetch them where one
// is due. The caller waits for wait, unless it is nil.
func (s *KeySet) look(kid string) (key PublicKey, known bool, wait <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	key, known = s.keys[kid]
	age := now.Sub(s.good)
	if known && age < keySetLife {
		return key, known, nil
	}
	if s.fetching == nil && now.Sub(s.tried) >= s.pause() {
		s.tried, s.fetching = now, make(chan struct{})
		go s.attempt(s.fetching)
	}
	if known && (age < 2*keySetLife || s.failed != nil) {
		return key, known, nil
	}
	return key, known, s.fetching
}

func (s *KeySet) pause() time.Duration {
	if s.failed != nil {
		return KeySetRetry
	}
	return KeySetPause
}

// attempt fetches the keys for everybody: whoever asked first may go away.
func (s *KeySet) attempt(ended chan struct{}) {
	if s.places != nil {
		s.places <- struct{}{}
		defer func() { <-s.places }()
	}
	ctx, cancel := context.WithTimeout(context.Background(), keySetTimeout)
	defer cancel()
	keys, err := s.fetch(ctx)
	if s.mayEnd && errors.Is(err, errNotFound) {
		err = nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed = err; err == nil {
		s.keys, s.good = keys, time.Now()
	}
	s.fetching = nil
	close(ended)
}

func (s *KeySet) fetch(ctx context.Context) (map[string]PublicKey, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url, nil)
	if err != nil {
		return nil, err
	}
	response, err := s.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	switch response.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound:
		return nil, fmt.Errorf("%w at %s", errNotFound, s.url)
	default:
		return nil, fmt.Errorf("%s answers %s", s.url, response.Status)
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, maxKeySet))
	if err != nil {
		return nil, err
	}
	keys, err := parseKeySet(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.url, err)
	}
	return keys, nil
}

// parseKeySet reads the signature keys of a set. It passes over a key of a kind that
// it does not know (RFC 7517 section 5), and one without an id or an algorithm: the
// key must fix the algorithm. A set without any is an error, and replaces nothing.
func parseKeySet(text []byte) (map[string]PublicKey, error) {
	set, err := jwk.Parse(text, jwk.WithIgnoreParseError(true))
	if err != nil {
		return nil, err
	}
	keys := map[string]PublicKey{}
	for i := range set.Len() {
		k, _ := set.Key(i)
		if k.KeyID() == "" || !jws.Supported(k.Algorithm().String()) || (k.KeyUsage() != "" && k.KeyUsage() != "sig") {
			continue
		}
		var raw crypto.PublicKey
		if public, err := k.PublicKey(); err != nil || public.Raw(&raw) != nil {
			continue
		}
		keys[k.KeyID()] = PublicKey{Algorithm: k.Algorithm().String(), Key: raw}
	}
	if len(keys) == 0 {
		return nil, errors.New("it has no signature key")
	}
	return keys, nil
}
