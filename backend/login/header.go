package login

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// usedHeader are the members of a token's header that are used. go-jose refuses a token
// because of any other that it cannot read, such as a certificate or a kid that is a number.
type usedHeader struct {
	Algorithm text            `json:"alg,omitempty"`
	ID        text            `json:"kid,omitempty"`
	Type      text            `json:"typ,omitempty"`
	Critical  json.RawMessage `json:"crit,omitempty"` // must be understood (RFC 7515 section 4.1.11)
	Encoded   json.RawMessage `json:"b64,omitempty"`
}

// withUsedHeader returns a token with the used members of its header. Its signature is not
// good then: the token has to be verified by verifyOriginal. It reports false for a token
// that go-jose refuses with good reason.
func withUsedHeader(raw string) (string, bool) {
	var header usedHeader
	if decodeHeader(raw, &header) != nil || header.Critical != nil || header.Encoded != nil {
		return "", false
	}
	_, rest, _ := strings.Cut(raw, ".")
	return base64.RawURLEncoding.EncodeToString(encode(header)) + "." + rest, true
}

// verifyOriginal verifies a token of which raw is the one with the used header.
func (k remoteKeys) verifyOriginal(ctx context.Context, raw, original string) ([]byte, error) {
	if payload, err := k.read.Load().verify(original); err == nil {
		return payload, nil
	}
	if err := k.checkNamed(raw); err != nil {
		return nil, err
	}
	began := time.Now()
	_, err := k.KeySet.VerifySignature(ctx, raw) // fetches the keys
	if err != nil && err.Error() != errUnknownKey.Error() {
		return nil, err
	}
	payload, err := k.read.Load().verify(original)
	if err != nil && k.unread(raw, began) {
		return nil, ErrKeysPaused
	}
	return payload, err
}

// verify returns the payload of a token that one of the keys verifies. go-oidc has checked
// the algorithm.
func (s *KeySet) verify(token string) ([]byte, error) {
	var header usedHeader
	if err := decodeHeader(token, &header); err != nil || s == nil {
		return nil, errUnknownKey
	}
	method := jwt.GetSigningMethod(string(header.Algorithm))
	at := strings.LastIndexByte(token, '.')
	signature, err := base64.RawURLEncoding.DecodeString(token[at+1:])
	if method == nil || err != nil {
		return nil, errUnknownKey
	}
	for _, key := range s.parsed {
		fits := header.ID == "" || key.KeyID == "" || key.KeyID == string(header.ID)
		if fits && method.Verify(token[:at], signature, key.Key) == nil {
			_, payload, _ := strings.Cut(token[:at], ".")
			return base64.RawURLEncoding.DecodeString(payload)
		}
	}
	return nil, errUnknownKey
}
