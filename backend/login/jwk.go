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

// The lengths of an RSA modulus, in bits: the least that crypto/rsa accepts, and the most
// that can be checked at every sign-in.
const (
	minModulus = 1024
	maxModulus = 16384
)

// maxExponent is the largest RSA exponent that crypto/rsa accepts.
const maxExponent = 1<<31 - 1

// ed25519Bytes is the length of an Ed25519 public key (RFC 8032 section 5.1.5).
const ed25519Bytes = 32

// jwk is a key of a key set, reduced to the members that are needed. text is what key was
// read from, so that nothing that reads it again refuses it.
type jwk struct {
	public publicJWK
	key    jose.JSONWebKey
	text   json.RawMessage
}

// readJWK reads a key of a key set.
func readJWK(raw json.RawMessage) (k jwk, err error) {
	if err := strictjson.DecodeKnown(raw, &k.public); err != nil {
		return k, err
	}
	if err := k.public.check(); err != nil {
		return k, err
	}
	if size, known := coordinates[k.public.Curve]; known && k.public.Kind == "EC" {
		k.public.X, k.public.Y = k.public.X.sized(size), k.public.Y.sized(size)
	}
	if k.text, err = json.Marshal(k.public); err != nil {
		return k, err
	}
	return k, json.Unmarshal(k.text, &k.key)
}

// check refuses a key that verifies nothing, of which go-jose reads some.
func (k publicJWK) check() error {
	switch {
	case k.Kind == "":
		return errors.New("kty is missing")
	case bool(k.D || k.K):
		return errors.New("it publishes a private or symmetric key, by which anybody can sign: withdraw it")
	case k.Kind == "OKP" && k.Curve == "Ed25519" && len(k.X) != ed25519Bytes:
		return fmt.Errorf("x has %d bytes, not %d", len(k.X), ed25519Bytes)
	case k.Kind != "RSA":
		return nil
	}
	n, e := new(big.Int).SetBytes(k.N), new(big.Int).SetBytes(k.E)
	switch {
	case n.BitLen() < minModulus, n.BitLen() > maxModulus, n.Bit(0) == 0:
		return fmt.Errorf("n has %d bits and must be an odd number of %d to %d", n.BitLen(), minModulus, maxModulus)
	case e.BitLen() < 2, e.Bit(0) == 0, e.Cmp(big.NewInt(maxExponent)) > 0:
		return fmt.Errorf("e is %.20s and must be an odd number from 3 to %d", e.String(), maxExponent)
	}
	return nil
}
