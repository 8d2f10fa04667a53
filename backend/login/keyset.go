package login

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/go-jose/go-jose/v4"

	"github.com/tabard-auth/tabard/backend/strictjson"
)

// KeySet is a provider's key set, as far as it can be read.
type KeySet struct {
	// Keys are those that can be read.
	Keys []json.RawMessage
	// Broken says of each other key which it is and what is wrong with it.
	Broken []error
}

// ReadKeySet reads a key set key by key: one that cannot be read costs no other (RFC
// 7517 section 5).
func ReadKeySet(body []byte) (KeySet, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := strictjson.DecodeKnown(body, &set); err != nil {
		return KeySet{}, err
	}
	var read KeySet
	for i, raw := range set.Keys {
		var key jose.JSONWebKey
		if err := json.Unmarshal(raw, &key); err != nil {
			var named struct {
				ID  text `json:"kid"`
				Use text `json:"use"`
			}
			strictjson.DecodeKnown(raw, &named) // which may be no object
			if named.Use == "enc" {             // which verifies nothing, of whatever type
				continue
			}
			read.Broken = append(read.Broken, fmt.Errorf("key %d (kid %.100q): %.200s", i+1, string(named.ID), err))
			continue
		}
		read.Keys = append(read.Keys, raw)
	}
	return read, nil
}

// readableKeys passes on a key set without the keys that cannot be read, for any of which
// go-oidc would refuse the whole set.
type readableKeys struct{ next http.RoundTripper }

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
	if err == nil && len(set.Keys) > 0 { // or else go-oidc says what is wrong
		if body, err = json.Marshal(map[string]any{"keys": set.Keys}); err != nil {
			return nil, err
		}
	}
	return jsonResponse(r, body), nil
}
