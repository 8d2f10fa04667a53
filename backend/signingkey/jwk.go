package signingkey

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"math/big"
)

// JWK is the published form of a public signing key (RFC 7517). It always names its
// algorithm, so that a verifier never has to take it from a token.
type JWK struct {
	KeyType   string `json:"kty"`
	Use       string `json:"use"`
	Algorithm string `json:"alg"`
	ID        string `json:"kid"`
	Curve     string `json:"crv,omitempty"`
	X         string `json:"x,omitempty"`
	Y         string `json:"y,omitempty"`
	N         string `json:"n,omitempty"`
	E         string `json:"e,omitempty"`
}

// Set is a published key set (RFC 7517 section 5).
type Set struct {
	Keys []JWK `json:"keys"`
}

// Publish returns the public parts of keys.
func Publish(keys []Key) (Set, error) {
	set := Set{Keys: make([]JWK, len(keys))}
	for i, k := range keys {
		jwk, err := k.public()
		if err != nil {
			return Set{}, err
		}
		set.Keys[i] = jwk
	}
	return set, nil
}

func (k Key) public() (JWK, error) {
	jwk := JWK{Use: "sig", Algorithm: string(k.Algorithm), ID: k.ID}
	switch public := k.Private.Public().(type) {
	case *ecdsa.PublicKey:
		point, err := public.Bytes() // 4 | x | y
		if err != nil {
			return JWK{}, fmt.Errorf("keys: %w", err)
		}
		half := len(point) / 2
		jwk.KeyType, jwk.Curve = "EC", public.Curve.Params().Name
		jwk.X, jwk.Y = encode(point[1:1+half]), encode(point[1+half:])
	case ed25519.PublicKey:
		jwk.KeyType, jwk.Curve, jwk.X = "OKP", "Ed25519", encode(public)
	case *rsa.PublicKey:
		jwk.KeyType = "RSA"
		jwk.N, jwk.E = encode(public.N.Bytes()), encode(big.NewInt(int64(public.E)).Bytes())
	default:
		return JWK{}, fmt.Errorf("keys: a %T cannot be published", public)
	}
	return jwk, nil
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
