package webcrypto

import (
	"context"
	"crypto/ecdsa"
	"crypto/x509"
	"fmt"
	"sync"
	"syscall/js"

	"github.com/golang-jwt/jwt/v5"

	"github.com/tabard-auth/tabard/worker/edge"
)

// Register makes golang-jwt sign and verify ES256 (RFC 7518 section 3.4) by
// WebCrypto. Keys and signatures are the same as without.
func Register() {
	method := &es256{subtle: js.Global().Get("crypto").Get("subtle")}
	jwt.RegisterSigningMethod(jwt.SigningMethodES256.Alg(), func() jwt.SigningMethod { return method })
}

// es256 implements jwt.SigningMethod.
type es256 struct {
	subtle js.Value
	keys   sync.Map // private keys → as WebCrypto holds them
}

var (
	p256   = map[string]any{"name": "ECDSA", "namedCurve": "P-256"}
	sha256 = map[string]any{"name": "ECDSA", "hash": "SHA-256"}
)

func (*es256) Alg() string { return jwt.SigningMethodES256.Alg() }

// Sign returns the signature of text. Its form is the same in JWS and in WebCrypto: r
// and s, 32 bytes each.
func (m *es256) Sign(text string, key any) ([]byte, error) {
	private, ok := key.(*ecdsa.PrivateKey)
	if !ok {
		return nil, jwt.ErrInvalidKeyType
	}
	imported, err := m.private(private)
	if err != nil {
		return nil, fmt.Errorf("webcrypto: %w", err)
	}
	buffer, err := edge.Await(context.Background(), m.subtle.Call("sign", sha256, imported, edge.Uint8Array([]byte(text))))
	if err != nil {
		return nil, fmt.Errorf("webcrypto: %w", err)
	}
	return edge.Bytes(buffer), nil
}

func (m *es256) private(key *ecdsa.PrivateKey) (js.Value, error) {
	if imported, ok := m.keys.Load(key); ok {
		return imported.(js.Value), nil
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return js.Value{}, err
	}
	imported, err := edge.Await(context.Background(),
		m.subtle.Call("importKey", "pkcs8", edge.Uint8Array(der), p256, false, []any{"sign"}))
	if err == nil {
		m.keys.Store(key, imported)
	}
	return imported, err
}

// Verify returns nil for a signature of text by the key.
func (m *es256) Verify(text string, signature []byte, key any) error {
	public, ok := key.(*ecdsa.PublicKey)
	if !ok {
		return jwt.ErrInvalidKeyType
	}
	point, err := public.Bytes()
	if err != nil {
		return fmt.Errorf("webcrypto: %w", err)
	}
	imported, err := edge.Await(context.Background(),
		m.subtle.Call("importKey", "raw", edge.Uint8Array(point), p256, false, []any{"verify"}))
	if err != nil {
		return fmt.Errorf("webcrypto: %w", err)
	}
	valid, err := edge.Await(context.Background(), m.subtle.Call("verify", sha256, imported,
		edge.Uint8Array(signature), edge.Uint8Array([]byte(text))))
	if err != nil {
		return fmt.Errorf("webcrypto: %w", err)
	}
	if !valid.Bool() {
		return jwt.ErrECDSAVerification
	}
	return nil
}
