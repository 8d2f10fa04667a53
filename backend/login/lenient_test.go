package login_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
	"github.com/tabard-auth/tabard/web-demo/idp/logintest"
)

// TestIdentityToken_WrongTypesIgnored checks that unreadable claims count as absent.
func TestIdentityToken_WrongTypesIgnored(t *testing.T) {
	type read struct {
		acr, sid string
		amr      string
		authTime int64
	}
	honest := read{"1", "upstream-alice", "pwd", now}
	with := func(change func(*read)) read {
		r := honest
		change(&r)
		return r
	}
	for name, test := range map[string]struct {
		told map[string]any
		want read
	}{
		"amr a string":              {map[string]any{"amr": "mfa"}, with(func(r *read) { r.amr = "mfa" })},
		"amr a number":              {map[string]any{"amr": 5}, with(func(r *read) { r.amr = "" })},
		"amr an object":             {map[string]any{"amr": map[string]any{"pwd": true}}, with(func(r *read) { r.amr = "" })},
		"amr of several types":      {map[string]any{"amr": []any{"mfa", 5, nil, []string{"x"}}}, with(func(r *read) { r.amr = "mfa" })},
		"acr a number":              {map[string]any{"acr": 1}, with(func(r *read) { r.acr = "" })},
		"acr a list":                {map[string]any{"acr": []string{"1"}}, with(func(r *read) { r.acr = "" })},
		"acr null":                  {map[string]any{"acr": json.RawMessage("null")}, with(func(r *read) { r.acr = "" })},
		"sid a number":              {map[string]any{"sid": 12345}, with(func(r *read) { r.sid = "12345" })},
		"sid a large number":        {map[string]any{"sid": json.RawMessage("9007199254740993")}, with(func(r *read) { r.sid = "9007199254740993" })},
		"sid too long":              {map[string]any{"sid": strings.Repeat("a", 256)}, with(func(r *read) { r.sid = "" })},
		"acr too long":              {map[string]any{"acr": strings.Repeat("a", 257)}, with(func(r *read) { r.acr = "" })},
		"amr too many":              {map[string]any{"amr": strings.Split(strings.Repeat("pwd ", 100), " ")}, with(func(r *read) { r.amr = "" })},
		"sid a fraction":            {map[string]any{"sid": 1.5}, with(func(r *read) { r.sid = "" })},
		"sid an object":             {map[string]any{"sid": map[string]any{}}, with(func(r *read) { r.sid = "" })},
		"auth_time a fraction":      {map[string]any{"auth_time": now - 10 + 0.5}, with(func(r *read) { r.authTime = now - 10 })},
		"auth_time a string":        {map[string]any{"auth_time": "1799999990"}, with(func(r *read) { r.authTime = now - 10 })},
		"auth_time an exponent":     {map[string]any{"auth_time": json.RawMessage("1.8e9")}, honest},
		"auth_time no number":       {map[string]any{"auth_time": "yesterday"}, with(func(r *read) { r.authTime = 0 })},
		"auth_time of milliseconds": {map[string]any{"auth_time": now * 1000}, with(func(r *read) { r.authTime = 0 })},
		"auth_time beyond measure":  {map[string]any{"auth_time": json.RawMessage("1e400")}, with(func(r *read) { r.authTime = 0 })},
		"auth_time infinite":        {map[string]any{"auth_time": "Inf"}, with(func(r *read) { r.authTime = 0 })},
		"auth_time a truth":         {map[string]any{"auth_time": true}, with(func(r *read) { r.authTime = 0 })},
		"exp a fraction":            {map[string]any{"exp": now + 300.5}, honest},
		"iat a fraction":            {map[string]any{"iat": now - 0.5}, honest},
		"nbf of no use":             {map[string]any{"nbf": "soon"}, honest},
		"at_hash a number":          {map[string]any{"at_hash": 7}, honest},
		"azp null":                  {map[string]any{"azp": json.RawMessage("null")}, honest},
		"name and email of no use":  {map[string]any{"name": []string{"A"}, "email": 7}, honest},
		"distributed claims":        {map[string]any{"_claim_names": map[string]any{"groups": "src1"}}, honest},
		"strange claim sources":     {map[string]any{"_claim_names": "groups", "_claim_sources": []any{1}}, honest},
		"names of other cases":      {map[string]any{"Amr": 1, "SID": 2, "NBF": "x", "Azp": []int{1}, "AT_HASH": 1}, honest},
	} {
		t.Run(name, func(t *testing.T) {
			p := provider(t)
			claims(test.told)(p)
			got, err := signIn(t, p, nil)
			if read := (read{got.ACR, got.SessionID, strings.Join(got.AMR, ","), got.AuthTime}); err != nil || read != test.want {
				t.Errorf("%+v, want %+v; %v", read, test.want, err)
			}
		})
	}
}

func TestIdentityToken_SeveralAudiences(t *testing.T) {
	for _, azp := range []any{nil, logintest.ClientID} {
		p := provider(t)
		withAudiences(azp)(p)
		if _, err := signIn(t, p, nil); err != nil {
			t.Errorf("azp %v: %v", azp, err)
		}
	}
}

func TestIdentityToken_ProviderClockBehind(t *testing.T) {
	for _, ago := range []int64{1, 5, 60} {
		p := provider(t)
		claim("exp", now-ago)(p)
		if _, err := signIn(t, p, nil); err != nil {
			t.Errorf("exp %d s past: %v", ago, err)
		}
	}
}

// logoutToken returns a logout token for alice with replaced claims. Nil removes a
// claim.
func logoutToken(p *logintest.Provider, typ string, told jwt.MapClaims) string {
	all := jwt.MapClaims{
		"iss": issuer, "aud": logintest.ClientID, "sub": "alice", "sid": "1", "iat": now, "jti": "1",
		"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}},
	}
	maps.Copy(all, told)
	maps.DeleteFunc(all, func(_ string, value any) bool { return value == nil })
	return p.LogoutToken(typ, all)
}

func TestLogoutToken_WrongTypes(t *testing.T) {
	for name, test := range map[string]struct {
		told jwt.MapClaims
		sid  string
	}{
		"exp a fraction":       {jwt.MapClaims{"exp": now + 100.25}, "1"},
		"iat a fraction":       {jwt.MapClaims{"iat": now - 0.25}, "1"},
		"sid a number":         {jwt.MapClaims{"sub": nil, "sid": 12345}, "12345"},
		"sid null":             {jwt.MapClaims{"sid": json.RawMessage("null")}, ""},
		"sid empty":            {jwt.MapClaims{"sid": ""}, ""},
		"no sid":               {jwt.MapClaims{"sid": nil}, ""},
		"sub an object":        {jwt.MapClaims{"sub": map[string]any{}}, "1"},
		"sub a number":         {jwt.MapClaims{"sub": 5}, "1"},
		"sub null":             {jwt.MapClaims{"sub": json.RawMessage("null")}, "1"},
		"jti a number":         {jwt.MapClaims{"jti": 5}, "1"},
		"jti an object":        {jwt.MapClaims{"jti": map[string]any{"id": 5}}, "1"},
		"at_hash a number":     {jwt.MapClaims{"at_hash": 1}, "1"},
		"names of other cases": {jwt.MapClaims{"Sid": 1, "JTI": 5, "NONCE": "x"}, "1"},
	} {
		p := provider(t)
		got, err := client(p).ReadLogoutToken(t.Context(), logoutToken(p, "logout+jwt", test.told), now)
		if err != nil || got.SessionID != test.sid {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	for name, told := range map[string]jwt.MapClaims{
		"exp in the past": {"exp": now - 61.5},
		"neither":         {"sub": nil, "sid": nil},
		"sub a list":      {"sub": []string{"alice"}, "sid": nil},
		"sid a list":      {"sid": []string{"1"}},
		"sid an object":   {"sid": map[string]any{"id": "1"}},
		"sid a fraction":  {"sid": 1.5},
		"sid a boolean":   {"sid": true},
		"sid too long":    {"sid": strings.Repeat("1", 256)},
		"sid no text":     {"sid": "1\x00"},
		"iss a number":    {"iss": 5},
		"no jti":          {"jti": nil},
		"jti null":        {"jti": json.RawMessage("null")},
		"exp of no use":   {"exp": "soon"},
	} {
		p := provider(t)
		_, err := client(p).ReadLogoutToken(t.Context(), logoutToken(p, "logout+jwt", told), now)
		if wantRefused(t, err, "invalid_response"); err == nil {
			t.Errorf("%s: not refused", name)
		}
	}
}

// modulus is one of 2,048 bits.
var modulus = strings.Repeat("x", 342)

func rsaJWK(n, e string) string { return `{"kty":"RSA","kid":"bad","n":"` + n + `","e":"` + e + `"}` }

// brokenKeys are unreadable members of a key set.
var brokenKeys = map[string]string{
	"no y":          `{"kty":"EC","kid":"bad","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"}`,
	"padding":       `{"kty":"RSA","kid":"bad","n":"sXchDQ==","e":"AQAB"}`,
	"no kty":        `{"kid":"bad","crv":"P-256"}`,
	"no point":      `{"kty":"EC","kid":"bad","crv":"P-256","x":"AAAA","y":"AAAA"}`,
	"alg a number":  `{"kty":"EC","kid":"bad","alg":5}`,
	"private":       `{"kty":"OKP","kid":"bad","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}`,
	"symmetric":     `{"kty":"oct","kid":"bad","k":"AAAA"}`,
	"e a text":      `{"kty":"RSA","kid":"bad","n":"` + strings.Repeat("x", 342) + `","e":"65537"}`,
	"other names":   `{"KTY":"EC","kid":"bad","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}`,
	"no bytes of e": rsaJWK(modulus, ""),
	"e zero":        rsaJWK(modulus, "AA"),
	"e many zeros":  rsaJWK(modulus, strings.Repeat("A", 400)),
	"e one":         rsaJWK(modulus, "AQ"),
	"e even":        rsaJWK(modulus, "AQAC"),
	"e too large":   rsaJWK(modulus, "AQAAAAE"),
	"e wraps":       rsaJWK(modulus, "AQAAAAAAAAAAAQAB"),
	"n zero":        rsaJWK(strings.Repeat("A", 342), "AQAB"),
	"n short":       rsaJWK(strings.Repeat("A", 342)+"B", "AQAB"),
	"n even":        rsaJWK(strings.Repeat("g", 342), "AQAB"),
	"n enormous":    rsaJWK(strings.Repeat("_", 60_000), "AQAB"),
	"x short":       `{"kty":"OKP","kid":"bad","crv":"Ed25519","x":"AAAA"}`,
	"x long":        `{"kty":"OKP","kid":"bad","crv":"Ed25519","x":"` + strings.Repeat("A", 64) + `"}`,
	"x empty":       `{"kty":"OKP","kid":"bad","crv":"Ed25519","x":""}`,
	"another curve": `{"kty":"OKP","kid":"bad","crv":"Ed448","x":"AAAA"}`,
	"no curve":      `{"kty":"OKP","kid":"bad","x":"AAAA"}`,
	"curve of EC":   `{"kty":"EC","kid":"bad","crv":"secp256k1","x":"AAAA","y":"AAAA"}`,
	"another kind":  `{"kty":"AKP","kid":"bad","pub":"AAAA"}`,
	"no k":          `{"kty":"oct","kid":"bad"}`,
	"null":          `null`,
	"a string":      `"bad"`,
	"a list":        `[]`,
}

// TestKeySet_BrokenKeyIgnored checks this for sign-ins and logouts, at any position.
func TestKeySet_BrokenKeyIgnored(t *testing.T) {
	for name, bad := range brokenKeys {
		for _, first := range []bool{true, false} {
			p := provider(t)
			withKey(p, strings.Replace(bad, `"bad"`, `"1"`, 1), first) // the id of the good one
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

// withKey makes the provider publish another key besides its own.
func withKey(p *logintest.Provider, key string, first bool) {
	p.Keys = func(own map[string]string) []any {
		keys := []any{own, json.RawMessage(key)}
		if first {
			slices.Reverse(keys)
		}
		return keys
	}
}

// TestReadKeySet_NamesTheBrokenKeys checks the errors for the provider's
// administrators.
func TestReadKeySet_NamesTheBrokenKeys(t *testing.T) {
	for name, bad := range brokenKeys {
		set, err := login.ReadKeySet([]byte(`{"keys":[` + bad + `]}`))
		if err != nil || len(set.Keys) != 0 || len(set.Broken) != 1 || !strings.Contains(set.Broken[0].Error(), "key 1") {
			t.Errorf("%s: %+v, %v", name, set, err)
		}
		if err == nil && strings.Contains(bad, `"bad",`) && !strings.Contains(set.Broken[0].Error(), `"bad"`) {
			t.Errorf("%s: %v does not name it", name, set.Broken)
		}
	}
}

// TestLogoutToken_Untyped checks that the setting allows such tokens, and that other
// claims still distinguish them from other tokens.
func TestLogoutToken_Untyped(t *testing.T) {
	p := provider(t)
	of := func(untyped bool) *login.Provider {
		return login.New(login.Config{
			Issuer: issuer, ClientID: logintest.ClientID, ClientSecret: logintest.ClientSecret,
			RedirectURL: callback, Transport: httpbrowser.Hosts{"id.example": p}, UntypedLogoutTokens: untyped,
		})
	}
	for _, typ := range []string{"JWT", "jwt", "application/jwt", ""} {
		if _, err := of(true).ReadLogoutToken(t.Context(), logoutToken(p, typ, nil), now); err != nil {
			t.Errorf("typ %q: %v", typ, err)
		}
		_, err := of(false).ReadLogoutToken(t.Context(), logoutToken(p, typ, nil), now)
		if wantRefused(t, err, "invalid_response"); err == nil || !strings.Contains(err.Error(), "untyped_logout_tokens") {
			t.Errorf("typ %q without the setting: %v", typ, err)
		}
		for name, told := range map[string]jwt.MapClaims{
			"an identity token":   {"nonce": "n", "events": nil, "exp": now + 300},
			"a nonce":             {"nonce": "n"},
			"no events":           {"events": nil},
			"another event":       {"events": map[string]any{"https://example.com/event": map[string]any{}}},
			"neither sub nor sid": {"sub": nil, "sid": nil},
		} {
			_, err := of(true).ReadLogoutToken(t.Context(), logoutToken(p, typ, told), now)
			if wantRefused(t, err, "invalid_response"); err == nil {
				t.Errorf("typ %q, %s: it ends a session", typ, name)
			}
		}
	}
	if _, err := of(true).ReadLogoutToken(t.Context(), logoutToken(p, "at+jwt", nil), now); err == nil {
		t.Error("an access token ends a session")
	}
}
