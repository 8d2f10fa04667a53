package login

import (
	"context"
	"crypto"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"

	"github.com/tabard-auth/tabard/backend/strictjson"
)

// KeySet is a provider's key set.
type KeySet struct {
	// Keys are the readable keys.
	Keys []json.RawMessage
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
	var read KeySet
	if len(set.Keys) > maxKeys {
		read.Broken = append(read.Broken, fmt.Errorf("it has %d keys, of which only the first %d are read", len(set.Keys), maxKeys))
		set.Keys = set.Keys[:maxKeys]
	}
	for i, raw := range set.Keys {
		var key jose.JSONWebKey
		if err := json.Unmarshal(raw, &key); err != nil {
			var named struct {
				ID  text `json:"kid"`
				Use text `json:"use"`
			}
			strictjson.DecodeKnown(raw, &named) // it may not be an object
			if named.Use == "enc" {             // encryption keys verify no signatures
				continue
			}
			read.Broken = append(read.Broken, fmt.Errorf("key %d (kid %.100q): %.200s", i+1, string(named.ID), err))
			continue
		}
		read.Keys = append(read.Keys, raw)
		if key.KeyID == "" && key.Use != "enc" && key.IsPublic() {
			read.unnamed = append(read.unnamed, key.Key)
		}
	}
	return read, nil
}

// maxKeys is the largest number of a provider's keys. Each may be tried for each token.
const maxKeys = 100

// readableKeys removes unreadable keys from a key set. go-oidc would reject the whole
// set.
type readableKeys struct {
	next    http.RoundTripper
	unnamed *atomic.Pointer[[]crypto.PublicKey]
}

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
	k.unnamed.Store(&set.unnamed)
	if err == nil && len(set.Keys) > 0 { // otherwise go-oidc reports the error
		if body, err = json.Marshal(map[string]any{"keys": set.Keys}); err != nil {
			return nil, err
		}
	}
	return jsonResponse(r, body), nil
}

// remoteKeys is the key set at an address. go-oidc tries a key without kid only for a
// token without kid; remoteKeys tries it for every token.
type remoteKeys struct {
	oidc.KeySet
	unnamed *atomic.Pointer[[]crypto.PublicKey]
}

// keySet returns the key set at an address. between, if not nil, wraps the transport.
func keySet(transport http.RoundTripper, address string, between func(http.RoundTripper) http.RoundTripper) oidc.KeySet {
	unnamed := &atomic.Pointer[[]crypto.PublicKey]{}
	transport = readableKeys{transport, unnamed}
	if between != nil {
		transport = between(transport)
	}
	return remoteKeys{oidc.NewRemoteKeySet(oidc.ClientContext(context.Background(), newClient(transport)), address), unnamed}
}

// VerifySignature implements oidc.KeySet.
func (k remoteKeys) VerifySignature(ctx context.Context, raw string) ([]byte, error) {
	if payload, err := k.byUnnamed(ctx, raw); err == nil {
		return payload, nil
	}
	payload, err := k.KeySet.VerifySignature(ctx, raw) // fetches the keys if none fits
	if err == nil {
		return payload, nil
	}
	if payload, unnamedErr := k.byUnnamed(ctx, raw); unnamedErr == nil {
		return payload, nil
	}
	return nil, err
}

func (k remoteKeys) byUnnamed(ctx context.Context, raw string) ([]byte, error) {
	keys := k.unnamed.Load()
	if keys == nil || len(*keys) == 0 {
		return nil, errUnknownKey
	}
	return (&oidc.StaticKeySet{PublicKeys: *keys}).VerifySignature(ctx, raw)
}
