package httpbrowser

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"sync"
	"testing"
	"time"
)

// Device is a device key as the browser module keeps one, with the nonce that the
// backend gave it last. It signs any header and claims.
type Device struct {
	key *ecdsa.PrivateKey

	mu    sync.Mutex
	nonce string
}

// NewDevice returns a device with a key of its own.
func NewDevice(t testing.TB) *Device {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &Device{key: key}
}

// On returns the same tab on a device: it proves the key with every Post and Get,
// and when SignIn or Begin begins.
func (b *Browser) On(d *Device) *Browser {
	other := *b
	other.device = d
	return &other
}

// Device returns the tab's device, or nil.
func (b *Browser) Device() *Device { return b.device }

// JWK returns the public key (RFC 7517).
func (d *Device) JWK() map[string]any {
	point, err := d.key.PublicKey.Bytes() // 4 | x | y
	if err != nil {
		panic(err) // a P-256 key always encodes
	}
	return map[string]any{"kty": "EC", "crv": "P-256", "x": encode(point[1:33]), "y": encode(point[33:])}
}

// Thumbprint returns the key's thumbprint (RFC 7638).
func (d *Device) Thumbprint() string {
	return hash(string(marshal(d.JWK()))) // maps are written in the order of their keys
}

// Proof returns a valid proof for a request at a time, and for an access token if one
// is given.
func (d *Device) Proof(t testing.TB, method, address string, at time.Time, token ...string) string {
	t.Helper()
	claims := map[string]any{"jti": rand.Text(), "htm": method, "htu": address, "iat": at.Unix()}
	for _, raw := range token {
		claims["ath"] = hash(raw)
	}
	if nonce := d.lastNonce(); nonce != "" {
		claims["nonce"] = nonce
	}
	return d.Sign(t, nil, claims)
}

// Sign signs claims (RFC 7515). Members of header replace those of a valid proof; nil
// removes one.
func (d *Device) Sign(t testing.TB, header, claims map[string]any) string {
	t.Helper()
	full := map[string]any{"typ": "dpop+jwt", "alg": "ES256", "jwk": d.JWK()}
	maps.Copy(full, header)
	maps.DeleteFunc(full, func(_ string, value any) bool { return value == nil })
	return d.SignText(t, string(marshal(full)), string(marshal(claims)))
}

// SignText signs a header and claims as they are written.
func (d *Device) SignText(t testing.TB, header, claims string) string {
	t.Helper()
	text := encode([]byte(header)) + "." + encode([]byte(claims))
	sum := sha256.Sum256([]byte(text))
	r, s, err := ecdsa.Sign(rand.Reader, d.key, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return text + "." + encode(signature)
}

func (d *Device) learn(nonce string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if nonce != "" {
		d.nonce = nonce
	}
}

func (d *Device) lastNonce() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.nonce
}

func marshal(value any) []byte {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // the tests' own values always encode
	}
	return text
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return encode(sum[:])
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
