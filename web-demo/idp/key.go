package idp

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"math/big"
	"net/http"

	"github.com/golang-jwt/jwt/v5"
)

// signingKey is a key with the algorithm it signs by (RFC 7518 section 3.1).
type signingKey struct {
	private crypto.Signer
	method  jwt.SigningMethod
	public  map[string]string // the JWK, RFC 7517
}

// ReplaceKey has the provider sign by a new key of an algorithm, ES256 or RS256, and publish
// no other. An empty id is the key's thumbprint.
func (p *Provider) ReplaceKey(id, algorithm string) error {
	key, err := newKey(algorithm)
	if err != nil {
		return err
	}
	key.public["use"], key.public["alg"] = "sig", algorithm
	if key.public["kid"] = id; id == "" {
		key.public["kid"] = thumbprint(key.public)
	}
	p.key.Store(key)
	return nil
}

// Key returns the provider's private key and its published JWK.
func (p *Provider) Key() (private crypto.Signer, public map[string]string) {
	key := p.key.Load()
	return key.private, maps.Clone(key.public)
}

func newKey(algorithm string) (*signingKey, error) {
	if algorithm == "RS256" {
		private, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			return nil, err
		}
		return &signingKey{private, jwt.SigningMethodRS256, map[string]string{
			"kty": "RSA", "n": encode(private.N.Bytes()), "e": encode(big.NewInt(int64(private.E)).Bytes()),
		}}, nil
	}
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	point, err := private.PublicKey.Bytes() // 0x04, 32 bytes of x, 32 of y
	if err != nil {
		return nil, err
	}
	return &signingKey{private, jwt.SigningMethodES256, map[string]string{
		"kty": "EC", "crv": "P-256", "x": encode(point[1:33]), "y": encode(point[33:]),
	}}, nil
}

// thumbprint is RFC 7638.
func thumbprint(public map[string]string) string {
	required := map[string]string{}
	for _, name := range []string{"crv", "e", "kty", "n", "x", "y"} {
		if value, ok := public[name]; ok {
			required[name] = value
		}
	}
	text, _ := json.Marshal(required) // strings always encode
	sum := sha256.Sum256(text)
	return encode(sum[:])
}

// Sign returns claims as a token of a type (typ) by the provider's key; an empty type is
// left out.
func (p *Provider) Sign(typ string, claims jwt.Claims) (string, error) {
	key := p.key.Load()
	unsigned := jwt.NewWithClaims(key.method, claims)
	unsigned.Header["kid"], unsigned.Header["typ"] = key.public["kid"], typ
	if typ == "" {
		delete(unsigned.Header, "typ")
	}
	return unsigned.SignedString(key.private)
}

// subjectOf reads an ID token, expired or not. This provider alone has the key, and
// signs only ID tokens with it, so the signature implies issuer and audience.
func (k *signingKey) subjectOf(idToken string) (string, error) {
	var claims jwt.RegisteredClaims
	parser := jwt.NewParser(jwt.WithValidMethods([]string{k.method.Alg()}), jwt.WithoutClaimsValidation())
	_, err := parser.ParseWithClaims(idToken, &claims, func(*jwt.Token) (any, error) {
		return k.private.Public(), nil
	})
	return claims.Subject, err
}

func (p *Provider) keySet(w http.ResponseWriter, _ *http.Request) {
	_, own := p.Key()
	keys := []any{own}
	if p.quirks.Keys != nil {
		keys = p.quirks.Keys(own)
	}
	writeJSON(w, http.StatusOK, map[string]any{"keys": keys})
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
