// Package jws reads the signed texts that access tokens and DPoP proofs are: the
// compact serialization of a JWS (RFC 7515 section 7.1), so that no two parsers could
// understand one differently, and verified by an algorithm that its header does not
// choose.
package jws

import (
	"crypto"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/golang-jwt/jwt/v5"

	"github.com/tabard-auth/tabard/backend/strictjson"
)

// Message is a JWS that was read and not yet verified.
type Message struct {
	Header  strictjson.Object
	Payload []byte
	Claims  strictjson.Object // the payload, where it is a JSON object

	signed    string // what the signature is over
	signature []byte
}

// Parse reads a JWS of up to most bytes. It refuses what is not strict base64url, a
// header that is no JSON object, a header or payload with a member named twice, and
// every crit: no extension is understood (RFC 7515 section 4.1.11).
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
	if m.Header.Value("crit") != nil {
		return nil, errors.New("the header has crit, which is not supported")
	}
	return m, nil
}

// decode is strict base64url without padding; encoding/base64 passes over line breaks.
func decode(part string) ([]byte, error) {
	if strings.ContainsAny(part, "\r\n") {
		return nil, errors.New("a part has a line break")
	}
	return base64.RawURLEncoding.Strict().DecodeString(part)
}

// Algorithm is what the header says. Nothing is decided by it but that it is refused
// where it differs from the key's (RFC 8725 section 3.1).
func (m *Message) Algorithm() string { return m.Header.Text("alg") }

// Verify checks the signature by a key and by the algorithm that goes with it, which
// is one that is Supported.
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

// Supported tells whether an algorithm is one of those that access tokens are signed
// with: ES256, EdDSA and RS256. What has no public key never is, nor is RSASSA-PSS,
// whose salt the library lets a signer choose (RFC 7518 section 3.5 does not).
func Supported(algorithm string) bool {
	return algorithm == "ES256" || algorithm == "EdDSA" || algorithm == "RS256"
}
