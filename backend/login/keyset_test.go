package login_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/web-demo/idp/logintest"
)

// otherKey is the public key of nobody's tokens.
const otherKey = `{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}`

// unnamed returns the provider's own key without kid, among others.
func unnamed(own map[string]string, others ...string) []any {
	delete(own, "kid")
	keys := []any{own}
	for _, other := range others {
		keys = append(keys, json.RawMessage(other))
	}
	return keys
}

// TestKeySet_WithoutID checks that a key without kid verifies tokens with and without one
// (RFC 7517 section 4.5, OpenID Connect Core section 10.1).
func TestKeySet_WithoutID(t *testing.T) {
	encryption := strings.Replace(otherKey, "{", `{"use":"enc",`, 1)
	for name, keys := range map[string]func(own map[string]string) []any{
		"the only key":              func(own map[string]string) []any { return unnamed(own) },
		"beside an encryption key":  func(own map[string]string) []any { return unnamed(own, encryption) },
		"beside another without id": func(own map[string]string) []any { return unnamed(own, otherKey) },
		"beside one of another id": func(own map[string]string) []any {
			return unnamed(own, strings.Replace(otherKey, "{", `{"kid":"2",`, 1))
		},
		"beside a symmetric one": func(own map[string]string) []any { return unnamed(own, `{"kty":"oct","k":"AAAA"}`) },
		"beside a broken one":    func(own map[string]string) []any { return unnamed(own, `{"kty":"RSA"}`) },
		"of no use":              func(own map[string]string) []any { delete(own, "use"); delete(own, "alg"); return unnamed(own) },
		"an empty kid":           func(own map[string]string) []any { own["kid"] = ""; return []any{own} },
	} {
		for _, sign := range []func(*logintest.Provider, jwt.MapClaims) string{nil, (*logintest.Provider).WithoutID} {
			p := provider(t)
			p.Keys, p.Sign = keys, sign
			c := client(p)
			if _, err := signInAt(t, c, p, nil); err != nil {
				t.Errorf("%s: sign-in: %v", name, err)
			}
			if _, err := c.ReadLogoutToken(t.Context(), logoutToken(p, "logout+jwt", nil), now); err != nil {
				t.Errorf("%s: logout: %v", name, err)
			}
		}
	}
}

// TestKeySet_WithoutIDReplaced checks that such a key is fetched once, and again for a
// token that it does not verify.
func TestKeySet_WithoutIDReplaced(t *testing.T) {
	p := provider(t)
	p.Keys = func(own map[string]string) []any { return unnamed(own) }
	c, fetched := client(p), 0
	p.Endpoints = map[string]http.HandlerFunc{"/jwks.json": func(w http.ResponseWriter, r *http.Request) {
		fetched++
		own := p.Endpoints
		p.Endpoints = nil
		p.ServeHTTP(w, r)
		p.Endpoints = own
	}}
	for _, want := range []int{1, 1, 2, 2} {
		if fetched == 1 && want == 2 {
			p.ReplaceKey("2")
		}
		if _, err := signInAt(t, c, p, nil); err != nil || fetched != want {
			t.Errorf("%d fetches, want %d: %v", fetched, want, err)
		}
	}
	other := provider(t)
	p.Sign = func(_ *logintest.Provider, claims jwt.MapClaims) string { return other.WithoutID(claims) }
	if _, err := signInAt(t, c, p, nil); login.FaultOf(err) != login.FaultKeys {
		t.Errorf("a token by another key: %v", err)
	}
}

// TestKeySet_EncryptionKeyWithoutID checks that a key for encryption signs nobody in.
func TestKeySet_EncryptionKeyWithoutID(t *testing.T) {
	p := provider(t)
	p.Keys = func(own map[string]string) []any { own["use"] = "enc"; return unnamed(own) }
	if _, err := signIn(t, p, nil); login.FaultOf(err) != login.FaultKeys {
		t.Errorf("it is %v", err)
	}
}

// TestKeySet_OfAnySize checks that a set of any number of keys costs a bounded number of
// checks, and that the error says so.
func TestKeySet_OfAnySize(t *testing.T) {
	many := strings.Repeat(otherKey+",", 3000)
	set, err := login.ReadKeySet([]byte(`{"keys":[` + strings.TrimSuffix(many, ",") + `]}`))
	if err != nil || len(set.Keys) != 100 || len(set.Broken) != 1 || !strings.Contains(set.Broken[0].Error(), "3000 keys") {
		t.Errorf("%d keys, %v, %v", len(set.Keys), set.Broken, err)
	}
}
