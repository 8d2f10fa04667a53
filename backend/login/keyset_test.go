package login_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
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

// TestKeySet_UnneededMembers checks that the only key signs people in whatever its other
// members are, and that its own ones may be written as providers do.
func TestKeySet_UnneededMembers(t *testing.T) {
	for name, change := range map[string]func(key map[string]any){
		"kid a number":        func(k map[string]any) { k["kid"] = 5 },
		"kid null":            func(k map[string]any) { k["kid"] = nil },
		"use a list":          func(k map[string]any) { k["use"] = []string{"sig"} },
		"use a number":        func(k map[string]any) { k["use"] = 1 },
		"another use":         func(k map[string]any) { k["use"] = "signing" },
		"key_ops a text":      func(k map[string]any) { k["key_ops"] = "verify" },
		"key_ops an object":   func(k map[string]any) { k["key_ops"] = map[string]any{} },
		"x5t malformed":       func(k map[string]any) { k["x5t"] = "!!" },
		"x5t of another size": func(k map[string]any) { k["x5t"], k["x5t#S256"] = "AAAA", "AAAA" },
		"x5t a number":        func(k map[string]any) { k["x5t"], k["x5t#S256"] = 5, 5 },
		"x5u malformed":       func(k map[string]any) { k["x5u"] = ":" },
		"x5u a number":        func(k map[string]any) { k["x5u"] = 5 },
		"x5c malformed":       func(k map[string]any) { k["x5c"] = []string{"AAAA"} },
		"x5c a text":          func(k map[string]any) { k["x5c"] = "AAAA" },
		"alg a number":        func(k map[string]any) { k["alg"] = 5 },
		"alg a family":        func(k map[string]any) { k["alg"] = "RSA" },
		"exp a list":          func(k map[string]any) { k["exp"] = []int{1} },
		"d null":              func(k map[string]any) { k["d"] = nil },
		"other spellings":     func(k map[string]any) { k["Kty"], k["N"], k["X"], k["D"] = "oct", "AAAA", "AAAA", "AAAA" },
		"padded": func(k map[string]any) {
			for _, name := range []string{"n", "e", "x", "y"} {
				if text, ok := k[name].(string); ok {
					k[name] = text + strings.Repeat("=", (4-len(text)%4)%4)
				}
			}
		},
		"the other alphabet": func(k map[string]any) {
			for _, name := range []string{"n", "x", "y"} {
				if text, ok := k[name].(string); ok {
					k[name] = strings.NewReplacer("-", "+", "_", "/").Replace(text)
				}
			}
		},
		"e a number": func(k map[string]any) {
			if k["kty"] == "RSA" {
				k["e"] = 65537
			}
		},
	} {
		for _, algorithm := range []string{"ES256", "RS256"} {
			p := provider(t)
			p.ReplaceKeyWith("1", algorithm)
			p.Keys = func(own map[string]string) []any {
				key := map[string]any{}
				for name, value := range own {
					key[name] = value
				}
				change(key)
				return []any{key}
			}
			c := client(p)
			if _, err := signInAt(t, c, p, nil); err != nil {
				t.Errorf("%s, %s: sign-in: %v", name, algorithm, err)
			}
			if _, err := c.ReadLogoutToken(t.Context(), logoutToken(p, "logout+jwt", nil), now); err != nil {
				t.Errorf("%s, %s: logout: %v", name, algorithm, err)
			}
		}
	}
}

// TestKeySet_ManyKeys checks that the key of a token is found behind 2,000 others, and that
// a token that names none of them is not tried with all.
func TestKeySet_ManyKeys(t *testing.T) {
	p := provider(t)
	p.Keys = func(own map[string]string) []any {
		var all []any
		for i := range 2000 {
			all = append(all, json.RawMessage(strings.Replace(otherKey, "{", `{"kid":"other `+strconv.Itoa(i)+`",`, 1)))
		}
		return append(all, own)
	}
	c := client(p)
	if _, err := signInAt(t, c, p, nil); err != nil {
		t.Errorf("sign-in: %v", err)
	}
	if _, err := c.ReadLogoutToken(t.Context(), logoutToken(p, "logout+jwt", nil), now); err != nil {
		t.Errorf("logout: %v", err)
	}
	p.Sign = (*logintest.Provider).WithoutID
	if _, err := signInAt(t, c, p, nil); login.FaultOf(err) != login.FaultKeys || !strings.Contains(err.Error(), "no kid") {
		t.Errorf("without kid: %v", err)
	}
}

// TestKeySet_ExactNames checks that a member of another name is no list of keys.
func TestKeySet_ExactNames(t *testing.T) {
	for _, name := range []string{"Keys", "KEYS", "keyſ"} {
		p := provider(t)
		answer := func(w http.ResponseWriter, keys []any) {
			json.NewEncoder(w).Encode(map[string]any{name: keys})
		}
		p.Endpoints = map[string]http.HandlerFunc{"/jwks.json": func(w http.ResponseWriter, r *http.Request) {
			p.Keys = func(own map[string]string) []any { return []any{own} }
			recorder := httptest.NewRecorder()
			endpoints := p.Endpoints
			p.Endpoints = nil
			p.ServeHTTP(recorder, r)
			p.Endpoints = endpoints
			var set struct {
				Keys []any `json:"keys"`
			}
			if err := json.Unmarshal(recorder.Body.Bytes(), &set); err != nil || len(set.Keys) != 1 {
				t.Fatal(recorder.Body)
			}
			answer(w, set.Keys)
		}}
		if _, err := signIn(t, p, nil); login.FaultOf(err) != login.FaultKeys || !strings.Contains(err.Error(), `no list "keys"`) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestKeySet_EncryptionKey: nor does one that has the kid of the token.
func TestKeySet_EncryptionKey(t *testing.T) {
	p := provider(t)
	p.Keys = func(own map[string]string) []any { own["use"] = "enc"; return []any{own, json.RawMessage(otherKey)} }
	if _, err := signIn(t, p, nil); login.FaultOf(err) != login.FaultKeys {
		t.Errorf("fault %q, %v", login.FaultOf(err), err)
	}
}

// headers are headers of tokens with members that nobody needs, in broken forms.
var headers = map[string]string{
	"kid a number": `{"alg":"ALG","kid":5}`, "kid an object": `{"alg":"ALG","kid":{}}`, "kid null": `{"alg":"ALG","kid":null}`,
	"x5c broken": `{"alg":"ALG","kid":"1","x5c":["AAAA"]}`, "x5c a number": `{"alg":"ALG","kid":"1","x5c":5}`,
	"jwk empty": `{"alg":"ALG","kid":"1","jwk":{}}`, "jwk a text": `{"alg":"ALG","kid":"1","jwk":"x"}`, "nonce a number": `{"alg":"ALG","kid":"1","nonce":5}`,
	"typ a number": `{"alg":"ALG","kid":"1","typ":5,"x5c":5}`,
}

// TestHeader_UnneededMembers checks that such a header refuses nobody, that the keys are
// fetched once for all, and that the signature is verified as ever.
func TestHeader_UnneededMembers(t *testing.T) {
	for name, header := range headers {
		for _, algorithm := range []string{"ES256", "RS256"} {
			p := provider(t)
			p.ReplaceKeyWith("1", algorithm)
			signing := p
			p.Sign = func(_ *logintest.Provider, c jwt.MapClaims) string {
				return signing.SignedUnder(strings.ReplaceAll(header, "ALG", algorithm), string(marshal(t, c)))
			}
			c, fetched := client(p), countFetches(p)
			for range 2 {
				if got, err := signInAt(t, c, p, nil); err != nil || got.Subject != "alice" {
					t.Fatalf("%s, %s: %v", name, algorithm, err)
				}
			}
			if *fetched != 1 {
				t.Errorf("%s, %s: the keys were fetched %d times", name, algorithm, *fetched)
			}
			p.ReplaceKeyWith("1", algorithm) // under the same id
			_, err := signInAt(t, c, p, nil)
			for range 100 { // go-oidc may be about to forget the first fetch, and share it
				if *fetched > 1 {
					break
				}
				_, err = signInAt(t, c, p, nil)
			}
			if err != nil || *fetched != 2 {
				t.Errorf("%s, %s: by a new key after %d fetches: %v", name, algorithm, *fetched, err)
			}
			signing = provider(t)
			signing.ReplaceKeyWith("1", algorithm)
			if _, err := signInAt(t, c, p, nil); login.FaultOf(err) != login.FaultKeys {
				t.Errorf("%s, %s: by another's key: %v", name, algorithm, err)
			}
		}
	}
}

// TestHeader_Refused checks that no header lets through what go-jose refuses with reason.
func TestHeader_Refused(t *testing.T) {
	for _, header := range []string{
		`{"alg":"ES256","kid":5,"crit":["exp"],"exp":1}`, `{"alg":"ES256","kid":5,"crit":["b64"],"b64":false}`, `{"alg":"ES256","kid":5,"b64":false}`, `{"alg":"ES256","kid":5,"crit":[]}`,
		`{"alg":"none","kid":5}`, `{"alg":"HS256","kid":5}`, `{"alg":"ES384","kid":5}`, `{"kid":5}`, `{"alg":5,"kid":5}`, `{"alg":"ES256","alg":"ES256","kid":5}`, `{"ALG":"ES256","kid":5}`,
	} {
		p := provider(t)
		p.Sign = func(p *logintest.Provider, c jwt.MapClaims) string {
			return p.SignedUnder(header, string(marshal(t, c)))
		}
		if _, err := signIn(t, p, nil); err == nil {
			t.Errorf("%s signs in", header)
		}
		p.Sign = func(p *logintest.Provider, c jwt.MapClaims) string {
			_, rest, _ := strings.Cut(p.SignedUnder(`{"alg":"ES256","kid":"1"}`, string(marshal(t, c))), ".")
			return base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + rest
		}
		if _, err := signIn(t, p, nil); err == nil {
			t.Errorf("%s signs in by the signature of another header", header)
		}
	}
}

// TestHeader_LogoutToken checks that such a header costs no sign-out, and that forged ones
// of unknown keys share one request for the keys.
func TestHeader_LogoutToken(t *testing.T) {
	p := provider(t)
	told := jwt.MapClaims{
		"iss": issuer, "aud": logintest.ClientID, "sub": "alice", "iat": now, "jti": "1",
		"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}},
	}
	header := `{"alg":"ES256","typ":"logout+jwt","kid":"KID","x5c":["AAAA"]}`
	c, fetched := client(p), countFetches(p)
	if _, err := c.ReadLogoutToken(t.Context(), p.SignedUnder(strings.Replace(header, "KID", "1", 1), string(marshal(t, told))), now); err != nil {
		t.Error(err)
	}
	for _, kid := range []string{"1", "2", "3"} {
		forged := logintest.New(t, issuer).SignedUnder(strings.Replace(header, "KID", kid, 1), string(marshal(t, told)))
		if _, err := c.ReadLogoutToken(t.Context(), forged, now); err == nil || (kid != "1") != errors.Is(err, login.ErrKeysPaused) {
			t.Errorf("a forged token of key %s: %v", kid, err)
		}
	}
	if *fetched != 1 {
		t.Errorf("the keys were fetched %d times", *fetched)
	}
}

func marshal(t *testing.T, claims jwt.MapClaims) []byte {
	text, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// countFetches counts the requests for a provider's keys.
func countFetches(p *logintest.Provider) *int {
	fetched := new(int)
	p.Keys = func(own map[string]string) []any {
		*fetched++
		return []any{own}
	}
	return fetched
}
