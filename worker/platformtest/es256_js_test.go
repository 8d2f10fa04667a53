package platformtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"github.com/tabard-auth/tabard/worker/webcrypto"
)

func TestSignaturesByWebCryptoAreGos(t *testing.T) {
	webcrypto.Register()
	platform, own := jwt.GetSigningMethod("ES256"), jwt.SigningMethodES256
	if platform == jwt.SigningMethod(own) {
		t.Fatal("ES256 is still Go's own")
	}
	key, other := newKey(t), newKey(t)
	for name, methods := range map[string][2]jwt.SigningMethod{
		"WebCrypto signs, Go verifies": {platform, own}, "Go signs, WebCrypto verifies": {own, platform},
	} {
		t.Run(name, func(t *testing.T) {
			signature, err := methods[0].Sign("text", key)
			if err != nil {
				t.Fatal(err)
			}
			if err := methods[1].Verify("text", signature, &key.PublicKey); err != nil {
				t.Error(err)
			}
			if methods[1].Verify("another", signature, &key.PublicKey) == nil {
				t.Error("another text was accepted")
			}
			if methods[1].Verify("text", signature, &other.PublicKey) == nil {
				t.Error("another key was accepted")
			}
			if methods[1].Verify("text", signature[1:], &key.PublicKey) == nil {
				t.Error("a shorter signature was accepted")
			}
		})
	}
	if _, err := platform.Sign("text", []byte("secret")); err == nil {
		t.Error("a key of another type signs")
	}
	if platform.Verify("text", nil, []byte("secret")) == nil {
		t.Error("a key of another type verifies")
	}
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}
