//go:build !js

package token

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// KeySet is the published key set of an issuer, fetched when needed and cached. While
// the issuer cannot be reached, it uses the cached keys without a time limit: no token
// can be minted there meanwhile.
type KeySet struct {
	url    string
	client *http.Client
	// mayEnd means that an issuer without a key set has no keys, and is not
	// unreachable.
	mayEnd bool
	// places limits the concurrent attempts of all sets that share it. Nil is no limit.
	places chan struct{}

	mu       sync.Mutex
	keys     map[string]PublicKey
	good     time.Time     // time of the last successful fetch
	tried    time.Time     // time of the last attempt
	failed   error         // error of the last attempt
	hurried  time.Time     // time of the last Hurry
	fetching chan struct{} // closed when the current attempt ends; nil if there is none
}

// The least time between two attempts of a KeySet to fetch the issuer's keys, whichever
// tokens arrive: KeySetPause, and KeySetRetry after one that failed or after Hurry.
const (
	KeySetPause = 10 * time.Second
	KeySetRetry = time.Second
)

const (
	keySetLife    = 10 * time.Minute
	keySetTimeout = 5 * time.Second
	keySetHurry   = time.Minute
	maxKeySet     = 256 << 10
)

var errNotFound = errors.New("there is no key set")

// NewKeySet returns the key set at url (the issuer's jwks_uri). A nil client means one
// that follows no redirects. With any client, an attempt ends after 5 s.
func NewKeySet(url string, client *http.Client) *KeySet {
	if client == nil {
		client = &http.Client{
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
	}
	return &KeySet{url: url, client: client}
}

// PublicKey returns the key with an id. An unknown id causes a new fetch, at most every
// 10 s, or every second while the issuer does not answer. Keys that are 10 min old are
// refreshed in the background. If they are 20 min old, or the id is unknown, the call
// waits for the fetch.
func (s *KeySet) PublicKey(ctx context.Context, kid string) (PublicKey, error) {
	key, known, wait := s.look(kid)
	if wait != nil {
		late := time.NewTimer(2 * keySetTimeout) // an attempt may wait for its turn
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

// Refresh fetches the keys now, however lately they were fetched. It is for what the issuer
// itself says, such as an event of its feed; what somebody sends must not cause it.
func (s *KeySet) Refresh(ctx context.Context) error {
	s.mu.Lock()
	if s.fetching == nil {
		s.tried, s.fetching = time.Now(), make(chan struct{})
		go s.attempt(s.fetching)
	}
	wait := s.fetching
	s.mu.Unlock()
	select {
	case <-wait:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// missing returns the error for a key that is not in the set.
func (s *KeySet) missing() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed != nil { // the set may be incomplete
		return fmt.Errorf("the key set at %s could not be fetched: %w", s.url, s.failed)
	}
	return ErrUnknownKey
}

// first fetches the keys of a new set that is not shared yet. A set without keys is an
// error.
func (s *KeySet) first() error {
	s.tried, s.fetching = time.Now(), make(chan struct{})
	s.attempt(s.fetching)
	if s.empty() {
		return s.missing()
	}
	return nil
}

// look finds a key among the cached ones and starts an attempt to fetch them if one is
// due. The caller waits for wait, unless it is nil.
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

// Hurry lets an unknown id cause a fetch every second for the next minute: a key was
// withdrawn, and one that was not published before signs in its place.
func (s *KeySet) Hurry() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hurried = time.Now()
}

func (s *KeySet) pause() time.Duration {
	if s.failed != nil || time.Since(s.hurried) < keySetHurry {
		return KeySetRetry
	}
	return KeySetPause
}

// attempt fetches the keys for all callers, so it does not end with the first one's
// request.
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
