package session

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"errors"
	"strings"
)

// ID names a session. Its text form (in the claim sid, the store, the contract) is ses_
// and lower-case unpadded base32. It is public: knowing it gives no access.
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

// ParseID reads the text form and accepts no other spelling of it.
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

func (id ID) String() string {
	text := append(make([]byte, 0, 32), idPrefix...)
	return string(idEncoding.AppendEncode(text, id[:]))
}

// TokenID names one refresh token of a session. Its text form, in the store, is
// unpadded base64url. The zero TokenID names no token: it is the parent of the first
// generation.
type TokenID [16]byte

// NewTokenID draws a random TokenID.
func NewTokenID() (id TokenID) {
	rand.Read(id[:]) // never fails
	return id
}

// ParseTokenID reads the text form and accepts no other spelling of it.
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
