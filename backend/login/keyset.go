package login

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/go-jose/go-jose/v4"

	"github.com/tabard-auth/tabard/backend/strictjson"
)

// KeySet is a provider's key set.
type KeySet struct {
	// Keys are the readable keys.
	Keys []json.RawMessage
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
	}
	return read, nil
}

// readableKeys removes unreadable keys from a key set. go-oidc would reject the whole
// set.
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
	if err == nil && len(set.Keys) > 0 { // otherwise go-oidc reports the error
		if body, err = json.Marshal(map[string]any{"keys": set.Keys}); err != nil {
			return nil, err
		}
	}
	return jsonResponse(r, body), nil
}
