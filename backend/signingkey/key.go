package signingkey

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base32"
	"errors"
	"fmt"
	"strings"
)

// Algorithm is a JWS signature algorithm (RFC 7518 section 3.1, RFC 8037).
type Algorithm string

// The algorithms that access tokens can be signed with.
const (
	ES256 Algorithm = "ES256"
	EdDSA Algorithm = "EdDSA"
	RS256 Algorithm = "RS256"
)

// ParseAlgorithm returns the algorithm with a name.
func ParseAlgorithm(name string) (Algorithm, error) {
	switch a := Algorithm(name); a {
	case ES256, EdDSA, RS256:
		return a, nil
	}
	return "", fmt.Errorf("%q is not a signing algorithm: use ES256, EdDSA or RS256", name)
}

// Key is an opened signing key, ready to sign.
type Key struct {
	Stored
	Private crypto.Signer
}

// context returns the context that a stored key is sealed for: its own row, so that
// write access to the database is not enough to pass one issuer's key off as another's.
// No key's id contains a slash.
func (k Stored) context() string {
	if k.Organization == "" {
		return k.ID
	}
	return k.Organization + "/" + k.ID
}

// open returns a stored key with its private part.
func (k Stored) open(s Sealer) (Key, error) {
	if strings.Contains(k.ID, "/") {
		return Key{}, fmt.Errorf("keys: key %s: %w", k.ID, ErrSealed)
	}
	der, err := s.Open(k.Sealed, k.context())
	if err != nil {
		return Key{}, fmt.Errorf("keys: key %s: %w; the secret that it was sealed under is missing", k.ID, err)
	}
	private, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return Key{}, fmt.Errorf("keys: key %s: %w", k.ID, err)
	}
	signer, ok := private.(crypto.Signer)
	if !ok || !k.Algorithm.fits(signer) {
		return Key{}, fmt.Errorf("keys: key %s: %w", k.ID, errors.New("it is of another algorithm"))
	}
	return Key{Stored: k, Private: signer}, nil
}

// fits reports whether a key is of the algorithm's kind.
func (a Algorithm) fits(key crypto.Signer) bool {
	switch key.(type) {
	case *ecdsa.PrivateKey:
		return a == ES256
	case ed25519.PrivateKey:
		return a == EdDSA
	case *rsa.PrivateKey:
		return a == RS256
	}
	return false
}

// newKey makes a key: its id, its algorithm and its private part, which the caller
// seals.
func newKey(a Algorithm) (k Stored, private []byte, err error) {
	signer, err := generate(a)
	if err == nil {
		private, err = x509.MarshalPKCS8PrivateKey(signer)
	}
	if err != nil {
		return Stored{}, nil, fmt.Errorf("keys: %w", err)
	}
	return Stored{ID: newID(), Algorithm: a}, private, nil
}

func generate(a Algorithm) (crypto.Signer, error) {
	switch a {
	case EdDSA:
		_, private, err := ed25519.GenerateKey(rand.Reader)
		return private, err
	case RS256:
		return rsa.GenerateKey(rand.Reader, 2048)
	default:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
}

func newID() string {
	id := make([]byte, 10)
	rand.Read(id)
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(id))
}
