// Package tokentest makes access tokens for the tests of an API. Its issuer takes the
// backend's place: it has keys of its own, publishes them over HTTP, and signs tokens
// that the API's own verifier accepts or refuses.
package tokentest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"github.com/tabard-auth/tabard/backend/token"
)

// Audience is the audience of an issuer's tokens.
const Audience = "https://app.example.com/api"

// lifetime is how long tokens live, in seconds.
const lifetime = 300

// Issuer is an issuer of access tokens. Close ends its server.
type Issuer struct {
	// URL is the issuer, and the address of its server.
	URL string
	// Now returns the time of new tokens and proofs. It is time.Now unless replaced.
	Now func() time.Time

	server             *httptest.Server
	workspace, foreign token.SigningKey

	mu        sync.Mutex
	dedicated map[string]token.SigningKey
}

// NewIssuer starts an issuer. It panics if it cannot, as httptest.NewServer does.
func NewIssuer() *Issuer {
	i := &Issuer{Now: time.Now, workspace: newKey(), foreign: newKey(), dedicated: map[string]token.SigningKey{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/jwks.json", func(w http.ResponseWriter, _ *http.Request) { publish(w, i.workspace) })
	mux.HandleFunc("GET /o/{organization}/.well-known/jwks.json", func(w http.ResponseWriter, r *http.Request) {
		if key, found := i.own(r.PathValue("organization")); found {
			publish(w, key)
		} else {
			http.NotFound(w, r)
		}
	})
	i.server = httptest.NewServer(mux)
	i.URL = i.server.URL
	return i
}

// Close ends the issuer's server.
func (i *Issuer) Close() { i.server.Close() }

// Config returns the configuration of a verifier of the issuer's tokens, which fetches
// its keys over HTTP. It accepts tokens of organizations with their own issuer too.
func (i *Issuer) Config() token.Config {
	return token.Config{
		Issuer: i.URL, Audience: Audience, Now: func() time.Time { return i.Now() },
		Keys:          token.NewKeySet(i.URL+"/.well-known/jwks.json", nil),
		Organizations: token.NewKeySets(i.URL, nil),
	}
}

// Claims returns the claims of a valid token for an organization, by id, to be changed
// and passed to Sign. The slug is the id without "org_".
func (i *Issuer) Claims(organization string, roles ...string) token.Claims {
	now := i.Now().Unix()
	claims := token.Claims{
		Issuer: i.URL, Subject: "usr_test", Audience: []string{Audience}, IssuedAt: now, Expires: now + lifetime, AuthTime: now,
		ID: rand.Text(), ClientID: "app", SessionID: "ses_test",
		OrganizationID: organization, OrganizationSlug: strings.TrimPrefix(organization, "org_"),
		Roles: append([]string{}, roles...), Permissions: []string{},
	}
	if _, found := i.own(organization); found {
		claims.Issuer += "/o/" + organization
	}
	return claims
}

// Sign returns the token of claims, signed by the organization's own key if it has one.
func (i *Issuer) Sign(claims token.Claims) string {
	key, found := i.own(claims.OrganizationID)
	if !found {
		key = i.workspace
	}
	return sign(claims, key)
}

// Token returns a valid token for an organization. It expires after five minutes, by the
// issuer's clock. Sign with later Claims.Expires makes one for a longer test, and
// isolationtest.Tenant takes a function that renews it.
func (i *Issuer) Token(organization string, roles ...string) string {
	return i.Sign(i.Claims(organization, roles...))
}

// Expired returns a token for an organization that expired an hour ago.
func (i *Issuer) Expired(organization string, roles ...string) string {
	claims := i.Claims(organization, roles...)
	claims.IssuedAt, claims.Expires = claims.IssuedAt-3600-lifetime, claims.IssuedAt-3600
	return i.Sign(claims)
}

// Foreign returns a token that names the issuer but is signed by another key.
func (i *Issuer) Foreign(organization string, roles ...string) string {
	return sign(i.Claims(organization, roles...), i.foreign)
}

// Bound returns a token for an organization that is bound to a device's key.
func (i *Issuer) Bound(d *Device, organization string, roles ...string) string {
	claims := i.Claims(organization, roles...)
	claims.Confirmation = &token.Confirmation{JKT: d.Thumbprint()}
	return i.Sign(claims)
}

// Dedicate gives an organization a signing key and an issuer of its own, for its tokens
// from now on.
func (i *Issuer) Dedicate(organization string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.dedicated[organization] = newKey()
}

func (i *Issuer) own(organization string) (token.SigningKey, bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	key, found := i.dedicated[organization]
	return key, found
}

func newKey() token.SigningKey {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err) // the system has no random numbers
	}
	return token.SigningKey{ID: "test", Algorithm: "ES256", Private: private}
}

func sign(claims token.Claims, key token.SigningKey) string {
	raw, err := claims.Sign(key, nil)
	if err != nil {
		panic(err)
	}
	return raw
}

// publish writes a key set with a key.
func publish(w http.ResponseWriter, key token.SigningKey) {
	x, y := coordinates(key.Private.Public().(*ecdsa.PublicKey))
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]any{"keys": []any{map[string]string{
		"kty": "EC", "crv": "P-256", "alg": key.Algorithm, "use": "sig", "kid": key.ID, "x": x, "y": y,
	}}})
}

// coordinates returns the coordinates of a P-256 key in base64url.
func coordinates(key *ecdsa.PublicKey) (x, y string) {
	point, err := key.Bytes() // 4 | x | y
	if err != nil {
		panic(err) // a P-256 key always encodes
	}
	return base64.RawURLEncoding.EncodeToString(point[1:33]), base64.RawURLEncoding.EncodeToString(point[33:])
}
