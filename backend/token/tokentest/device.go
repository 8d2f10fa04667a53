package tokentest

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Device is the key of a browser, which bound tokens need (DPoP, RFC 9449).
type Device struct {
	private *ecdsa.PrivateKey
	now     func() time.Time
}

// NewDevice returns a device with a new key.
func (i *Issuer) NewDevice() *Device {
	return &Device{newKey().Private.(*ecdsa.PrivateKey), func() time.Time { return i.Now() }}
}

// Thumbprint returns the key's thumbprint (RFC 7638).
func (d *Device) Thumbprint() string {
	x, y := coordinates(&d.private.PublicKey)
	return digest(`{"crv":"P-256","kty":"EC","x":"` + x + `","y":"` + y + `"}`)
}

// Proof returns a new proof for one request with a token: its method, and its address
// as the client knows it.
func (d *Device) Proof(raw, method, address string) string {
	address, _, _ = strings.Cut(address, "#")
	address, _, _ = strings.Cut(address, "?")
	proof := jwt.NewWithClaims(jwt.SigningMethodES256, jwt.MapClaims{
		"jti": rand.Text(), "htm": method, "htu": address, "iat": d.now().Unix(), "ath": digest(raw),
	})
	x, y := coordinates(&d.private.PublicKey)
	proof.Header["typ"] = "dpop+jwt"
	proof.Header["jwk"] = map[string]string{"kty": "EC", "crv": "P-256", "x": x, "y": y}
	signed, err := proof.SignedString(d.private)
	if err != nil {
		panic(err)
	}
	return signed
}

// Authorize sets the headers of a request with a bound token and a new proof. The
// request's path is below baseURL, the guard's own.
func (d *Device) Authorize(r *http.Request, baseURL, raw string) {
	r.Header.Set("Authorization", "DPoP "+raw)
	r.Header.Set("DPoP", d.Proof(raw, r.Method, baseURL+r.URL.EscapedPath()))
}

// digest returns the base64url of the SHA-256 of a text.
func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
