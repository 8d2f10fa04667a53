package login_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"github.com/tabard-auth/tabard/web-demo/idp/logintest"
)

// rewritten changes the answers at a path.
func rewritten(path string, change func(http.Header, string) string) func(*logintest.Provider) {
	return func(p *logintest.Provider) {
		var own http.HandlerFunc
		own = func(w http.ResponseWriter, r *http.Request) {
			p.Endpoints = nil
			answer := httptest.NewRecorder()
			p.ServeHTTP(answer, r)
			body := change(answer.Header(), answer.Body.String())
			for name := range answer.Header() {
				if name != "Content-Length" {
					w.Header().Set(name, answer.Header().Get(name))
				}
			}
			w.WriteHeader(answer.Code)
			io.WriteString(w, body)
			p.Endpoints = map[string]http.HandlerFunc{path: own}
		}
		p.Endpoints = map[string]http.HandlerFunc{path: own}
	}
}

func typed(path, contentType string) func(*logintest.Provider) {
	return rewritten(path, func(h http.Header, body string) string {
		h.Set("Content-Type", contentType)
		return body
	})
}

func metadata(name string, value any) func(*logintest.Provider) {
	return func(p *logintest.Provider) { p.Metadata = func(m map[string]any) { m[name] = value } }
}

func tokens(name string, value any) func(*logintest.Provider) {
	return func(p *logintest.Provider) {
		p.Tokens = func(m map[string]any) {
			if m[name] = value; value == nil {
				delete(m, name)
			}
		}
	}
}

// null is JSON's null.
var null = json.RawMessage("null")

// harmless are deviations of providers that a sign-in does not depend on.
var harmless = map[string]func(*logintest.Provider){
	"end-session address false":                metadata("end_session_endpoint", false),
	"end-session addresses in a list":          metadata("end_session_endpoint", []string{"https://id.example/end"}),
	"pushed requests as a string":              metadata("require_pushed_authorization_requests", "false"),
	"pushed requests null":                     metadata("require_pushed_authorization_requests", null),
	"an address for pushes in a list":          metadata("pushed_authorization_request_endpoint", []any{}),
	"an authorization address with a fragment": metadata("authorization_endpoint", "https://id.example/authorize#top"),
	"an authorization address in capitals":     metadata("authorization_endpoint", "HTTPS://id.example/authorize"),
	"device address false":                     metadata("device_authorization_endpoint", false),
	"userinfo address false":                   metadata("userinfo_endpoint", false),
	"userinfo address empty":                   metadata("userinfo_endpoint", ""),
	"one algorithm as a string":                metadata("id_token_signing_alg_values_supported", "ES256"),
	"algorithms with null":                     metadata("id_token_signing_alg_values_supported", []any{nil, "ES256", 5}),
	"iss supported as a string":                metadata("authorization_response_iss_parameter_supported", "true"),
	"auth methods null":                        metadata("token_endpoint_auth_methods_supported", null),
	"metadata as text":                         typed("/.well-known/openid-configuration", "text/html; charset=iso-8859-1"),
	"keys as octets":                           typed("/jwks.json", "application/octet-stream"),
	"tokens as text":                           typed("/token", "text/plain; charset=utf-8"),
	"tokens as a page":                         typed("/token", "text/html"),
	"tokens as a form":                         typed("/token", "application/x-www-form-urlencoded"),
	"tokens as of RFC 7515":                    typed("/token", "application/json;charset=UTF-8;odata=minimal"),
	"tokens of no type": rewritten("/token", func(h http.Header, body string) string {
		h["Content-Type"] = nil
		return body
	}),
	"an identity token with a line's end": rewritten("/token", func(_ http.Header, body string) string {
		return strings.Replace(body, `"id_token":"`, `"id_token":" `, 1)
	}),
	"no access token":         tokens("access_token", nil),
	"access token null":       tokens("access_token", null),
	"no token type":           tokens("token_type", nil),
	"another token type":      tokens("token_type", "N_A"),
	"refresh token null":      tokens("refresh_token", null),
	"expires_in negative":     tokens("expires_in", -1),
	"expires_in a fraction":   tokens("expires_in", json.RawMessage("3599.5")),
	"expires_in beyond all":   tokens("expires_in", json.RawMessage("1e30")),
	"expires_in empty":        tokens("expires_in", ""),
	"scope in a list":         tokens("scope", []string{"openid", "email"}),
	"exp and iat as strings":  claims(map[string]any{"exp": "1800000300", "iat": "1799999999"}),
	"auth_time null":          claims(map[string]any{"auth_time": null}),
	"session_expiry a string": claims(map[string]any{"session_expiry": "never"}),
	"email_verified a number": claims(map[string]any{"email": "alice@example.com", "email_verified": 1}),
	"a name of nothing":       claims(map[string]any{"name": "  ", "email": ""}),
	"keys of tomorrow": func(p *logintest.Provider) {
		p.Keys = func(own map[string]string) []any {
			return []any{
				map[string]string{"kty": "AKP", "alg": "ML-DSA-44", "kid": own["kid"], "pub": "AAAA"},
				map[string]string{"kty": "OKP", "crv": "Ed448", "kid": own["kid"], "x": "AAAA"}, own,
			}
		}
	},
	"another key of the same id": func(p *logintest.Provider) {
		p.Keys = func(own map[string]string) []any {
			return []any{json.RawMessage(strings.ReplaceAll(`{"kty":"EC","kid":"ID","alg":"ES256","use":"sig","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}`, "ID", own["kid"])), own}
		}
	},
}

// TestStrangeProviders_SignPeopleIn: members of a wrong type that a sign-in does not
// need, JSON under another media type, and answers that lack what is not used cost nobody
// a sign-in.
func TestStrangeProviders_SignPeopleIn(t *testing.T) {
	for name, quirk := range harmless {
		t.Run(name, func(t *testing.T) {
			p := provider(t)
			quirk(p)
			got, err := signIn(t, p, nil)
			if err != nil || got.Subject != "alice" {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
}

// TestStrangeProviders_LogoutTokens end what they name.
func TestStrangeProviders_LogoutTokens(t *testing.T) {
	const event = "http://schemas.openid.net/event/backchannel-logout"
	for name, told := range map[string]jwt.MapClaims{
		"several events":   {"events": map[string]any{"https://id.example/event": []int{1}, event: map[string]any{}}},
		"an event of null": {"events": map[string]any{event: nil}},
		"several aud":      {"aud": []string{"other", logintest.ClientID}},
		"a nonce of null":  {"nonce": json.RawMessage("null")},
		"iat as a string":  {"iat": "1800000000"},
		"exp null":         {"exp": json.RawMessage("null")},
		"trace beside":     {"trace_id": []any{nil}},
		"amr a number":     {"amr": 5, "email": nil, "toe": "soon"},
	} {
		p := provider(t)
		got, err := client(p).ReadLogoutToken(t.Context(), logoutToken(p, "logout+jwt", told), now)
		if err != nil || got.SessionID != "1" || got.Subject != "alice" {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}
