package backendtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"testing"

	"github.com/tabard-auth/tabard/backend/login"
)

// NewClientKey makes a key by which a backend authenticates to its provider.
func NewClientKey(t testing.TB, curve elliptic.Curve) *login.ClientKey {
	t.Helper()
	private, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	text, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	key, err := login.ParseClientKey(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: text}))
	if err != nil {
		t.Fatal(err)
	}
	return key
}
