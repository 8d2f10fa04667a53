package idp_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/oauth2"

	"github.com/tabard-auth/tabard/web-demo/idp"
	"github.com/tabard-auth/tabard/web-demo/idp/logintest"
)

// newQuirkyParty returns a party of a provider with quirks.
func newQuirkyParty(t *testing.T, quirks idp.Quirks) *party {
	t.Helper()
	p := newParty(t)
	handler, err := idp.NewWithQuirks(config(), &quirks)
	if err != nil {
		t.Fatal(err)
	}
	p.server.Transport, p.browser.Transport = inProcess{handler}, inProcess{handler}
	p.browser.Jar, _ = cookiejar.New(nil)
	if p.provider, err = oidc.NewProvider(p.ctx, issuer); err != nil {
		t.Fatal(err)
	}
	p.oauth.Endpoint = p.provider.Endpoint()
	return p
}

func (p *party) metadata() map[string]any {
	p.t.Helper()
	var m map[string]any
	if err := p.provider.Claims(&m); err != nil {
		p.t.Fatal(err)
	}
	return m
}

// The demo advertises exactly its own features.
func TestProvider_WithoutQuirks(t *testing.T) {
	p := newParty(t)
	for _, name := range []string{"pushed_authorization_request_endpoint", "require_pushed_authorization_requests"} {
		if value, said := p.metadata()[name]; said {
			t.Errorf("%s is %v", name, value)
		}
	}
	if got := p.post("/par", p.request()); got.status != http.StatusNotFound {
		t.Errorf("/par answers %d", got.status)
	}
	p.visit(withParam("response_mode", "form_post")).wantError(t, "invalid_request")
	if page := p.visit(); strings.Contains(page.body, `id="anybody"`) {
		t.Error("the page signs anybody in")
	}
}

// request returns the parameters of visit, with the client's secret.
func (p *party) request() url.Values {
	address, _ := url.Parse(p.oauth.AuthCodeURL("state-1", oauth2.S256ChallengeOption(p.verifier), oidc.Nonce("n-1")))
	form := address.Query()
	form.Set("client_secret", config().ClientSecret)
	return form
}

func TestProvider_PushedRequests(t *testing.T) {
	p := newQuirkyParty(t, idp.Quirks{PushedRequests: idp.PushRequired})
	if page := p.visit(); page.status != http.StatusBadRequest {
		t.Errorf("a request that was not pushed: %d", page.status)
	}
	wrong := p.request()
	wrong.Set("client_secret", "guess")
	if got := p.post("/par", wrong); got.status != http.StatusUnauthorized {
		t.Errorf("a request of a stranger: %d", got.status)
	}
	var pushed struct {
		RequestURI string `json:"request_uri"`
		ExpiresIn  int    `json:"expires_in"`
	}
	got := p.post("/par", p.request())
	if err := json.Unmarshal([]byte(got.body), &pushed); err != nil || got.status != http.StatusCreated || pushed.ExpiresIn != 60 {
		t.Fatalf("%d %s", got.status, got.body)
	}
	page := p.get(p.oauth.Endpoint.AuthURL + "?" + url.Values{"client_id": {"tabard"}, "request_uri": {pushed.RequestURI}}.Encode())
	if _, token, err := p.exchange(p.press(page, "alice", "pwd").code(t)); err != nil || token.Subject != "alice" {
		t.Errorf("%v, %v", token, err)
	}
}

func TestProvider_FormPost(t *testing.T) {
	p := newQuirkyParty(t, idp.Quirks{FormPost: true})
	page := p.press(p.visit(withParam("response_mode", "form_post")), "alice", "pwd")
	action, fields := logintest.PostedForm(page.body)
	if action != callback || fields.Get("state") != "state-1" || fields.Get("iss") != issuer {
		t.Errorf("the page posts %v to %s", fields, action)
	}
	if policy := page.header.Get("Content-Security-Policy"); !strings.Contains(policy, "script-src 'sha256-") {
		t.Errorf("its script may not run: %s", policy)
	}
	if _, token, err := p.exchange(fields.Get("code")); err != nil || token.Subject != "alice" {
		t.Errorf("%v, %v", token, err)
	}
}

// TestProvider_PrivateKeyJWT: by a key of the client's, for this issuer alone, once.
func TestProvider_PrivateKeyJWT(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k", Use: "sig"}}})
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		spoil   func(jwt.MapClaims)
		refused bool
	}{
		"good":                      {func(jwt.MapClaims) {}, false},
		"audience of another":       {func(c jwt.MapClaims) { c["aud"] = issuer + "/token" }, true},
		"a list of audiences":       {func(c jwt.MapClaims) { c["aud"] = []string{issuer} }, true},
		"expired":                   {func(c jwt.MapClaims) { c["exp"] = time.Now().Unix() - 1 }, true},
		"of another client":         {func(c jwt.MapClaims) { c["sub"] = "other" }, true},
		"without id":                {func(c jwt.MapClaims) { delete(c, "jti") }, true},
		"issued by another client":  {func(c jwt.MapClaims) { c["iss"] = "other" }, true},
		"for ever (no expiry said)": {func(c jwt.MapClaims) { delete(c, "exp") }, true},
	} {
		t.Run(name, func(t *testing.T) {
			p := newQuirkyParty(t, idp.Quirks{ClientAuth: []string{"private_key_jwt"}, ClientKeys: func() []byte { return keys }})
			claims := jwt.MapClaims{"iss": "tabard", "sub": "tabard", "aud": issuer, "jti": "1", "exp": time.Now().Unix() + 60}
			test.spoil(claims)
			token := jwt.NewWithClaims(jwt.SigningMethodES256, claims)
			token.Header["kid"] = "k"
			assertion, err := token.SignedString(key)
			if err != nil {
				t.Fatal(err)
			}
			p.oauth.Endpoint.AuthStyle, p.oauth.ClientSecret = oauth2.AuthStyleInParams, ""
			_, _, err = p.exchange(p.press(p.visit(), "alice", "pwd").code(t), withParam("client_assertion", assertion),
				withParam("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"))
			if test.refused {
				wantTokenError(t, err, http.StatusUnauthorized, "invalid_client")
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

func TestProvider_FaultsAndMoves(t *testing.T) {
	p := newQuirkyParty(t, idp.Quirks{
		Moved:  map[string]string{"/token": "/oauth2/v2/token"},
		Faults: map[string]idp.Fault{"/userinfo": {Status: http.StatusServiceUnavailable, Error: "temporarily_unavailable"}},
	})
	if p.oauth.Endpoint.TokenURL != issuer+"/oauth2/v2/token" {
		t.Errorf("the token endpoint is at %s", p.oauth.Endpoint.TokenURL)
	}
	if got := p.post("/token", nil); got.status != http.StatusNotFound {
		t.Errorf("where it was: %d", got.status)
	}
	if p.signIn("alice", "pwd").Subject != "alice" {
		t.Error("nobody signed in")
	}
	if got := p.get(issuer + "/userinfo"); got.status != http.StatusServiceUnavailable || !strings.Contains(got.body, "temporarily_unavailable") {
		t.Errorf("%d %s", got.status, got.body)
	}
}
