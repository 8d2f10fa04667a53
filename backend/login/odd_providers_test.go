package login_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/web-demo/idp"
	"github.com/tabard-auth/tabard/web-demo/idp/logintest"
)

// TestOddProviders_SignPeopleIn: what a provider does beside what it is asked for costs
// nobody a sign-in.
func TestOddProviders_SignPeopleIn(t *testing.T) {
	bom := func(path string) func(*logintest.Provider) {
		return func(p *logintest.Provider) {
			var own http.HandlerFunc
			own = func(w http.ResponseWriter, r *http.Request) {
				p.Endpoints = nil
				w.Write([]byte("\ufeff"))
				p.ServeHTTP(w, r)
				p.Endpoints = map[string]http.HandlerFunc{path: own}
			}
			p.Endpoints = map[string]http.HandlerFunc{path: own}
		}
	}
	for name, quirk := range map[string]func(*logintest.Provider){
		"expires_in is a string":          func(p *logintest.Provider) { p.Tokens = func(m map[string]any) { m["expires_in"] = "3600" } },
		"expires_in is null":              func(p *logintest.Provider) { p.Tokens = func(m map[string]any) { m["expires_in"] = nil } },
		"token_type in lower case":        func(p *logintest.Provider) { p.Tokens = func(m map[string]any) { m["token_type"] = "bearer" } },
		"scope is null":                   func(p *logintest.Provider) { p.Tokens = func(m map[string]any) { m["scope"] = nil } },
		"aud names the client twice":      claims(map[string]any{"aud": []string{logintest.ClientID, logintest.ClientID}}),
		"nbf a minute ahead":              claims(map[string]any{"nbf": now + 60}),
		"a claim of nothing but null":     claims(map[string]any{"groups": map[string]any{}, "address": []any{nil}}),
		"userinfo without sub":            userInfoOf("application/json", `{"email":"mallory@example.com","name":"Mallory"}`),
		"userinfo is an error with 200":   userInfoOf("application/json", `{"error":"invalid_token"}`),
		"userinfo is a list":              userInfoOf("application/json", `[]`),
		"userinfo is empty":               userInfoOf("application/json", ``),
		"metadata begin with a byte mark": bom("/.well-known/openid-configuration"),
		"key set begins with a byte mark": bom("/jwks.json"),
		"a response mode as a string": func(p *logintest.Provider) {
			p.Metadata = func(m map[string]any) { m["response_modes_supported"] = "query" }
		},
		"no algorithms named": func(p *logintest.Provider) {
			p.ReplaceKeyWith("2", "RS256")
			p.Metadata = func(m map[string]any) { delete(m, "id_token_signing_alg_values_supported") }
		},
		"a key without use or alg": func(p *logintest.Provider) {
			p.Keys = func(own map[string]string) []any { delete(own, "use"); delete(own, "alg"); return []any{own} }
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := provider(t)
			quirk(p)
			got, err := signIn(t, p, nil)
			if err != nil || got.Subject != "alice" || strings.Contains(got.Email+got.Name, "allory") {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
}

// TestOddProviders_AreFaults that say what is wrong, and never a person's.
func TestOddProviders_AreFaults(t *testing.T) {
	for name, test := range map[string]struct {
		quirk func(*logintest.Provider)
		fault login.Fault
		says  string
	}{
		"no identity token": {func(p *logintest.Provider) { p.Tokens = func(m map[string]any) { delete(m, "id_token") } }, login.FaultToken, "no id_token"},
		"id_token is null":  {func(p *logintest.Provider) { p.Tokens = func(m map[string]any) { m["id_token"] = nil } }, login.FaultToken, "no id_token"},
		"a page, with 200":  {fails("/token", idp.Fault{Status: 200, Body: "<html>blocked by the firewall", ContentType: "text/html"}), login.FaultAway, "token endpoint"},
		"an encrypted token": {func(p *logintest.Provider) {
			p.Sign = func(*logintest.Provider, jwt.MapClaims) string { return "a.b.c.d.e" }
		}, login.FaultToken, "identity token"},
		"a numeric sub": {claims(map[string]any{"sub": 12345}), login.FaultToken, "identity token"},
		"no iat":        {claims(map[string]any{"iat": null}), login.FaultToken, "iat is missing"},
		"an error that is an object": {fails("/token", idp.Fault{Status: 200, Body: `{"error":{"code":"expired_secret"},"secret":"not told"}`, ContentType: "application/json"}),
			login.FaultAway, `its token endpoint answers 200: no tokens: {"code":"expired_secret"}`},
		"an error that is a number": {fails("/token", idp.Fault{Status: 200, Body: `{"error":40029,"message":"maintenance","data":{"id_token":"not told"}}`, ContentType: "application/json"}),
			login.FaultAway, `no tokens: 40029 maintenance`},
		"no tokens and no error":  {fails("/token", idp.Fault{Status: 200, Body: `{}`, ContentType: "application/json"}), login.FaultAway, "answers 200: no tokens"},
		"an address with a user":  {metadata("authorization_endpoint", "https://id.example@elsewhere.example/authorize"), login.FaultAway, "elsewhere.example"},
		"an address of two lines": {metadata("authorization_endpoint", issuer+"/authorize\r\nX: y"), login.FaultAway, "authorization endpoint"},
		"an address of a script":  {metadata("authorization_endpoint", "javascript:alert(1)"), login.FaultAway, "authorization endpoint"},
		"a moved token answer":    {fails("/token", idp.Fault{Status: 302, Body: "moved", ContentType: "text/plain"}), login.FaultAway, "302"},
	} {
		t.Run(name, func(t *testing.T) {
			p := provider(t)
			test.quirk(p)
			_, err := signIn(t, p, nil)
			if got := login.FaultOf(err); got != test.fault || !strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), "not told") {
				t.Errorf("%q, want %q with %q: %v", got, test.fault, test.says, err)
			}
		})
	}
}

// TestRefusal_CodeIsBounded: what a provider says goes into an address of the app's, which
// proxies bound.
func TestRefusal_CodeIsBounded(t *testing.T) {
	for _, code := range []string{strings.Repeat("x", 5000), "a\r\nb", "a b\x00", "ü"} {
		p := provider(t)
		p.Answer = func(v url.Values) {
			v.Del("code")
			v.Set("error", code)
		}
		_, err := signIn(t, p, nil)
		wantRefused(t, err, "invalid_response")
	}
}
