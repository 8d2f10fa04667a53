package login

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"github.com/tabard-auth/tabard/backend/strictjson"
)

// publicJWK are the members of a key that verify signatures (RFC 7518 section 6, RFC 8037
// section 2). go-jose refuses a key because of any other member that it cannot read, such
// as a certificate.
type publicJWK struct {
	Kind  text      `json:"kty"`
	ID    text      `json:"kid,omitempty"`
	Use   text      `json:"use,omitempty"`
	Curve text      `json:"crv,omitempty"`
	N     unsigned  `json:"n,omitempty"`
	E     unsigned  `json:"e,omitempty"`
	X     unsigned  `json:"x,omitempty"`
	Y     unsigned  `json:"y,omitempty"`
	D     forbidden `json:"d,omitempty"`
	K     forbidden `json:"k,omitempty"`
}

// unsigned is a base64url-encoded number, nil if it is absent or malformed. Some providers
// pad it, use the other base64 alphabet, or write a small one as a number.
type unsigned []byte

// UnmarshalJSON implements json.Unmarshaler.
func (u *unsigned) UnmarshalJSON(value []byte) error {
	var encoded text
	encoded.UnmarshalJSON(value) // never fails
	if number, ok := new(big.Int).SetString(string(value), 10); ok && number.Sign() > 0 {
		*u = number.Bytes()
	} else if raw, err := base64.RawURLEncoding.DecodeString(plainBase64.Replace(strings.TrimRight(string(encoded), "="))); err == nil {
		*u = raw
	}
	return nil
}

var plainBase64 = strings.NewReplacer("+", "-", "/", "_")

// MarshalJSON implements json.Marshaler.
func (u unsigned) MarshalJSON() ([]byte, error) {
	return json.Marshal(base64.RawURLEncoding.EncodeToString(u))
}

// sized returns the number with that many bytes.
func (u unsigned) sized(bytes int) unsigned {
	number := new(big.Int).SetBytes(u)
	if number.BitLen() > bytes*8 {
		return u
	}
	return number.FillBytes(make([]byte, bytes))
}

// forbidden reports whether a member is present.
type forbidden bool

// UnmarshalJSON implements json.Unmarshaler.
func (f *forbidden) UnmarshalJSON(value []byte) error {
	*f = string(value) != "null"
	return nil
}

// coordinates are the lengths of a point's coordinates in bytes.
var coordinates = map[text]int{"P-256": 32, "P-384": 48, "P-521": 66}

// minModulus is the least length of an RSA modulus that crypto/rsa accepts, in bits.
const minModulus = 1024

// readJWK returns a key of a key set, reduced to the members that are needed.
func readJWK(raw json.RawMessage) (public publicJWK, key jose.JSONWebKey, err error) {
	if err := strictjson.DecodeKnown(raw, &public); err != nil {
		return public, key, err
	}
	switch {
	case public.Kind == "":
		return public, key, errors.New("kty is missing")
	case bool(public.D || public.K):
		return public, key, errors.New("it publishes a private or symmetric key, by which anybody can sign: withdraw it")
	case public.Kind == "RSA" && (len(public.N)*8 < minModulus || len(public.E) == 0):
		return public, key, fmt.Errorf("n has %d bits, less than %d, or e is missing", len(public.N)*8, minModulus)
	}
	if size, known := coordinates[public.Curve]; known && public.Kind == "EC" {
		public.X, public.Y = public.X.sized(size), public.Y.sized(size)
	}
	reduced, err := json.Marshal(public)
	if err != nil {
		return public, key, err
	}
	return public, key, json.Unmarshal(reduced, &key)
}
