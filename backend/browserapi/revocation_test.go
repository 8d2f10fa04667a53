package browserapi_test

import (
	"cmp"
	"crypto/rand"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/web-demo/idp/logintest"
)

const revocationType = "global-token-revocation+jwt"

// revocation is a request for Global Token Revocation, as Okta documents it.
type revocation struct {
	provider      *logintest.Provider
	path, body    string
	typ, scheme   string
	change        func(jwt.MapClaims)
	authorization string // replaces the signed token
	contentType   string // replaces application/json
}

// revocationOf returns a valid request of a provider for one of its people.
func revocationOf(p *logintest.Provider, path, sub string) revocation {
	return revocation{
		provider: p, path: path, typ: revocationType, scheme: "Bearer", change: func(jwt.MapClaims) {},
		body: `{"sub_id":{"format":"iss_sub","iss":"` + p.Issuer + `","sub":"` + sub + `"}}`,
	}
}

// revoke sends a request without a browser.
func (w *backend) revoke(v revocation) *httptest.ResponseRecorder {
	w.Helper()
	now := w.Now().Unix()
	claims := jwt.MapClaims{"iss": v.provider.Issuer, "sub": v.provider.Issuer, "aud": publicURL + v.path, "iat": now, "nbf": now, "exp": now + 300, "jti": rand.Text()}
	v.change(claims)
	r := httptest.NewRequest(http.MethodPost, publicURL+v.path, strings.NewReader(v.body))
	r.Header.Set("Content-Type", cmp.Or(v.contentType, "application/json"))
	if r.Header.Set("Authorization", v.scheme+" "+v.provider.LogoutToken(v.typ, claims)); v.authorization != "" {
		r.Header.Set("Authorization", v.authorization)
	}
	answer := httptest.NewRecorder()
	w.Hosts["localhost:8080"].ServeHTTP(answer, r)
	return answer
}

// TestGlobalTokenRevocation_EndsSessions: a provider ends the sessions of its own people,
// and gets the same answer for somebody unknown.
func TestGlobalTokenRevocation_EndsSessions(t *testing.T) {
	w := newBackend(t, nil)
	alice, bob := w.signedIn("alice"), w.signedIn("bob")
	for _, sub := range []string{"alice", "nobody"} {
		if got := w.revoke(revocationOf(w.Provider, "/global-token-revocation", sub)); got.Code != http.StatusNoContent {
			t.Fatalf("%s: %d %s\n%s", sub, got.Code, got.Body, w.Logged)
		}
	}
	w.wants(alice.Post("/token", renews), http.StatusUnauthorized, api.SessionRevoked)
	w.mint(bob, "acme")
	w.signIn(alice, "alice")
	w.mint(alice, "acme")
	if ended := w.events(audit.SignOut); len(ended) == 0 || ended[0].Reason != "provider_logout" {
		t.Errorf("the audit log has %+v", ended)
	}
}

// TestGlobalTokenRevocation_Connection: the provider of a connection ends what began
// there, and nothing else, and only at the connection's own address.
func TestGlobalTokenRevocation_Connection(t *testing.T) {
	w := newBackend(t, nil)
	p := w.connect("acme", directory.Provisioning{JustInTime: true, Roles: []string{"viewer"}})
	nina, whole := w.begin("acme", "alice"), w.signedIn("alice")
	if got := w.revoke(revocationOf(p, "/global-token-revocation", "alice")); got.Code != http.StatusUnauthorized {
		t.Errorf("at the workspace's address: %d %s", got.Code, got.Body)
	}
	if got := w.revoke(revocationOf(w.Provider, "/global-token-revocation/con_acme", "alice")); got.Code != http.StatusUnauthorized {
		t.Errorf("by another provider: %d %s", got.Code, got.Body)
	}
	foreign := revocationOf(p, "/global-token-revocation/con_acme", "alice")
	foreign.body = strings.Replace(foreign.body, p.Issuer, issuer, 1)
	if got := w.revoke(foreign); got.Code != http.StatusBadRequest {
		t.Errorf("of another provider's person: %d %s", got.Code, got.Body)
	}
	w.mint(nina, "acme")
	w.mint(whole, "globex")
	if got := w.revoke(revocationOf(p, "/global-token-revocation/con_acme", "alice")); got.Code != http.StatusNoContent {
		t.Fatalf("%d %s", got.Code, got.Body)
	}
	w.wants(nina.Post("/token", renews), http.StatusUnauthorized, api.SessionRevoked)
	w.mint(whole, "globex")
}

// TestGlobalTokenRevocation_Forged: what the provider did not sign for this address, now,
// ends nothing.
func TestGlobalTokenRevocation_Forged(t *testing.T) {
	w := newBackend(t, nil)
	alice := w.signedIn("alice")
	now := w.Now().Unix()
	for name, c := range map[string]struct {
		change func(*revocation)
		status int
	}{
		"without a token":   {func(v *revocation) { v.authorization = "Bearer " }, 401},
		"by another scheme": {func(v *revocation) { v.scheme = "Basic" }, 401},
		"of a logout":       {func(v *revocation) { v.typ = "logout+jwt" }, 401},
		"an identity token": {func(v *revocation) { v.typ = "JWT" }, 401},
		"without a type":    {func(v *revocation) { v.typ = "" }, 401},
		"unsigned":          {func(v *revocation) { v.authorization = "Bearer e30.e30.AAAA" }, 401},
		"for the client":    {func(v *revocation) { v.change = func(c jwt.MapClaims) { c["aud"] = logintest.ClientID } }, 401},
		"for another server": {func(v *revocation) {
			v.change = func(c jwt.MapClaims) { c["aud"] = "https://other.example/global-token-revocation" }
		}, 401},
		"of another issuer": {func(v *revocation) { v.change = func(c jwt.MapClaims) { c["iss"] = "https://evil.example" } }, 401},
		"expired":           {func(v *revocation) { v.change = func(c jwt.MapClaims) { c["exp"] = now - 120 } }, 401},
		"without an end":    {func(v *revocation) { v.change = func(c jwt.MapClaims) { delete(c, "exp") } }, 401},
		"of long ago":       {func(v *revocation) { v.change = func(c jwt.MapClaims) { c["iat"] = now - 600 } }, 401},
		"of later":          {func(v *revocation) { v.change = func(c jwt.MapClaims) { c["nbf"] = now + 4000 } }, 401},
		"of an unknown connection, unsigned": {func(v *revocation) {
			v.path, v.authorization = "/global-token-revocation/con_nope", "Bearer e30.e30.AAAA"
		}, 401},
		"of an unknown connection": {func(v *revocation) { v.path = "/global-token-revocation/con_nope" }, 401},
		"of no connection's id":    {func(v *revocation) { v.path = "/global-token-revocation/x%20y" }, 401},
		"of the future":            {func(v *revocation) { v.change = func(c jwt.MapClaims) { c["iat"] = now + 600 } }, 401},
		"without an id":            {func(v *revocation) { v.change = func(c jwt.MapClaims) { delete(c, "jti") } }, 401},
		"unsigned, about an e-mail address": {func(v *revocation) {
			v.path, v.authorization = "/global-token-revocation/con_nope", "Bearer e30.e30.AAAA"
			v.body = `{"sub_id":{"format":"email","email":"alice@example.com"}}`
		}, 400},
		"about an e-mail address": {func(v *revocation) { v.body = `{"sub_id":{"format":"email","email":"alice@example.com"}}` }, 400},
		"about nobody":            {func(v *revocation) { v.body = `{"sub_id":{"format":"iss_sub","iss":"` + issuer + `"}}` }, 400},
		"without a subject":       {func(v *revocation) { v.body = `{}` }, 400},
		"no JSON":                 {func(v *revocation) { v.body = `sub_id=alice` }, 400},
	} {
		v := revocationOf(w.Provider, "/global-token-revocation", "alice")
		c.change(&v)
		code := map[int]string{400: "invalid_request", 401: "invalid_token"}[c.status]
		if got := w.revoke(v); got.Code != c.status || !strings.Contains(got.Body.String(), `"error":"`+code+`"`) {
			t.Errorf("%s: %d %s", name, got.Code, got.Body)
		}
	}
	w.mint(alice, "acme")
}

// TestGlobalTokenRevocation_StrangeInputs: requests that the provider signed, about subjects
// that no two parsers read alike or in forms that the draft does not have, end nothing and
// fail nowhere else.
func TestGlobalTokenRevocation_StrangeInputs(t *testing.T) {
	w := newBackend(t, nil)
	w.connect("acme", directory.Provisioning{JustInTime: true})
	alice := w.signedIn("alice")
	subject := func(members string) string { return `{"sub_id":{` + members + `}}` }
	named := func(sub string) string {
		return subject(`"format":"iss_sub","iss":"` + issuer + `","sub":` + sub)
	}
	for name, c := range map[string]struct {
		change func(*revocation)
		status int
	}{
		"a subject of 255 bytes": {func(v *revocation) { v.body = named(`"` + strings.Repeat("a", 255) + `"`) }, 204},
		"a subject of 256":       {func(v *revocation) { v.body = named(`"` + strings.Repeat("a", 256) + `"`) }, 400},
		"a null byte":            {func(v *revocation) { v.body = named(`"alice\u0000"`) }, 400},
		"half a pair":            {func(v *revocation) { v.body = named(`"alice\ud800"`) }, 400},
		"no UTF-8":               {func(v *revocation) { v.body = named("\"alice\xff\"") }, 400},
		"another case":           {func(v *revocation) { v.body = named(`"ALICE"`) }, 204},
		"spaces around":          {func(v *revocation) { v.body = named(`" alice "`) }, 204},
		"an empty subject":       {func(v *revocation) { v.body = named(`""`) }, 400},
		"a number":               {func(v *revocation) { v.body = named(`1`) }, 400},
		"a list":                 {func(v *revocation) { v.body = named(`["alice"]`) }, 400},
		"null":                   {func(v *revocation) { v.body = named(`null`) }, 400},
		"SQL":                    {func(v *revocation) { v.body = named(`"' OR 1=1 --"`) }, 204},
		"a pattern":              {func(v *revocation) { v.body = named(`"%"`) }, 204},
		"a repeated member":      {func(v *revocation) { v.body = strings.Replace(named(`"nobody"`), `"sub":`, `"sub":"alice","sub":`, 1) }, 400},
		"a repeated subject":     {func(v *revocation) { v.body = `{"sub_id":{},` + named(`"alice"`)[1:] }, 400},
		"a member in capitals":   {func(v *revocation) { v.body = strings.Replace(named(`"alice"`), "sub_id", "Sub_ID", 1) }, 400},
		"the older name":         {func(v *revocation) { v.body = strings.Replace(named(`"alice"`), "sub_id", "subject", 1) }, 400},
		"opaque":                 {func(v *revocation) { v.body = subject(`"format":"opaque","id":"alice"`) }, 400},
		"aliases":                {func(v *revocation) { v.body = subject(`"format":"aliases","identifiers":[{"format":"iss_sub"}]`) }, 400},
		"an unknown format":      {func(v *revocation) { v.body = subject(`"format":"shoe_size","iss":"` + issuer + `","sub":"alice"`) }, 400},
		"a format in capitals":   {func(v *revocation) { v.body = strings.Replace(named(`"alice"`), "iss_sub", "ISS_SUB", 1) }, 400},
		"another issuer":         {func(v *revocation) { v.body = strings.Replace(named(`"alice"`), issuer, issuer+"/", 1) }, 400},
		"a subject of the token": {func(v *revocation) { v.body = subject(`"format":"iss_sub","iss":"` + issuer + `"`) }, 400},
		"a list of requests":     {func(v *revocation) { v.body = `[` + named(`"alice"`) + `]` }, 400},
		"two documents":          {func(v *revocation) { v.body = named(`"nobody"`) + named(`"alice"`) }, 400},
		"deep": {func(v *revocation) {
			v.body = `{"sub_id":` + strings.Repeat(`{"a":`, 1000) + `1` + strings.Repeat(`}`, 1001)
		}, 400},
		"huge":                 {func(v *revocation) { v.body = named(`"` + strings.Repeat("a", 1<<20) + `"`) }, 413},
		"empty":                {func(v *revocation) { v.body = "" }, 400},
		"a form":               {func(v *revocation) { v.contentType = "application/x-www-form-urlencoded" }, 415},
		"a token's media type": {func(v *revocation) { v.contentType = "application/secevent+jwt" }, 415},
		"text":                 {func(v *revocation) { v.contentType = "text/plain" }, 415},
		"no media type":        {func(v *revocation) { v.contentType = ";" }, 415},
		"an audience with more": {func(v *revocation) {
			v.change = func(c jwt.MapClaims) { c["aud"] = publicURL + "/global-token-revocation/" }
		}, 401},
		"the connection's address": {func(v *revocation) {
			v.change = func(c jwt.MapClaims) { c["aud"] = publicURL + "/global-token-revocation/con_acme" }
		}, 401},
		"no audience":          {func(v *revocation) { v.change = func(c jwt.MapClaims) { delete(c, "aud") } }, 401},
		"the base address":     {func(v *revocation) { v.change = func(c jwt.MapClaims) { c["aud"] = publicURL } }, 401},
		"a huge token":         {func(v *revocation) { v.change = func(c jwt.MapClaims) { c["pad"] = strings.Repeat("a", 1<<20) } }, 401},
		"an end as a text":     {func(v *revocation) { v.change = func(c jwt.MapClaims) { c["exp"] = "tomorrow" } }, 401},
		"an end of no century": {func(v *revocation) { v.change = func(c jwt.MapClaims) { c["exp"] = 1e300 } }, 0},
		"two tokens":           {func(v *revocation) { v.authorization = "Bearer a b" }, 401},
	} {
		v := revocationOf(w.Provider, "/global-token-revocation", "alice")
		c.change(&v)
		switch got := w.revoke(v); {
		case c.status == 0 && got.Code != 204 && got.Code != 400 && got.Code != 401, c.status != 0 && got.Code != c.status:
			t.Errorf("%s: %d %s", name, got.Code, got.Body)
		case got.Code != 204 && got.Code != 401 && !strings.Contains(got.Body.String(), `"error":"invalid_request"`):
			t.Errorf("%s: %d %s", name, got.Code, got.Body)
		}
		if got := alice.Post("/token", enterAcme); got.Status != http.StatusOK {
			t.Fatalf("%s ended alice's session: %d %s", name, got.Status, got.Body)
		}
	}
}

// TestGlobalTokenRevocation_OneTokenForTwo: a provider that sends one token with the requests
// for two people ends the sessions of both.
func TestGlobalTokenRevocation_OneTokenForTwo(t *testing.T) {
	w := newBackend(t, nil)
	for _, sub := range []string{"alice", "bob"} {
		b := w.signedIn(sub)
		v := revocationOf(w.Provider, "/global-token-revocation", sub)
		v.change = func(c jwt.MapClaims) { c["jti"] = "1" }
		if got := w.revoke(v); got.Code != http.StatusNoContent {
			t.Errorf("%s: %d %s", sub, got.Code, got.Body)
		}
		w.wants(b.Post("/token", renews), http.StatusUnauthorized, api.SessionRevoked)
	}
}

// TestGlobalTokenRevocation_Replayed: a request that is sent again, by whoever recorded it,
// ends nothing that began after the provider issued it.
func TestGlobalTokenRevocation_Replayed(t *testing.T) {
	w := newBackend(t, nil)
	alice := w.signedIn("alice")
	v := revocationOf(w.Provider, "/global-token-revocation", "alice")
	issued := w.Now().Unix()
	v.change = func(c jwt.MapClaims) { c["iat"], c["nbf"], c["exp"], c["jti"] = issued, issued, issued+300, "1" }
	if got := w.revoke(v); got.Code != http.StatusNoContent {
		t.Fatalf("%d %s", got.Code, got.Body)
	}
	w.wants(alice.Post("/token", renews), http.StatusUnauthorized, api.SessionRevoked)
	w.Pass(2 * time.Minute)
	w.signIn(alice, "alice")
	for range 3 {
		if got := w.revoke(v); got.Code != http.StatusNoContent {
			t.Errorf("again: %d %s", got.Code, got.Body)
		}
	}
	w.mint(alice, "acme")
}

// TestGlobalTokenRevocation_Paced: beyond a number of requests the provider is told to
// wait; requests that it did not sign do not count.
func TestGlobalTokenRevocation_Paced(t *testing.T) {
	w := newBackend(t, nil)
	forged := revocationOf(w.Provider, "/global-token-revocation", "nobody")
	forged.typ = "JWT"
	for range 150 {
		w.revoke(forged)
	}
	limited := 0
	for range 150 {
		got := w.revoke(revocationOf(w.Provider, "/global-token-revocation", "nobody"))
		if got.Code == http.StatusTooManyRequests && got.Header().Get("Retry-After") != "" {
			limited++
		}
	}
	if limited != 50 {
		t.Errorf("%d requests were refused", limited)
	}
}

// TestGlobalTokenRevocation_OtherMembers checks that unknown members of the body do not keep
// a session alive, that those of the subject are refused, that members count by their exact names, and that none may be repeated.
func TestGlobalTokenRevocation_OtherMembers(t *testing.T) {
	w := newBackend(t, nil)
	for body, want := range map[string]int{
		`{"reason":"left","event":{"at":[1]},"sub_id":{"format":"iss_sub","iss":"ISS","sub":"alice"}}`: http.StatusNoContent,
		`{"sub_id":{"format":"iss_sub","iss":"ISS","sub":"alice","email":"a@b.example"}}`:              http.StatusBadRequest, // RFC 9493 section 3
		`{"Sub_ID":{"format":"iss_sub","iss":"ISS","sub":"alice"}}`:                                    http.StatusBadRequest,
		`{"sub_id":{"format":"iss_sub","ISS":"ISS","Sub":"alice"}}`:                                    http.StatusBadRequest,
		`{"sub_id":{"format":"iss_sub","iss":"ISS","sub":"bob","sub":"alice"}}`:                        http.StatusBadRequest,
		`{"sub_id":{"format":"email","email":"alice@example.com"}}`:                                    http.StatusBadRequest,
		`{"sub_id":"alice"}`: http.StatusBadRequest,
		`{"sub_id":null}`:    http.StatusBadRequest,
		`[]`:                 http.StatusBadRequest,
	} {
		b := w.signedIn("alice")
		v := revocationOf(w.Provider, "/global-token-revocation", "alice")
		v.body = strings.ReplaceAll(body, "ISS\"", w.Provider.Issuer+"\"")
		v.body = strings.ReplaceAll(v.body, `"`+w.Provider.Issuer+`":`, `"ISS":`) // a member's name
		v.change = func(c jwt.MapClaims) { c["jti"] = body }                      // a token counts once
		if got := w.revoke(v); got.Code != want {
			t.Errorf("%s: %d %s", v.body, got.Code, got.Body)
		}
		if want == http.StatusNoContent {
			w.wants(b.Post("/token", renews), http.StatusUnauthorized, api.SessionRevoked)
		} else {
			w.mint(b, "acme")
		}
	}
}
