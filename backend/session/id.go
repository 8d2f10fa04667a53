package session

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"errors"
	"strings"
)

// ID names a session. In text (the claim sid, the store, the contract) it is
// ses_ and lower-case unpadded base32. It is public: knowing it opens nothing.
type ID [16]byte

const idPrefix = "ses_"

var idEncoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// ErrMalformedID refuses a text that is not the one encoding of an ID.
var ErrMalformedID = errors.New("session: malformed id")

// NewID draws a random ID.
func NewID() (id ID) {
	rand.Read(id[:]) // never fails
	return id
}

// ParseID reads the text form, and no other spelling of it.
func ParseID(text string) (ID, error) {
	var id ID
	encoded, found := strings.CutPrefix(text, idPrefix)
	if !found || len(encoded) != idEncoding.EncodedLen(len(id)) {
		return ID{}, ErrMalformedID
	}
	if _, err := idEncoding.Decode(id[:], []byte(encoded)); err != nil || id.String() != text {
		return ID{}, ErrMalformedID
	}
	return id, nil
}

func (id ID) String() string { return idPrefix + idEncoding.EncodeToString(id[:]) }

// TokenID names one refresh token of a session; its text form, in the store,
// is unpadded base64url. The zero TokenID names no token: the first generation
// has it for its parent.
type TokenID [16]byte

// NewTokenID draws a random TokenID.
func NewTokenID() (id TokenID) {
	rand.Read(id[:]) // never fails
	return id
}

// ParseTokenID reads the text form, and no other spelling of it.
func ParseTokenID(text string) (TokenID, error) {
	var id TokenID
	if len(text) != base64.RawURLEncoding.EncodedLen(len(id)) {
		return TokenID{}, ErrMalformedID
	}
	if _, err := base64.RawURLEncoding.Decode(id[:], []byte(text)); err != nil || id.String() != text {
		return TokenID{}, ErrMalformedID
	}
	return id, nil
}

func (id TokenID) String() string { return base64.RawURLEncoding.EncodeToString(id[:]) }
