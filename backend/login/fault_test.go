package login_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/web-demo/idp"
	"github.com/tabard-auth/tabard/web-demo/idp/logintest"
)

func fails(path string, f idp.Fault) func(*logintest.Provider) {
	return func(p *logintest.Provider) { p.Faults = map[string]idp.Fault{path: f} }
}

// deploymentFaults are lies of a provider that are faults of a deployment, with the
// provider's own message.
var deploymentFaults = map[string]struct {
	lie  func(*logintest.Provider)
	want login.Fault
	says string
}{
	"client secret expired":  {fails("/token", idp.Fault{Status: 401, Error: "invalid_client", Description: "AADSTS7000222: The provided client secret keys are expired."}), login.FaultClient, "AADSTS7000222"},
	"client may not":         {fails("/token", idp.Fault{Status: 400, Error: "unauthorized_client", Description: "grant type not allowed"}), login.FaultClient, "grant type not allowed"},
	"client refused, bare":   {fails("/token", idp.Fault{Status: 401, Body: "go away", ContentType: "text/plain"}), login.FaultClient, "go away"},
	"redirect URI":           {fails("/token", idp.Fault{Status: 400, Error: "invalid_request", Description: "redirect_uri mismatch"}), login.FaultRequest, "redirect_uri mismatch"},
	"token endpoint fails":   {fails("/token", idp.Fault{Status: 503, Body: "maintenance until ten", ContentType: "text/plain"}), login.FaultAway, "maintenance until ten"},
	"too many requests":      {fails("/token", idp.Fault{Status: 429, Error: "slow_down"}), login.FaultAway, "slow_down"},
	"key set broken":         {fails("/jwks.json", idp.Fault{Status: 200, Body: "<html>", ContentType: "text/html"}), login.FaultKeys, "key set"},
	"key set fails":          {fails("/jwks.json", idp.Fault{Status: 500}), login.FaultKeys, "500"},
	"key not in the set":     {signed(foreignKey), login.FaultKeys, "signature"},
	"token of another":       {claim("aud", "other"), login.FaultToken, "audience"},
	"issuer of another":      {claim("iss", "https://evil.example"), login.FaultToken, "evil.example"},
	"no nonce":               {claim("nonce", nil), login.FaultToken, "nonce is missing"},
	"nonce null":             {claim("nonce", json.RawMessage("null")), login.FaultToken, "nonce is missing"},
	"no sub":                 {claim("sub", nil), login.FaultToken, "sub is missing"},
	"sub null":               {claim("sub", json.RawMessage("null")), login.FaultToken, "sub is missing"},
	"sub too long":           {claim("sub", strings.Repeat("a", 256)), login.FaultToken, "255 bytes"},
	"a session that ended":   {claim("session_expiry", now-1), login.FaultToken, "session_expiry is 1799999999, 1 s ago"},
	"userinfo of another":    {func(p *logintest.Provider) { p.UserInfo = func(c map[string]any) { c["sub"] = "bob" } }, login.FaultToken, "userinfo: sub"},
	"iss spelled otherwise":  {answer("iss", issuer+"/"), login.FaultReported, "from issuer"},
	"iss promised":           {answer("iss", ""), login.FaultReported, "authorization_response_iss_parameter_supported"},
	"neither code nor error": {answer("code", ""), login.FaultReported, "no code"},
	"a malformed error":      {func(p *logintest.Provider) { p.Answer = refusing("a\nb") }, login.FaultReported, "malformed error"},
	"too many tokens":        {endpoint("/token", enormous), login.FaultAway, "its token endpoint: Post \"https://id.example/token\": the answer is larger than 1 MiB"},
	"too much metadata":      {endpoint("/.well-known/openid-configuration", enormous), login.FaultAway, "the answer is larger than 1 MiB"},
	"too many keys":          {endpoint("/jwks.json", enormous), login.FaultKeys, "the answer is larger than 1 MiB"},
	"too much of a push": {func(p *logintest.Provider) {
		p.PushedRequests = idp.PushRequired
		endpoint("/par", enormous)(p)
	}, login.FaultAway, "its endpoint for pushed requests: the answer is larger than 1 MiB"},
	"clock behind":  {claim("exp", now-61), login.FaultClock, "NTP"},
	"clock ahead":   {claim("iat", now+61), login.FaultClock, "61 s ahead"},
	"metadata fail": {fails("/.well-known/openid-configuration", idp.Fault{Status: 502}), login.FaultAway, "502"},
	"server error, by browser": {func(p *logintest.Provider) {
		p.Answer = func(v url.Values) {
			v.Del("code")
			v.Set("error", "server_error")
			v.Set("error_description", "ORA-00942")
		}
	}, login.FaultReported, "ORA-00942"},
	"client refused, with 200":   {fails("/token", idp.Fault{Status: 200, Error: "invalid_client", Description: "expired"}), login.FaultClient, "expired"},
	"another error, with 200":    {fails("/token", idp.Fault{Status: 200, Error: "bad_verification_code"}), login.FaultRequest, "bad_verification_code"},
	"away, with 200":             {fails("/token", idp.Fault{Status: 200, Error: "temporarily_unavailable"}), login.FaultAway, "temporarily_unavailable"},
	"server error, with 400":     {fails("/token", idp.Fault{Status: 400, Error: "server_error"}), login.FaultAway, "server_error"},
	"a time-out of a proxy":      {fails("/token", idp.Fault{Status: 408, Body: "timeout", ContentType: "text/plain"}), login.FaultAway, "timeout"},
	"too early":                  {fails("/token", idp.Fault{Status: 425, Body: "early", ContentType: "text/plain"}), login.FaultAway, "early"},
	"an error that is an object": {fails("/token", idp.Fault{Status: 400, Body: `{"error":{"code":"x17"}}`, ContentType: "application/json"}), login.FaultRequest, "x17"},
	"push refused, with 200": {func(p *logintest.Provider) {
		p.PushedRequests = idp.PushRequired
		fails("/par", idp.Fault{Status: 200, Error: "invalid_client", Description: "expired"})(p)
	}, login.FaultClient, "expired"},
	"push refused": {func(p *logintest.Provider) {
		p.PushedRequests = idp.PushRequired
		fails("/par", idp.Fault{Status: 400, Error: "invalid_redirect_uri", Description: "not registered"})(p)
	}, login.FaultRequest, "not registered"},
	"push away": {func(p *logintest.Provider) {
		p.PushedRequests = idp.PushRequired
		fails("/par", idp.Fault{Status: 500})(p)
	}, login.FaultAway, "500"},
}

// TestFault_Deployment checks that a fault of the deployment is distinguished from a
// refusal, with the provider's own message.
func TestFault_Deployment(t *testing.T) {
	for name, test := range deploymentFaults {
		t.Run(name, func(t *testing.T) {
			p := provider(t)
			test.lie(p)
			_, err := signIn(t, p, nil)
			if got := login.FaultOf(err); got != test.want || err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%q, want %q with %q: %v", got, test.want, test.says, err)
			}
		})
	}
}

func TestFault_RefusalOfPerson(t *testing.T) {
	for name, lie := range map[string]func(*logintest.Provider){
		"access_denied":             func(p *logintest.Provider) { p.Answer = refusing("access_denied") },
		"login_required":            func(p *logintest.Provider) { p.Answer = refusing("login_required") },
		"code of another":           answer("code", "guess"),
		"code refused with 200":     fails("/token", idp.Fault{Status: 200, Error: "invalid_grant"}),
		"code refused with 401":     fails("/token", idp.Fault{Status: 401, Error: "invalid_grant"}),
		"code refused with 403":     fails("/token", idp.Fault{Status: 403, Error: "invalid_grant", Description: "expired"}),
		"code refused, with a list": fails("/token", idp.Fault{Status: 400, Body: `{"error":"invalid_grant","error_description":["x"]}`, ContentType: "application/json"}),
		"nonce of another":          claim("nonce", "other"),
	} {
		p := provider(t)
		lie(p)
		_, err := signIn(t, p, nil)
		if refused := (*login.Refused)(nil); !errors.As(err, &refused) || login.FaultOf(err) != "" {
			t.Errorf("%s: fault %q, %v", name, login.FaultOf(err), err)
		}
	}
}

func refusing(code string) func(url.Values) {
	return func(v url.Values) {
		v.Del("code")
		v.Set("error", code)
	}
}

// TestFault_TextIsBounded checks that the text is limited and contains no secret.
func TestFault_TextIsBounded(t *testing.T) {
	p := provider(t)
	var code string
	p.Endpoints = map[string]http.HandlerFunc{"/token": func(w http.ResponseWriter, r *http.Request) {
		code = r.PostFormValue("code")
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusUnauthorized)
		w.Write([]byte(`{"error":"invalid_client","error_description":"line\nlevel=ERROR \u001b[31m` + code + ` ` + logintest.ClientSecret + strings.Repeat("x", 5000) + `"}`))
	}}
	_, err := signIn(t, p, nil)
	if err == nil {
		t.Fatal("nothing was refused")
	}
	text := err.Error()
	if len(text) > 500 || strings.ContainsAny(text, "\n\x1b") || strings.Contains(text, code) || strings.Contains(text, logintest.ClientSecret) {
		t.Errorf("it says %q", text)
	}
}

// TestFault_LogoutToken checks that a logout token, which anybody can send, causes no
// fault.
func TestFault_LogoutToken(t *testing.T) {
	p := provider(t)
	_, err := client(p).ReadLogoutToken(t.Context(), p.LogoutToken("logout+jwt", jwt.MapClaims{"iss": "https://evil.example"}), now)
	wantRefused(t, err, "invalid_response")
}

// TestFault_PushedByAnybody: what a link can choose, such as acr_values, makes a refusal of
// the pushed request no fault of the deployment's for certain.
func TestFault_PushedByAnybody(t *testing.T) {
	for asked, want := range map[string]login.Fault{"": login.FaultRequest, "urn:none": login.FaultReported} {
		p := provider(t)
		p.PushedRequests = idp.PushRequired
		fails("/par", idp.Fault{Status: 400, Error: "invalid_request", Description: "unknown acr"})(p)
		_, err := signInWith(t, client(p), p, func(a *login.Attempt) { a.ACRValues = asked })
		if got := login.FaultOf(err); got != want || !strings.Contains(err.Error(), "unknown acr") {
			t.Errorf("acr_values %q: %q, want %q: %v", asked, got, want, err)
		}
	}
}

// TestFault_TimesThatCannotBeRead: no clock is wrong if a token does not say until when it
// is valid.
func TestFault_TimesThatCannotBeRead(t *testing.T) {
	for name, lie := range map[string]func(*logintest.Provider){
		"no exp": claim("exp", nil), "exp null": claim("exp", json.RawMessage("null")), "exp a text": claim("exp", "x"),
		"exp beyond all times": claim("exp", json.RawMessage("1e20")), "exp an object": claim("exp", map[string]any{"at": now}),
		"exp zero": claim("exp", 0), "exp NaN": claim("exp", "NaN"), "no iat": claim("iat", nil), "iat a text": claim("iat", "x"), "iat a list": claim("iat", []any{now}),
	} {
		p := provider(t)
		lie(p)
		_, err := signIn(t, p, nil)
		if login.FaultOf(err) != login.FaultToken || strings.Contains(err.Error(), "clock") || !strings.Contains(err.Error(), strings.Fields(strings.TrimPrefix(name, "no "))[0]) {
			t.Errorf("%s: fault %q, %v", name, login.FaultOf(err), err)
		}
	}
}

// TestFault_LargeToken: a token that is too large says what to change.
func TestFault_LargeToken(t *testing.T) {
	p := provider(t)
	claim("groups", strings.Repeat("g", 70_000))(p)
	if _, err := signIn(t, p, nil); login.FaultOf(err) != login.FaultToken || !strings.Contains(err.Error(), "groups") {
		t.Errorf("fault %q, %v", login.FaultOf(err), err)
	}
}
