package login_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/web-demo/idp"
	"github.com/tabard-auth/tabard/web-demo/idp/logintest"
)

// payloadOf returns the claims of a token, unverified.
func payloadOf(t *testing.T, token string) map[string]any {
	t.Helper()
	var claims map[string]any
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("%q is not a token", token)
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err == nil {
		err = json.Unmarshal(text, &claims)
	}
	if err != nil {
		t.Fatal(err)
	}
	return claims
}

// TestProvider_AssertionForTheTokenEndpoint, where the connection says so: for providers
// that take no other audience. The token endpoint has to be at the issuer's own origin:
// metadata that name another's would make of the assertion one that is good there.
func TestProvider_AssertionForTheTokenEndpoint(t *testing.T) {
	for name, test := range map[string]struct {
		setting  bool
		takes    string
		metadata string // its token endpoint, where it lies
		want     login.Fault
	}{
		"the issuer":                        {false, "", "", ""},
		"the issuer, where it is not taken": {false, issuer + "/token", "", login.FaultClient},
		"the token endpoint":                {true, issuer + "/token", "", ""},
		"the token endpoint, not taken":     {true, "", "", login.FaultClient},
		"a token endpoint of another":       {true, "https://honest.example/token", "https://honest.example/token", login.FaultClient},
		"a token endpoint at another port":  {true, "https://id.example:8443/token", "https://id.example:8443/token", login.FaultClient},
	} {
		t.Run(name, func(t *testing.T) {
			p := provider(t)
			key := clientKey(t, pemOf(t, ecKey(t)))
			p.ClientAuth, p.ClientKeys = []string{"private_key_jwt"}, func() []byte { return key.Set() }
			p.AssertionAudience = test.takes
			if test.metadata != "" {
				p.PushedRequests = idp.PushRequired // at an address of its own, which is sent the assertion
				p.Metadata = func(m map[string]any) { m["token_endpoint"] = test.metadata }
			}
			c := relyingParty(p, func(c *login.Config) { c.ClientKey, c.TokenEndpointAudience = key, test.setting })
			_, err := signInAt(t, c, p, nil)
			if got := login.FaultOf(err); got != test.want || (err == nil) != (test.want == "") {
				t.Fatalf("%q, %v", got, err)
			}
			if test.metadata != "" && (len(p.Pushed) != 0 || !strings.Contains(err.Error(), test.metadata)) {
				t.Errorf("it was sent %v: %v", p.Pushed, err)
			}
		})
	}
}

// TestProvider_AppleSignsTheSecret: Apple's client secret is a token that the client signs,
// and it is made anew for each request.
func TestProvider_AppleSignsTheSecret(t *testing.T) {
	p := provider(t)
	private := ecKey(t)
	p.ClientAuth, p.FormPost = []string{"client_secret_post"}, true
	p.Secret = func(secret string) bool {
		token, err := jwt.Parse(secret, func(*jwt.Token) (any, error) { return private.Public(), nil },
			jwt.WithValidMethods([]string{"ES256"}), jwt.WithAudience(issuer), jwt.WithIssuer("TEAM123456"), jwt.WithSubject(logintest.ClientID),
			jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithTimeFunc(p.Now))
		return err == nil && token.Header["kid"] == "KEY1234567"
	}
	c := relyingParty(p, func(c *login.Config) {
		c.ClientSecret, c.ClientKey, c.Apple = "", clientKey(t, pemOf(t, private)), &login.AppleClient{Team: "TEAM123456", Key: "KEY1234567"}
		c.ResponseMode = "form_post"
	})
	if got, err := signInAt(t, c, p, nil); err != nil || got.Subject != "alice" {
		t.Fatalf("%+v, %v", got, err)
	}
	sent := p.Redeemed[0]
	claims := payloadOf(t, sent.Get("client_secret"))
	if sent.Has("client_assertion") || claims["exp"] != float64(now+300) {
		t.Errorf("the token endpoint was sent %v, %v", sent, claims)
	}
	if err := c.CheckClient(t.Context(), now); err != nil {
		t.Error(err)
	}
	p.Secret = func(string) bool { return false }
	_, err := signInAt(t, c, p, nil)
	if login.FaultOf(err) != login.FaultClient || strings.Contains(err.Error(), "eyJ") {
		t.Errorf("%v", err)
	}
}
