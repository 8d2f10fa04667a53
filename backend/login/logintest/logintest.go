// Package logintest is an OpenID provider for tests of signing in, which tells the
// truth until it is told what to lie about: one claim, one answer, one signature at
// a time.
//
// It is none for people: the development provider (web-demo/idp) is.
package logintest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// The one client of the provider.
const (
	ClientID     = "tabard"
	ClientSecret = "the client's secret"
)

// Provider is an OpenID provider. Its lies may be set at any time between requests.
type Provider struct {
	Issuer string
	// Now tells the provider's time.
	Now func() time.Time
	// People have their claims by sub, beside sub itself.
	People map[string]map[string]any

	// Metadata lies about the provider's metadata.
	Metadata func(map[string]any)
	// Answer lies in the authorization response.
	Answer func(url.Values)
	// Claims lies in the identity token, and Sign signs it otherwise.
	Claims func(map[string]any)
	Sign   func(*Provider, jwt.MapClaims) string
	// UserInfo lies at the userinfo endpoint.
	UserInfo func(map[string]any)
	// Endpoints answer in place of the provider's own, by path.
	Endpoints map[string]http.HandlerFunc

	t    testing.TB
	key  *ecdsa.PrivateKey
	kid  string
	mu   sync.Mutex
	code map[string]grant
	// Redeemed are the forms that the token endpoint was sent.
	Redeemed []url.Values
}

// grant is what a code stands for.
type grant struct {
	person string
	asked  url.Values
}

// New returns a provider that signs anybody in.
func New(t testing.TB, issuer string) *Provider {
	t.Helper()
	p := &Provider{Issuer: issuer, Now: time.Now, t: t, code: map[string]grant{}}
	p.TakeKey("1")
	return p
}

// TakeKey has the provider sign by a new key, of that id, and publish no other.
func (p *Provider) TakeKey(id string) {
	p.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		p.t.Fatal(err)
	}
	p.key, p.kid = key, id
}

// ServeHTTP implements http.Handler.
func (p *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if lie, ok := p.Endpoints[r.URL.Path]; ok {
		lie(w, r)
		return
	}
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		p.metadata(w)
	case "/jwks.json":
		p.keySet(w)
	case "/authorize":
		p.authorize(w, r)
	case "/sign-in":
		http.Redirect(w, r, p.consent(r.FormValue("request"), r.FormValue("person")), http.StatusSeeOther)
	case "/token":
		p.token(w, r)
	case "/userinfo":
		p.userInfo(w, r)
	default:
		http.NotFound(w, r)
	}
}

func (p *Provider) metadata(w http.ResponseWriter) {
	m := map[string]any{
		"issuer":                                p.Issuer,
		"authorization_endpoint":                p.Issuer + "/authorize",
		"token_endpoint":                        p.Issuer + "/token",
		"userinfo_endpoint":                     p.Issuer + "/userinfo",
		"end_session_endpoint":                  p.Issuer + "/end-session?from=tests",
		"jwks_uri":                              p.Issuer + "/jwks.json",
		"response_types_supported":              []string{"code"},
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": []string{"ES256", "HS256", "none"},

		"authorization_response_iss_parameter_supported": true,
	}
	if p.Metadata != nil {
		p.Metadata(m)
	}
	p.json(w, m)
}

func (p *Provider) keySet(w http.ResponseWriter) {
	point, err := p.key.PublicKey.Bytes() // 4, x, y
	if err != nil {
		p.t.Error(err)
	}
	p.json(w, map[string]any{"keys": []map[string]string{{
		"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": p.kid,
		"x": base64.RawURLEncoding.EncodeToString(point[1:33]), "y": base64.RawURLEncoding.EncodeToString(point[33:]),
	}}})
}

func (p *Provider) json(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(body); err != nil {
		p.t.Error(err)
	}
}
