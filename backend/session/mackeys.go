package session

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
)

// Secret is a session's own part of the MAC key, drawn at sign-in and stored in the
// session's row.
type Secret [32]byte

// NewSecret draws a random Secret.
func NewSecret() (secret Secret) {
	rand.Read(secret[:]) // never fails
	return secret
}

const (
	keyIDSize = 3
	macSize   = sha256.Size
)

type keyID [keyIDSize]byte

// MACKeys holds the MAC keys of refresh tokens. Keys can be replaced: the first signs, all
// verify.
type MACKeys struct {
	ids     []string // in the order of the keys
	signing keyID
	keys    map[keyID][]byte
}

// MinMACKey is the minimum length of a key in a [MACKeys], in bytes.
const MinMACKey = 32

// NewMACKeys returns MAC keys, the newest key first. A key's id is derived from the key.
func NewMACKeys(keys ...[]byte) (*MACKeys, error) {
	if len(keys) == 0 {
		return nil, errors.New("session: at least one MAC key is required")
	}
	ring := &MACKeys{keys: make(map[keyID][]byte, len(keys))}
	for i, key := range keys {
		if len(key) < MinMACKey {
			return nil, fmt.Errorf("session: MAC key %d is shorter than %d bytes", i, MinMACKey)
		}
		id := keyID(mac(key, "tabard refresh token key id"))
		if _, double := ring.keys[id]; double {
			return nil, fmt.Errorf("session: MAC key %d has the same id as an earlier one", i)
		}
		if ring.keys[id] = key; i == 0 {
			ring.signing = id
		}
		ring.ids = append(ring.ids, hex.EncodeToString(id[:]))
	}
	return ring, nil
}

// IDs returns the ids of the keys, the signing one first. They disclose nothing
// about the keys.
func (r *MACKeys) IDs() []string { return r.ids }

// Sign returns the token's text form.
func (r *MACKeys) Sign(token Token, secret Secret) string {
	raw := token.body(r.signing)
	return base64.RawURLEncoding.EncodeToString(append(raw, r.mac(r.signing, secret, raw)...))
}

// ErrNotAuthentic refuses a token that this server did not make for this session, or
// whose key is no longer among the MACKeys. It is no evidence against the session: do not
// revoke it, and do not tell the caller more.
var ErrNotAuthentic = errors.New("session: refresh token is not authentic")

// ErrUnknownKey is the ErrNotAuthentic of a token whose key is not among the MACKeys: it may
// be another replica's, a retired one, or made up.
var ErrUnknownKey = fmt.Errorf("%w: its MAC key is unknown", ErrNotAuthentic)

// Authenticate checks the MAC, in constant time, with the Secret of the row of
// [Unverified.Session].
func (r *MACKeys) Authenticate(u Unverified, secret Secret) (Token, error) {
	key := keyID(u.raw[1 : 1+keyIDSize])
	if _, known := r.keys[key]; !known {
		return Token{}, ErrUnknownKey
	}
	if !hmac.Equal(u.raw[bodySize:], r.mac(key, secret, u.raw[:bodySize])) {
		return Token{}, ErrNotAuthentic
	}
	return u.token(), nil
}

func (r *MACKeys) mac(key keyID, secret Secret, body []byte) []byte {
	return mac(r.keys[key], "tabard refresh token", secret[:], body)
}

// mac returns the HMAC-SHA-256 of a purpose and parts of fixed length.
func mac(key []byte, purpose string, parts ...[]byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(purpose))
	h.Write([]byte{0})
	for _, part := range parts {
		h.Write(part)
	}
	return h.Sum(nil)
}
