package cli

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"
)

// clientKeyFile is a file with a key by which a client authenticates.
func clientKeyFile(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	text, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "client.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: text}), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestAClientKeyTakesThePlaceOfASecret.
func TestAClientKeyTakesThePlaceOfASecret(t *testing.T) {
	args, _ := given("oidc-client-secret", "")
	if wrong := checked(t, append(args, "--oidc-client-key-file", clientKeyFile(t)), nil); wrong != nil {
		t.Error(wrong)
	}
}
