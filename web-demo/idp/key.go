package idp

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"

	"github.com/golang-jwt/jwt/v5"
)

type signingKey struct {
	private *ecdsa.PrivateKey
	public  map[string]string // the JWK, RFC 7517
}

func newSigningKey() (*signingKey, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	point, err := private.PublicKey.Bytes() // 0x04, 32 bytes of x, 32 of y
	if err != nil {
		return nil, err
	}
	x, y := encode(point[1:33]), encode(point[33:])
	thumbprint := sha256.Sum256([]byte(`{"crv":"P-256","kty":"EC","x":"` + x + `","y":"` + y + `"}`)) // RFC 7638
	return &signingKey{private, map[string]string{
		"kty": "EC", "crv": "P-256", "x": x, "y": y,
		"use": "sig", "alg": "ES256", "kid": encode(thumbprint[:]),
	}}, nil
}

func (k *signingKey) sign(claims jwt.Claims) (string, error) {
	unsigned := jwt.NewWithClaims(jwt.SigningMethodES256, claims)
	unsigned.Header["kid"] = k.public["kid"]
	return unsigned.SignedString(k.private)
}

// subjectOf reads an ID token, expired or not. The key signs nothing else and is
// nobody else's, so its signature tells issuer and audience too.
func (k *signingKey) subjectOf(idToken string) (string, error) {
	var claims jwt.RegisteredClaims
	parser := jwt.NewParser(jwt.WithValidMethods([]string{"ES256"}), jwt.WithoutClaimsValidation())
	_, err := parser.ParseWithClaims(idToken, &claims, func(*jwt.Token) (any, error) {
		return &k.private.PublicKey, nil
	})
	return claims.Subject, err
}

func (p *provider) keySet(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]any{"keys": []any{p.key.public}})
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
