package doctor_test

import (
	"crypto/elliptic"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/doctor"
	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/browser_test/kit/backendtest"
	"github.com/tabard-auth/tabard/web-demo/idp"
	"github.com/tabard-auth/tabard/web-demo/idp/logintest"
)

// newProvider serves the test provider until the test ends, below a path.
func newProvider(t *testing.T, path string) *logintest.Provider {
	var p *logintest.Provider
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { p.ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	p = logintest.New(t, server.URL+path)
	p.Now = func() time.Time { return time.Unix(now, 0) }
	p.AlwaysPrompt, p.AnyRedirectURI, p.RedirectURIs = false, false, []string{publicURL + "/callback"}
	return p
}

const publicURL = "https://app.example.com/auth"

// diagnosis is a finding about a provider and the server's settings.
type diagnosis struct {
	provider func(*logintest.Provider)
	relies   func(*login.Config)
	want     string
}

// set changes a provider's metadata.
func set(name string, value any) func(*logintest.Provider) {
	return func(p *logintest.Provider) { p.Metadata = func(m map[string]any) { m[name] = value } }
}

// sendsBack has the provider answer every authorization request by an error.
func sendsBack(code, description string) func(*logintest.Provider) {
	return func(p *logintest.Provider) {
		p.Endpoints = map[string]http.HandlerFunc{"/authorize": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, r.FormValue("redirect_uri")+"?"+url.Values{"error": {code}, "error_description": {description}}.Encode(), http.StatusFound)
		}}
	}
}

// posts has the provider answer every authorization request by a page whose form is sent
// to an address (OAuth 2.0 Form Post Response Mode).
func posts(status int, code, to string) func(*logintest.Provider) {
	return func(p *logintest.Provider) {
		p.Endpoints = map[string]http.HandlerFunc{"/authorize": func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(status)
			fmt.Fprintf(w, `<!DOCTYPE html><form name="f" method='post' action='%s'><input type="hidden" name="error" value="%s"/></form>`, to, code)
		}}
	}
}

func byForm(c *login.Config) { c.ResponseMode = "form_post" }

// requestDiagnoses are about authorization requests.
func requestDiagnoses() map[string]diagnosis {
	return map[string]diagnosis{
		"all well":                {nil, nil, "ok provider: it accepts the client tabard and its secret"},
		"the way back":            {nil, nil, "ok provider: it accepts the redirect URI " + publicURL + "/callback"},
		"push demanded":           {func(p *logintest.Provider) { p.PushedRequests = idp.PushRequired }, nil, "ok provider: it demands pushed authorization requests, and gets them"},
		"push demanded, way back": {func(p *logintest.Provider) { p.PushedRequests = idp.PushRequired }, nil, "ok provider: it accepts the redirect URI "},
		"push without endpoint":   {set("require_pushed_authorization_requests", true), nil, "no pushed_authorization_request_endpoint → Switch pushed authorization requests on at the provider"},
		"push of another callback": {func(p *logintest.Provider) {
			p.PushedRequests, p.RedirectURIs = idp.PushRequired, []string{"https://other.example"}
		}, nil, "it refuses the request that is pushed: "},
		"cure for that": {func(p *logintest.Provider) {
			p.PushedRequests, p.RedirectURIs = idp.PushRequired, []string{"https://other.example"}
		}, nil, "→ Register " + publicURL + "/callback, exactly so"},
		"a scope too many":    {sendsBack("invalid_scope", "scope groups is unknown"), nil, `problem provider: it refuses a request for a sign-in: invalid_scope: "scope groups is unknown" → Name in --oidc-scopes only what`},
		"no code flow for it": {sendsBack("unauthorized_client", "grant"), nil, "it refuses a request for a sign-in: unauthorized_client: \"grant\" → Allow this client the authorization code flow"},
		"down when asked":     {sendsBack("temporarily_unavailable", ""), nil, "problem provider: it refuses a request for a sign-in: temporarily_unavailable"},
		"other parameters":    {sendsBack("request_not_supported", "a\nb"), nil, `request_not_supported: "a\nb" → See what the provider demands of this client`},
		"form_post":           {posts(http.StatusOK, "login_required", publicURL+"/callback"), byForm, "ok provider: it accepts the redirect URI "},
		"form_post, 400":      {posts(http.StatusBadRequest, "login_required", publicURL+"/callback"), byForm, "ok provider: it accepts the redirect URI "},
		"form_post, a scope":  {posts(http.StatusBadRequest, "invalid_scope", publicURL+"/callback"), byForm, "problem provider: it refuses a request for a sign-in: invalid_scope"},
		"form_post elsewhere": {posts(http.StatusBadRequest, "login_required", "https://other.example/callback"), byForm, "problem provider: it refuses the redirect URI "},
		"a person is needed":  {sendsBack("interaction_required", ""), nil, "ok provider: it accepts the redirect URI "},
		"nobody is signed in": {sendsBack("login_required", ""), nil, "ok provider: it accepts the redirect URI "},
		"another callback":    {func(p *logintest.Provider) { p.RedirectURIs = []string{"https://other.example"} }, nil, "problem provider: it refuses the redirect URI "},
	}
}

// clientDiagnoses are about the authentication of the client.
func clientDiagnoses(t *testing.T) map[string]diagnosis {
	key := backendtest.NewClientKey(t, elliptic.P256())
	keyed := func(p *logintest.Provider) {
		p.ClientAuth, p.ClientKeys = []string{"private_key_jwt"}, func() []byte { return key.Set() }
	}
	withKey := func(c *login.Config) { c.ClientKey, c.ClientSecret = key, "" }
	return map[string]diagnosis{
		"a key alone": {keyed, nil, "problem provider: it takes no client secret, but private_key_jwt → Name a private key by --oidc-client-key-file, in place of the secret, and register " + publicURL + "/.well-known/client-jwks.json"},
		"a key":       {keyed, withKey, "ok provider: it accepts the client tabard and its key"},
		"a key it does not know": {func(p *logintest.Provider) {
			keyed(p)
			p.ClientKeys = func() []byte { return backendtest.NewClientKey(t, elliptic.P256()).Set() }
		}, withKey, "it refuses the client tabard and its key"},
		"a key that it cannot check": {keyed, func(c *login.Config) { c.ClientKey = backendtest.NewClientKey(t, elliptic.P384()) },
			"problem provider: PROVIDER: the client key is P-384 and signs by ES384, but it takes only RS256, ES256: use a P-256 or RSA key → Put a P-256 or RSA key into the file of --oidc-client-key-file"},
		"a secret alone": {nil, withKey, "it does not take private_key_jwt, but client_secret_basic, client_secret_post → Use a client secret"},
		"an Apple key": {func(p *logintest.Provider) {
			p.ClientAuth, p.Secret = []string{"client_secret_post"}, func(secret string) bool { return strings.Count(secret, ".") == 2 }
		}, func(c *login.Config) { withKey(c); c.Apple = &login.AppleClient{Team: "TEAM123456", Key: "KEY1234567"} }, "ok provider: it accepts the client tabard and the secret that its key signs"},
		"an Apple key it does not know": {func(p *logintest.Provider) {
			p.ClientAuth, p.Secret = []string{"client_secret_post"}, func(string) bool { return false }
		}, func(c *login.Config) { withKey(c); c.Apple = &login.AppleClient{Team: "TEAM123456", Key: "KEY1234567"} }, "→ Compare --oidc-apple-client and --oidc-client-key-file with what Apple shows"},
		"an Apple key elsewhere": {func(p *logintest.Provider) { keyed(p) }, func(c *login.Config) { withKey(c); c.Apple = &login.AppleClient{Team: "TEAM123456", Key: "KEY1234567"} },
			"it takes no client secret, but private_key_jwt → Leave out --oidc-apple-client"},
		"an assertion for the token endpoint": {func(p *logintest.Provider) { keyed(p); p.AssertionAudience = p.Issuer + "/token" },
			func(c *login.Config) { withKey(c); c.TokenEndpointAudience = true }, "ok provider: it accepts the client tabard and its key"},
		"an assertion for the issuer alone": {func(p *logintest.Provider) { keyed(p); p.AssertionAudience = p.Issuer + "/token" }, withKey,
			"Some providers take assertions for their token endpoint alone: --oidc-assertion-audience token_endpoint"},
	}
}

// metadataDiagnoses are about metadata that exclude this server.
func metadataDiagnoses() map[string]diagnosis {
	return map[string]diagnosis{
		"certificates alone":      {set("token_endpoint_auth_methods_supported", []string{"tls_client_auth"}), nil, "it takes only tls_client_auth, by which this server cannot authenticate"},
		"no code flow":            {set("response_types_supported", []string{"id_token"}), nil, "problem provider: it does not offer the authorization code flow → Allow the authorization code flow"},
		"no code grant":           {set("grant_types_supported", []string{"implicit"}), nil, "it does not offer the authorization code flow"},
		"signed by a secret":      {set("id_token_signing_alg_values_supported", []string{"HS256"}), nil, "it signs identity tokens only with HS256, which no public key checks → "},
		"form_post alone":         {set("response_modes_supported", []string{"form_post"}), nil, "it does not answer by query, but by form_post → Set --oidc-response-mode"},
		"no form_post":            {nil, func(c *login.Config) { c.ResponseMode = "form_post" }, "it does not answer by form_post, but by query"},
		"form_post":               {func(p *logintest.Provider) { p.FormPost = true }, func(c *login.Config) { c.ResponseMode = "form_post" }, "ok provider: it answers by form_post"},
		"form_post, way back":     {func(p *logintest.Provider) { p.FormPost = true }, func(c *login.Config) { c.ResponseMode = "form_post" }, "ok provider: it accepts the redirect URI "},
		"tenants, none listed":    {set("issuer", "https://login.example/{tenantid}/v2.0"), nil, "and none is listed → List the tenants whose people may sign in: --oidc-tenants"},
		"one tenant, some listed": {nil, func(c *login.Config) { c.Tenants = []string{"t-contoso"} }, "is of one tenant, and --oidc-tenants lists some"},
	}
}

// faultDiagnoses are about endpoints and keys that fail.
func faultDiagnoses() map[string]diagnosis {
	fails := func(path string, f idp.Fault) func(*logintest.Provider) {
		return func(p *logintest.Provider) { p.Faults = map[string]idp.Fault{path: f} }
	}
	return map[string]diagnosis{
		"secret expired":      {fails("/token", idp.Fault{Status: 401, Error: "invalid_client", Description: "AADSTS7000222: keys are expired"}), nil, "AADSTS7000222: keys are expired → Compare --oidc-client-id and TABARD_OIDC_CLIENT_SECRET"},
		"token endpoint down": {fails("/token", idp.Fault{Status: 503, Error: "maintenance"}), nil, "look provider: it did not answer whether it accepts the client tabard and its secret: login: the OpenID provider is unavailable: its token endpoint answers 503: maintenance"},
		"one broken key": {func(p *logintest.Provider) {
			p.Keys = func(own map[string]string) []any {
				return []any{own, map[string]any{"kty": "RSA", "kid": "old", "n": "AQAB", "e": "AQAB", "x5c": []string{"AAAA"}}}
			}
		}, nil, "key that is passed over: key 2 (kid \"old\")"},
		"an exponent of zero": {func(p *logintest.Provider) {
			p.Keys = func(own map[string]string) []any {
				return []any{map[string]any{"kty": "RSA", "kid": "zero", "n": strings.Repeat("x", 342), "e": "AA"}, own}
			}
		}, nil, "key that is passed over: key 1 (kid \"zero\"): e is 0 and must be an odd number"},
		"too many keys": {func(p *logintest.Provider) {
			p.Endpoints = map[string]http.HandlerFunc{"/jwks.json": func(w http.ResponseWriter, _ *http.Request) {
				w.Write([]byte(`{"keys":["` + strings.Repeat("x", 1<<20) + `"]}`))
			}}
		}, nil, "1 MiB or more"},
		"only broken keys": {func(p *logintest.Provider) {
			p.Keys = func(map[string]string) []any { return []any{map[string]any{"kty": "EC"}} }
		}, nil, "problem provider: no key of its key set ("},
		"key of odd members": {func(p *logintest.Provider) {
			p.Keys = func(own map[string]string) []any {
				return []any{map[string]any{"kty": own["kty"], "crv": own["crv"], "x": own["x"] + "=", "y": own["y"], "kid": 5, "use": []int{1}, "x5c": "AAAA"}}
			}
		}, nil, "ok provider: its key set can be read"},
		"a private key": {func(p *logintest.Provider) {
			p.Keys = func(own map[string]string) []any {
				return []any{own, map[string]any{"kty": own["kty"], "crv": own["crv"], "x": own["x"], "y": own["y"], "kid": "open", "d": "AAAA"}}
			}
		}, nil, "key 2 (kid \"open\"): it publishes a private or symmetric key"},
		"keys of another name": {func(p *logintest.Provider) {
			p.Endpoints = map[string]http.HandlerFunc{"/jwks.json": func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(`{"Keys":[{"kty":"EC"}]}`)) }}
		}, nil, "cannot be read: it has no list \"keys\""},
		"a long request_uri": {func(p *logintest.Provider) {
			p.PushedRequests = idp.PushRequired
			p.Endpoints = map[string]http.HandlerFunc{"/par": func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusCreated)
				w.Write([]byte(`{"request_uri":"urn:` + strings.Repeat("x", 9000) + `"}`))
			}}
		}, nil, "request_uri that is too long for an address: 9004 characters, more than 2000 → Have the provider answer pushed requests with a reference"},
		"odd metadata": {func(p *logintest.Provider) {
			p.Metadata = func(m map[string]any) {
				m["claims_supported"], m["grant_types_supported"], m["response_modes_supported"] = "sub", map[string]any{}, 5
				m["Issuer"], m["ISSUER"] = "https://elsewhere.example", "https://elsewhere.example"
			}
		}, nil, "ok provider: PROVIDER answers under this name"},
		"keys fail":     {fails("/jwks.json", idp.Fault{Status: 500}), nil, "cannot be read: it answers 500 Internal Server Error"},
		"metadata fail": {fails("/.well-known/openid-configuration", idp.Fault{Status: 404}), nil, "its metadata cannot be read: it answers 404 Not Found"},
	}
}

// TestDoctor_ReadsWhatTheProviderAsksFor, and names the cure for each fault.
func TestDoctor_ReadsWhatTheProviderAsksFor(t *testing.T) {
	for _, diagnoses := range []map[string]diagnosis{requestDiagnoses(), clientDiagnoses(t), metadataDiagnoses(), faultDiagnoses()} {
		for name, test := range diagnoses {
			t.Run(name, func(t *testing.T) {
				p := newProvider(t, "")
				if test.provider != nil {
					test.provider(p)
				}
				if findings := strings.ReplaceAll(diagnosed(t, p, test.relies), p.Issuer, "PROVIDER"); !strings.Contains(findings, test.want) {
					t.Errorf("%q is not among\n%s", test.want, findings)
				}
			})
		}
	}
}

// diagnosed are the findings about a provider.
func diagnosed(t *testing.T, p *logintest.Provider, relies func(*login.Config)) string {
	t.Helper()
	c := login.Config{Issuer: p.Issuer, ClientID: logintest.ClientID, ClientSecret: logintest.ClientSecret}
	if relies != nil {
		relies(&c)
	}
	return examine(t, doctor.Config{PublicURL: publicURL, Provider: c})
}

func TestDoctor_ReadsAProviderOfTenants(t *testing.T) {
	p := newProvider(t, "/organizations/v2.0")
	p.Tenants = map[string]string{"alice": "t-contoso"}
	listed := func(c *login.Config) { c.Tenants = []string{"t-contoso"} }
	for _, want := range []string{"answers, for the tenants t-contoso", "ok provider: it accepts the client tabard", "ok provider: it accepts the redirect URI "} {
		if findings := diagnosed(t, p, listed); !strings.Contains(findings, want) {
			t.Errorf("%q is not among\n%s", want, findings)
		}
	}
}

// TestDoctor_TemplateOfAnotherIssuer is found: no token matches it.
func TestDoctor_TemplateOfAnotherIssuer(t *testing.T) {
	p := newProvider(t, "/organizations/v2.0")
	p.Tenants = map[string]string{"alice": "t-contoso"}
	set("issuer", p.Issuer[:len(p.Issuer)-len("/organizations/v2.0")]+"/{tenantid}/v1.0")(p)
	want := "/{tenantid}/v1.0\", which its tokens cannot match → Set --oidc-issuer"
	if findings := diagnosed(t, p, func(c *login.Config) { c.Tenants = []string{"t-contoso"} }); !strings.Contains(findings, want) {
		t.Errorf("%q is not among\n%s", want, findings)
	}
}

// TestDoctor_GoesInside, where that is the way to the provider.
func TestDoctor_GoesInside(t *testing.T) {
	p := newProvider(t, "")
	inside := p.Issuer
	p2 := logintest.New(t, "https://id.example.com")
	p.Endpoints = map[string]http.HandlerFunc{}
	for _, path := range []string{"/.well-known/openid-configuration", "/jwks.json", "/token", "/authorize"} {
		p.Endpoints[path] = p2.ServeHTTP
	}
	findings := diagnosed(t, p2, func(c *login.Config) { c.InternalURL = inside })
	for _, want := range []string{"https://id.example.com answers", "ok provider: its key set can be read", "ok provider: it accepts the client tabard"} {
		if !strings.Contains(findings, want) {
			t.Errorf("%q is not among\n%s", want, findings)
		}
	}
}
