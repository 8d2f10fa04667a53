package login

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"
)

// ClientKey is the key for client authentication without a secret (private_key_jwt,
// OpenID Connect Core section 9).
type ClientKey struct {
	private     crypto.Signer
	public      jose.JSONWebKey
	certificate string // the certificate's SHA-256 thumbprint (x5t#S256), or empty
}

// assertionLife is the lifetime of a client assertion, in seconds.
const assertionLife = 60

// minRSABits is the minimum size of an RSA key (RFC 7518 section 3.3).
const minRSABits = 2048

// ParseClientKey parses a private key in PEM format and optionally its certificate,
// which may be among those of its authorities. Some providers, such as Entra, identify a
// key by its certificate.
func ParseClientKey(text []byte) (*ClientKey, error) {
	var k ClientKey
	var certificates []*x509.Certificate
	text = bytes.TrimPrefix(text, []byte(byteOrderMark))
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		var err error
		switch {
		case block.Type == "CERTIFICATE":
			var certificate *x509.Certificate
			certificate, err = x509.ParseCertificate(block.Bytes)
			certificates = append(certificates, certificate)
		case block.Type != "PUBLIC KEY" && block.Type != "EC PARAMETERS" && k.private == nil:
			k.private, err = parsePrivateKey(block)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", block.Type, err)
		}
	}
	if k.private == nil {
		return nil, errors.New("there is no private key in PEM format (-----BEGIN PRIVATE KEY-----)")
	}
	return k.describe(certificates)
}

func parsePrivateKey(block *pem.Block) (crypto.Signer, error) {
	var key any
	var err error
	switch encrypted := block.Headers["DEK-Info"] != ""; { // RFC 1421 section 4.6.1.3
	case block.Type == "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case block.Type == "EC PRIVATE KEY" && !encrypted:
		key, err = x509.ParseECPrivateKey(block.Bytes)
	case block.Type == "RSA PRIVATE KEY" && !encrypted:
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	default:
		return nil, errors.New("the key must be unencrypted, in PKCS #8, SEC 1 or PKCS #1 format")
	}
	if err != nil {
		return nil, err
	}
	switch key := key.(type) {
	case ed25519.PrivateKey:
		return key, nil
	case *ecdsa.PrivateKey:
		if key.Curve != elliptic.P224() {
			return key, nil
		}
	case *rsa.PrivateKey:
		if key.N.BitLen() >= minRSABits {
			return key, nil
		}
	}
	return nil, errors.New("the key must be EC P-256, P-384 or P-521, Ed25519, or RSA with at least 2048 bits")
}

func (k *ClientKey) isP256() bool {
	if k == nil {
		return false
	}
	key, ec := k.private.(*ecdsa.PrivateKey)
	return ec && key.Curve == elliptic.P256()
}

// describe sets the public key and its certificate. Its id is its thumbprint (RFC 7638).
func (k ClientKey) describe(certificates []*x509.Certificate) (*ClientKey, error) {
	k.public = jose.JSONWebKey{Key: k.private.Public(), Use: "sig"}
	thumbprint, err := k.public.Thumbprint(crypto.SHA256)
	if err != nil {
		return nil, err
	}
	k.public.KeyID = base64.RawURLEncoding.EncodeToString(thumbprint)
	if len(certificates) == 0 {
		return &k, nil
	}
	public, ok := k.private.Public().(interface{ Equal(crypto.PublicKey) bool })
	own := slices.IndexFunc(certificates, func(c *x509.Certificate) bool { return ok && public.Equal(c.PublicKey) })
	if own < 0 {
		return nil, errors.New("the certificate does not match the key")
	}
	certificate := certificates[own]
	sum := sha256.Sum256(certificate.Raw)
	k.certificate = base64.RawURLEncoding.EncodeToString(sum[:])
	k.public.Certificates, k.public.CertificateThumbprintSHA256 = []*x509.Certificate{certificate}, sum[:]
	return &k, nil
}

// Set returns the public key set for providers.
func (k *ClientKey) Set() json.RawMessage {
	text, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{k.public}})
	if err != nil {
		panic(err) // cannot happen for a parsed key
	}
	return text
}

// method returns the signing algorithm, among those that the provider lists. P-256 and
// RSA keys are used at a provider that lists none; without a list, an RSA key signs by
// RS256, or by PS256 if it has a certificate, as Entra requires. Other keys need an
// entry in the list.
func (k *ClientKey) method(listed []string) (jwt.SigningMethod, error) {
	switch key := k.private.(type) {
	case ed25519.PrivateKey:
		if slices.Contains(listed, "Ed25519") && !slices.Contains(listed, "EdDSA") { // RFC 9864
			return ed25519Method{jwt.SigningMethodEdDSA}, nil
		}
		return listedMethod("Ed25519", jwt.SigningMethodEdDSA, listed)
	case *ecdsa.PrivateKey:
		switch key.Curve {
		case elliptic.P384():
			return listedMethod("P-384", jwt.SigningMethodES384, listed)
		case elliptic.P521():
			return listedMethod("P-521", jwt.SigningMethodES512, listed)
		}
		return jwt.SigningMethodES256, nil
	}
	known := []jwt.SigningMethod{
		jwt.SigningMethodRS256, jwt.SigningMethodPS256, jwt.SigningMethodRS384, jwt.SigningMethodPS384, jwt.SigningMethodRS512, jwt.SigningMethodPS512,
	}
	if k.certificate != "" && (len(listed) == 0 || slices.Contains(listed, "PS256")) {
		return jwt.SigningMethodPS256, nil
	}
	at := slices.IndexFunc(known, func(m jwt.SigningMethod) bool { return slices.Contains(listed, m.Alg()) })
	return known[max(at, 0)], nil
}

// listedMethod returns a method that not every provider supports.
func listedMethod(key string, m jwt.SigningMethod, listed []string) (jwt.SigningMethod, error) {
	switch {
	case slices.Contains(listed, m.Alg()):
		return m, nil
	case len(listed) == 0:
		return nil, fmt.Errorf("the client key is %s and signs by %s, but its metadata do not say by which algorithms clients may sign (token_endpoint_auth_signing_alg_values_supported)", key, m.Alg())
	}
	return nil, fmt.Errorf("the client key is %s and signs by %s, but it takes only %.200s", key, m.Alg(), strings.Join(listed, ", "))
}

// ed25519Method is EdDSA under its name of RFC 9864.
type ed25519Method struct{ *jwt.SigningMethodEd25519 }

// Alg implements jwt.SigningMethod.
func (ed25519Method) Alg() string { return "Ed25519" }

// assertion returns a client assertion for one request (RFC 7523 section 3).
func (k *ClientKey) assertion(clientID, issuer string, algorithms []string, now int64) (string, error) {
	method, err := k.method(algorithms)
	if err != nil {
		return "", err
	}
	token := jwt.NewWithClaims(method, jwt.MapClaims{
		"iss": clientID, "sub": clientID, "aud": issuer, "jti": rand.Text(),
		"iat": now, "nbf": now, "exp": now + assertionLife,
	})
	token.Header["kid"] = k.public.KeyID
	if k.certificate != "" {
		token.Header["x5t#S256"] = k.certificate
	}
	return token.SignedString(k.private)
}
