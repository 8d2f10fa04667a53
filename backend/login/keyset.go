package login

import (
	"context"
	"crypto"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"

	"github.com/tabard-auth/tabard/backend/strictjson"
)

// KeySet is a provider's key set.
type KeySet struct {
	// Keys are the readable keys.
	Keys   []json.RawMessage
	parsed []jose.JSONWebKey
	names  map[string]bool // their kids
	// unnamed are those without kid, which RFC 7517 section 4.5 permits.
	unnamed []crypto.PublicKey
	// Broken has an error for each unreadable key.
	Broken []error
}

// ReadKeySet parses a key set. An unreadable key does not invalidate the others (RFC
// 7517 section 5).
func ReadKeySet(body []byte) (KeySet, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := strictjson.DecodeKnown(body, &set); err != nil {
		return KeySet{}, err
	}
	if set.Keys == nil {
		return KeySet{}, errors.New(`it has no list "keys"`)
	}
	read := KeySet{names: map[string]bool{}}
	sameID := map[string]int{}
	for i, raw := range set.Keys {
		k, err := readJWK(raw)
		switch {
		case k.public.Use == "enc": // encryption keys verify no signatures
			continue
		case err != nil:
			if len(read.Broken) < maxKeys {
				read.Broken = append(read.Broken, fmt.Errorf("key %d (kid %.100q): %.200s", i+1, string(k.public.ID), err))
			}
			continue
		}
		id := k.key.KeyID
		if sameID[id]++; sameID[id] > maxKeys {
			continue
		}
		read.Keys, read.parsed, read.names[id] = append(read.Keys, k.text), append(read.parsed, k.key), true
		if id == "" {
			read.unnamed = append(read.unnamed, k.key.Key)
		}
	}
	for id, n := range sameID {
		if n > maxKeys {
			read.Broken = append(read.Broken, fmt.Errorf("it has %d keys with the kid %.100q, of which only the first %d are read", n, id, maxKeys))
		}
	}
	return read, nil
}

// maxKeys is the largest number of keys of one kid, or without kid. Each may be tried for
// each token.
const maxKeys = 100

// readableKeys removes unreadable keys from a key set. go-oidc would reject the whole
// set.
type readableKeys struct {
	next http.RoundTripper
	read *atomic.Pointer[KeySet]
}

// errNoKeys is the error of a key set without a readable key.
var errNoKeys = errors.New("login: the key set has no readable key")

// RoundTrip implements http.RoundTripper.
func (k readableKeys) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := k.next.RoundTrip(r)
	if err != nil || response.StatusCode != http.StatusOK {
		return response, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	set, err := ReadKeySet(body)
	if err == nil && len(set.Keys) == 0 {
		err = errors.Join(append([]error{errNoKeys}, set.Broken...)...)
	}
	if err != nil {
		return nil, err
	}
	if body, err = json.Marshal(map[string]any{"keys": set.Keys}); err != nil {
		return nil, err
	}
	k.read.Store(&set)
	return jsonResponse(r, body), nil
}

// remoteKeys is the key set at an address. go-oidc tries a key without kid only for a
// token without kid; remoteKeys tries it for every token.
type remoteKeys struct {
	oidc.KeySet
	read *atomic.Pointer[KeySet]
	// pause limits the requests for the keys; nil does not.
	pause *throttled
}

// keySet returns the key set at an address, with a limit of requests or without.
func keySet(transport http.RoundTripper, address string, paused bool) remoteKeys {
	k := remoteKeys{read: &atomic.Pointer[KeySet]{}}
	transport = readableKeys{transport, k.read}
	if paused {
		k.pause = &throttled{next: transport}
		transport = k.pause
	}
	k.KeySet = oidc.NewRemoteKeySet(oidc.ClientContext(context.Background(), newClient(transport)), address)
	return k
}

// ErrKeysPaused is the error for a token of a key that the provider may have begun to use
// since its keys were read. Forged tokens cause such reads, and must not have the
// provider's own refused for good. Anybody can cause this error, so that it is no fault of
// the provider's.
var ErrKeysPaused = errors.New("login: the provider's keys were read a moment ago, and the token's is not among them")

// unread reports whether a token names a key that is not known and that could not be looked
// for since a time.
func (k remoteKeys) unread(raw string, since time.Time) bool {
	if k.pause == nil || k.pause.readAt().After(since) {
		return false
	}
	var header struct {
		ID text `json:"kid"`
	}
	if err := decodeHeader(raw, &header); err != nil || header.ID == "" {
		return false
	}
	set := k.read.Load()
	return set != nil && !set.names[string(header.ID)]
}

// VerifySignature implements oidc.KeySet.
func (k remoteKeys) VerifySignature(ctx context.Context, raw string) ([]byte, error) {
	if payload, err := k.byUnnamed(ctx, raw); err == nil {
		return payload, nil
	}
	if err := k.checkNamed(raw); err != nil {
		return nil, err
	}
	began := time.Now()
	payload, err := k.KeySet.VerifySignature(ctx, raw) // fetches the keys if none fits
	if err == nil {
		return payload, nil
	}
	if payload, unnamedErr := k.byUnnamed(ctx, raw); unnamedErr == nil {
		return payload, nil
	}
	if k.unread(raw, began) {
		return nil, ErrKeysPaused
	}
	return nil, err
}

func (k remoteKeys) byUnnamed(ctx context.Context, raw string) ([]byte, error) {
	set := k.read.Load()
	if set == nil || len(set.unnamed) == 0 {
		return nil, errUnknownKey
	}
	return (&oidc.StaticKeySet{PublicKeys: set.unnamed}).VerifySignature(ctx, raw)
}

// checkNamed refuses a token that names none of a large number of keys. Every one of them
// would be tried (OpenID Connect Core section 10.1).
func (k remoteKeys) checkNamed(raw string) error {
	set := k.read.Load()
	if set == nil || len(set.Keys) <= maxKeys {
		return nil
	}
	var header struct {
		ID text `json:"kid"`
	}
	if err := decodeHeader(raw, &header); err != nil || header.ID == "" {
		return fmt.Errorf("%w: the token has no kid, and the key set %d keys", errUnknownKey, len(set.Keys))
	}
	return nil
}
