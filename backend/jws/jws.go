// Package jws reads the compact serialization of a JWS (RFC 7515 section 7.1), the form
// of access tokens and DPoP proofs. It accepts only texts that all parsers read alike.
// The header does not choose the algorithm of verification.
package jws

import (
	"crypto"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/golang-jwt/jwt/v5"

	"github.com/tabard-auth/tabard/backend/strictjson"
)

// Message is a parsed JWS whose signature is not verified yet.
type Message struct {
	Header  strictjson.Object
	Payload []byte
	Claims  strictjson.Object // the payload, if it is a JSON object

	signed    string // the signed text
	signature []byte
}

// Parse reads a JWS of up to most bytes. It refuses a text that is not strict
// base64url, a header that is not a JSON object, JSON that is not UTF-8, a repeated
// member in header or payload, and any crit: no extension is supported (RFC 7515 section 4.1.11).
func Parse(raw string, most int) (*Message, error) {
	if len(raw) > most || strings.Count(raw, ".") != 2 {
		return nil, fmt.Errorf("it is not a JWS of up to %d bytes", most)
	}
	var parts [3][]byte
	for i, part := range strings.Split(raw, ".") {
		text, err := decode(part)
		if err != nil {
			return nil, err
		}
		parts[i] = text
	}
	m := &Message{Payload: parts[1], signed: raw[:strings.LastIndexByte(raw, '.')], signature: parts[2]}
	var err error
	if m.Header, err = strictjson.ReadObject(parts[0]); err != nil {
		return nil, fmt.Errorf("the header: %w", err)
	}
	if m.Claims, err = strictjson.ReadObject(parts[1]); err != nil && !errors.Is(err, strictjson.ErrNoObject) {
		return nil, fmt.Errorf("the payload: %w", err)
	}
	if !utf8.Valid(parts[0]) || m.Claims != nil && !utf8.Valid(parts[1]) {
		return nil, errors.New("it is not UTF-8")
	}
	if m.Header.Value("crit") != nil {
		return nil, errors.New("the header has crit, which is not supported")
	}
	return m, nil
}

// decode reads strict base64url without padding. encoding/base64 alone ignores line
// breaks.
func decode(part string) ([]byte, error) {
	if strings.ContainsAny(part, "\r\n") {
		return nil, errors.New("a part has a line break")
	}
	return base64.RawURLEncoding.Strict().DecodeString(part)
}

// Algorithm returns the header's alg. It decides nothing, except that a message is
// refused if it differs from the key's (RFC 8725 section 3.1).
func (m *Message) Algorithm() string { return m.Header.Text("alg") }

// Verify checks the signature with a key and the key's algorithm, which must be
// Supported.
func (m *Message) Verify(algorithm string, key crypto.PublicKey) error {
	method := jwt.GetSigningMethod(algorithm)
	switch {
	case method == nil || !Supported(algorithm):
		return fmt.Errorf("algorithm %q is not supported", algorithm)
	case m.Algorithm() != algorithm:
		return fmt.Errorf("alg is %q, the key's is %s", m.Algorithm(), algorithm)
	}
	return method.Verify(m.signed, m.signature, key)
}

// Supported reports whether an algorithm may sign access tokens: ES256, EdDSA or RS256.
// Symmetric algorithms are not supported. RSASSA-PSS is not, because the library lets a
// signer choose the length of the salt, which RFC 7518 section 3.5 fixes.
func Supported(algorithm string) bool {
	return algorithm == "ES256" || algorithm == "EdDSA" || algorithm == "RS256"
}
