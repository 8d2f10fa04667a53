package login_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
	"github.com/tabard-auth/tabard/web-demo/idp"
	"github.com/tabard-auth/tabard/web-demo/idp/logintest"
)

// relyingParty returns a relying party of p with another configuration than client's.
func relyingParty(p *logintest.Provider, configure func(*login.Config)) *login.Provider {
	c := login.Config{
		Issuer: issuer, ClientID: logintest.ClientID, ClientSecret: logintest.ClientSecret,
		RedirectURL: callback, Transport: httpbrowser.Hosts{"id.example": p},
	}
	configure(&c)
	return login.New(c)
}

// pemOf returns a key in PKCS #8 and PEM format.
func pemOf(t *testing.T, key any) []byte {
	t.Helper()
	text, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: text})
}

func clientKey(t *testing.T, text []byte) *login.ClientKey {
	t.Helper()
	key, err := login.ParseClientKey(text)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func ecKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func rsaKey(t *testing.T, bits int) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// TestProvider_PushesRequests checks that the parameters go directly to the provider,
// and that the browser only carries a reference.
func TestProvider_PushesRequests(t *testing.T) {
	for name, test := range map[string]struct {
		provider idp.PushedRequests
		auth     []string
		setting  bool
		pushed   bool
	}{
		"demanded by the metadata":        {idp.PushRequired, nil, false, true},
		"offered":                         {idp.PushAllowed, nil, false, false},
		"offered, and switched on":        {idp.PushAllowed, nil, true, true},
		"demanded, with the secret in it": {idp.PushRequired, []string{"client_secret_post"}, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			p := provider(t)
			p.PushedRequests, p.ClientAuth = test.provider, test.auth
			c := relyingParty(p, func(c *login.Config) { c.PushRequests = test.setting })
			attempt := login.NewAttempt("web", "https://app.example/", now)
			address, err := c.AuthorizationURL(t.Context(), attempt, login.Request{LoginHint: "alice@example.com"})
			if err != nil {
				t.Fatal(err)
			}
			u, _ := url.Parse(address)
			if got := !u.Query().Has("state"); got != test.pushed || u.Query().Has("client_secret") || u.Query().Get("client_id") == "" {
				t.Errorf("the browser brings %s", address)
			}
			got, err := c.Identify(t.Context(), attempt, p.SignIn(address, "alice"), now)
			if err != nil || got.Subject != "alice" {
				t.Errorf("%v, %v", got.Subject, err)
			}
		})
	}
}

// TestProvider_PrivateKeyJWT checks the client authentication by a key. The assertion's
// audience is this issuer only.
func TestProvider_PrivateKeyJWT(t *testing.T) {
	for name, text := range map[string][]byte{"P-256": pemOf(t, ecKey(t)), "RSA": pemOf(t, rsaKey(t, 2048))} {
		t.Run(name, func(t *testing.T) {
			p := provider(t)
			key := clientKey(t, text)
			p.ClientAuth, p.PushedRequests = []string{"private_key_jwt"}, idp.PushRequired
			p.ClientKeys = func() []byte { return key.Set() }
			c := relyingParty(p, func(c *login.Config) { c.ClientKey = key })
			for range 2 { // each assertion is used once
				if got, err := signInAt(t, c, p, nil); err != nil || got.Subject != "alice" {
					t.Fatalf("%v, %v", got.Subject, err)
				}
			}
			sent := p.Redeemed[0]
			if sent.Has("client_secret") || sent.Get("client_id") != logintest.ClientID {
				t.Errorf("the token endpoint was sent %v", sent)
			}
			var claims map[string]any
			payload, _ := base64.RawURLEncoding.DecodeString(strings.Split(sent.Get("client_assertion"), ".")[1])
			if json.Unmarshal(payload, &claims); claims["aud"] != issuer || claims["iss"] != logintest.ClientID || claims["exp"] != float64(now+60) {
				t.Errorf("the assertion says %s", payload)
			}
			if bytes.Contains(key.Set(), []byte(`"d"`)) {
				t.Errorf("the private half is published: %s", key.Set())
			}
		})
	}
}

// TestClientKey_WithACertificate checks that the assertion names the certificate
// (x5t#S256).
func TestClientKey_WithACertificate(t *testing.T) {
	private := rsaKey(t, 2048)
	template := x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Unix(now, 0)}
	certificate, err := x509.CreateCertificate(rand.Reader, &template, &template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	inPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate})
	key := clientKey(t, append(inPEM, pemOf(t, private)...))
	p := provider(t)
	p.ClientAuth, p.ClientKeys = []string{"private_key_jwt"}, func() []byte { return key.Set() }
	p.Metadata = func(m map[string]any) { delete(m, "token_endpoint_auth_signing_alg_values_supported") }
	if _, err := signInAt(t, relyingParty(p, func(c *login.Config) { c.ClientKey = key }), p, nil); err != nil {
		t.Fatal(err)
	}
	var header map[string]any
	text, _ := base64.RawURLEncoding.DecodeString(strings.Split(p.Redeemed[0].Get("client_assertion"), ".")[0])
	if json.Unmarshal(text, &header); header["alg"] != "PS256" || len(header["x5t#S256"].(string)) != 43 {
		t.Errorf("the header is %s", text)
	}
	if _, err := login.ParseClientKey(append(inPEM, pemOf(t, rsaKey(t, 2048))...)); err == nil {
		t.Error("a certificate of another key is taken")
	}
}

func TestClientKey_Refuses(t *testing.T) {
	p224, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{
		"nothing":      nil,
		"no PEM":       []byte("secret"),
		"another key":  pemOf(t, p224),
		"a short one":  pemOf(t, rsaKey(t, 1024)),
		"a public key": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: []byte("x")}),
		"an encrypted": pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: []byte("x")}),
	} {
		if key, err := login.ParseClientKey(text); err == nil {
			t.Errorf("%s: %v", name, key)
		}
	}
}

func TestProvider_FormPost(t *testing.T) {
	p := provider(t)
	p.FormPost = true
	c := relyingParty(p, func(c *login.Config) { c.ResponseMode = "form_post" })
	if got, err := signInAt(t, c, p, nil); err != nil || got.Subject != "alice" {
		t.Errorf("%v, %v", got.Subject, err)
	}
	address, err := client(p).AuthorizationURL(t.Context(), login.NewAttempt("web", "", now), login.Request{})
	if err != nil || strings.Contains(address, "response_mode") {
		t.Errorf("unasked: %s, %v", address, err)
	}
}

// entra returns a provider with tenants, and a relying party of one of its issuers that
// accepts the named tenants.
func entra(t *testing.T, tenants ...string) (*logintest.Provider, *login.Provider) {
	p := logintest.New(t, "https://id.example/organizations/v2.0")
	p.Now = func() time.Time { return time.Unix(now, 0) }
	p.Tenants = map[string]string{"alice": "t-contoso", "mallory": "t-evil"}
	p.Metadata = func(m map[string]any) { delete(m, "authorization_response_iss_parameter_supported") }
	p.Answer = func(v url.Values) { v.Del("iss") }
	return p, relyingParty(p, func(c *login.Config) { c.Issuer, c.Tenants = p.Issuer, tenants })
}

func signInAs(t *testing.T, c *login.Provider, p *logintest.Provider, person string) (login.Identity, error) {
	t.Helper()
	attempt := login.NewAttempt("web", "https://app.example/", now)
	address, err := c.AuthorizationURL(t.Context(), attempt, login.Request{})
	if err != nil {
		return login.Identity{}, err
	}
	return c.Identify(t.Context(), attempt, p.SignIn(address, person), now)
}

// TestProvider_Tenants checks that users of the allowed tenants can sign in, each with
// their own tenant's issuer.
func TestProvider_Tenants(t *testing.T) {
	p, c := entra(t, "t-contoso", "t-fabrikam")
	got, err := signInAs(t, c, p, "alice")
	if err != nil || got.Issuer != "https://id.example/t-contoso/v2.0" || got.Subject != "alice" {
		t.Errorf("%+v, %v", got, err)
	}
	_, err = signInAs(t, c, p, "mallory")
	wantRefused(t, err, "access_denied")
}

// TestProvider_TenantOfTheResponse checks that the authorization response names the issuer
// of the identity token, if any (RFC 9207 section 2.4).
func TestProvider_TenantOfTheResponse(t *testing.T) {
	p, c := entra(t, "t-contoso", "t-fabrikam")
	for tenant, good := range map[string]bool{"t-contoso": true, "t-fabrikam": false, "organizations": false} {
		answer("iss", "https://id.example/"+tenant+"/v2.0")(p)
		if _, err := signInAs(t, c, p, "alice"); (err == nil) != good || !good && login.FaultOf(err) != login.FaultReported {
			t.Errorf("from %s: %v", tenant, err)
		}
	}
}

// TestProvider_TenantsTemplate checks that a list of tenants is for metadata of many.
func TestProvider_TenantsTemplate(t *testing.T) {
	for _, named := range []string{"https://id.example/organizations/v2.0", "https://id.example/t-contoso/v2.0", "https://evil.example/{tenantid}/v2.0", ""} {
		p, c := entra(t, "t-contoso")
		p.Metadata = func(m map[string]any) { m["issuer"] = named }
		if _, err := signInAs(t, c, p, "alice"); !errors.Is(err, login.ErrUnavailable) || !strings.Contains(err.Error(), "leave the list of tenants out") {
			t.Errorf("metadata of %q: %v", named, err)
		}
	}
}

// TestProvider_TenantIsSigned checks that a token is refused if its iss and tid differ.
func TestProvider_TenantIsSigned(t *testing.T) {
	for name, told := range map[string]map[string]any{
		"tid of another":         {"tid": "t-fabrikam"},
		"iss of another":         {"iss": "https://id.example/t-fabrikam/v2.0"},
		"the template itself":    {"iss": "https://id.example/{tenantid}/v2.0", "tid": "{tenantid}"},
		"no tid":                 {"tid": nil},
		"another host":           {"iss": "https://evil.example/t-contoso/v2.0"},
		"a tid that is a path":   {"iss": "https://id.example/t-contoso/../t-evil/v2.0", "tid": "t-contoso/../t-evil"},
		"tid of another type":    {"tid": 7},
		"a tid under other case": {"tid": nil, "TID": "t-contoso"},
	} {
		p, c := entra(t, "t-contoso", "t-fabrikam")
		claims(told)(p)
		if got, err := signInAs(t, c, p, "alice"); err == nil {
			t.Errorf("%s: %s of %s signed in", name, got.Subject, got.Issuer)
		}
	}
	p, _ := entra(t)
	_, err := signInAs(t, relyingParty(p, func(c *login.Config) { c.Issuer = p.Issuer }), p, "alice")
	if err == nil {
		t.Error("without a list of tenants somebody signed in")
	}
}

// TestProvider_InternalURL checks that browsers get the public address and the server's
// requests use the internal one with the public Host.
func TestProvider_InternalURL(t *testing.T) {
	p := provider(t)
	asked := map[string]bool{}
	inside := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked[r.URL.Path] = true
		if r.Host != "id.example" {
			t.Errorf("%s is asked of host %s", r.URL.Path, r.Host)
		}
		p.ServeHTTP(w, r)
	})
	p.PushedRequests = idp.PushRequired
	c := relyingParty(p, func(c *login.Config) {
		c.InternalURL, c.Transport = "http://keycloak:8080", httpbrowser.Hosts{"keycloak:8080": inside}
	})
	if got, err := signInAt(t, c, p, nil); err != nil || got.Subject != "alice" || got.Issuer != issuer {
		t.Errorf("%+v, %v", got, err)
	}
	for _, path := range []string{"/.well-known/openid-configuration", "/par", "/token", "/jwks.json", "/userinfo"} {
		if !asked[path] {
			t.Errorf("%s was not asked inside", path)
		}
	}
	address, err := c.AuthorizationURL(t.Context(), login.NewAttempt("web", "", now), login.Request{})
	if err != nil || !strings.HasPrefix(address, issuer+"/authorize?") {
		t.Errorf("the browser is sent to %s, %v", address, err)
	}
	if end := c.EndSessionURL(t.Context(), "", "https://app.example/"); !strings.HasPrefix(end, issuer+"/end-session?") {
		t.Errorf("and to sign out to %s", end)
	}
}
