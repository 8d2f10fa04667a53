package token_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
	"testing"

	"github.com/tabard-auth/tabard/backend/token"
)

// TestKeySet_KeyFitsItsAlgorithm ignores a key of another kind or curve than its
// algorithm's, and an RSA key that is too short for any (RFC 7518 section 3.3).
func TestKeySet_KeyFitsItsAlgorithm(t *testing.T) {
	encode := base64.RawURLEncoding.EncodeToString
	ec := func(curve elliptic.Curve, name string) map[string]string {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		point, err := key.PublicKey.Bytes() // 4 | x | y
		if err != nil {
			t.Fatal(err)
		}
		half := (len(point) + 1) / 2
		return map[string]string{"kty": "EC", "crv": name, "x": encode(point[1:half]), "y": encode(point[half:])}
	}
	rs := func(bits int) map[string]string {
		n := new(big.Int).Lsh(big.NewInt(1), uint(bits-1))
		key := rsa.PublicKey{N: n.Add(n, big.NewInt(1)), E: 65537}
		return map[string]string{"kty": "RSA", "n": encode(key.N.Bytes()), "e": "AQAB"}
	}
	ed, _, _ := ed25519.GenerateKey(rand.Reader)
	okp := map[string]string{"kty": "OKP", "crv": "Ed25519", "x": encode(ed)}
	var p published
	var all []map[string]string
	for kid, key := range map[string]map[string]string{
		"good ES256": ec(elliptic.P256(), "P-256"), "P-384 ES256": ec(elliptic.P384(), "P-384"), "EC EdDSA": ec(elliptic.P256(), "P-256"),
		"good EdDSA": okp, "OKP ES256": okp, "good RS256": rs(2048), "short RS256": rs(1024), "RSA ES256": rs(2048),
	} {
		published := map[string]string{"kid": kid, "alg": kid[len(kid)-5:]}
		for name, value := range key {
			published[name] = value
		}
		all = append(all, published)
	}
	text, err := json.Marshal(map[string]any{"keys": all})
	if err != nil {
		t.Fatal(err)
	}
	p.text.Store(string(text))
	set := p.set()
	for _, key := range all {
		_, err := set.PublicKey(t.Context(), key["kid"])
		if good := key["kid"][:4] == "good"; good != (err == nil) || err != nil && !errors.Is(err, token.ErrUnknownKey) {
			t.Errorf("%s: %v", key["kid"], err)
		}
	}
}
