package browserapi_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
	"github.com/tabard-auth/tabard/web-demo/idp/logintest"
)

func (w *answers) devices(b *httpbrowser.Browser) []api.DeviceSession {
	w.Helper()
	var answer api.SessionsResponse
	b.Get("/sessions").JSON(w, &answer)
	return answer.Sessions
}

func TestSessions_ListAndEnd(t *testing.T) {
	w := newBackend(t, nil)
	desk := w.signedIn("alice")
	w.Pass(time.Minute)
	phone, bob := w.signedIn("alice"), w.signedIn("bob")
	w.Pass(time.Minute)
	w.mint(phone, "acme")

	all := w.devices(desk)
	if len(all) != 2 || all[0].Current || !all[1].Current || all[0].CreatedAt <= all[1].CreatedAt {
		t.Fatalf("alice's devices: %+v", all)
	}
	if all[0].App != "web" || all[0].UserAgent == "" || all[0].LastUsedAt != w.Now().Unix() || all[0].ExpiresAt != all[0].CreatedAt+86400 {
		t.Errorf("the phone is %+v", all[0])
	}
	w.wants(bob.Fetch(http.MethodDelete, "/sessions/"+all[0].ID, ""), http.StatusNotFound, api.NotFound)
	w.wants(desk.Fetch(http.MethodDelete, "/sessions/ses_nobody", ""), http.StatusNotFound, api.NotFound)
	w.mint(phone, "acme")

	if got := desk.Fetch(http.MethodDelete, "/sessions/"+all[0].ID, ""); got.Status != http.StatusOK || len(got.Cookies()) != 0 {
		t.Errorf("ending the phone: %d %s", got.Status, got.Body)
	}
	w.wants(phone.Post("/token", `{"organization":"acme"}`), http.StatusUnauthorized, api.SessionRevoked)
	w.mint(desk, "acme")
	if got := desk.Fetch(http.MethodDelete, "/sessions/"+all[1].ID, ""); got.Status != http.StatusOK || len(cleared(got)) != 1 {
		t.Errorf("ending the desk itself: %d %s", got.Status, got.Body)
	}
	w.wants(desk.Post("/token", `{"organization":"acme"}`), http.StatusUnauthorized, api.LoginRequired)
	if left := w.devices(bob); len(left) != 1 {
		t.Errorf("bob's devices: %+v", left)
	}
}

const logoutEvent = "http://schemas.openid.net/event/backchannel-logout"

// logoutToken returns a valid logout token of a user, modified by change.
func (w *backend) logoutToken(person string, change func(jwt.MapClaims)) string {
	now := w.Now().Unix()
	claims := jwt.MapClaims{
		"iss": issuer, "aud": logintest.ClientID, "sub": person, "iat": now, "exp": now + 120, "jti": "1",
		"events": map[string]any{logoutEvent: map[string]any{}},
	}
	change(claims)
	return w.Provider.LogoutToken("logout+jwt", claims)
}

// backchannel posts a logout token without a browser.
func (w *backend) backchannel(token string) *httptest.ResponseRecorder {
	return backchannelAt(w, "/backchannel-logout", token)
}

func backchannelAt(w *backend, path, token string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, publicURL+path, strings.NewReader(url.Values{"logout_token": {token}}.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer := httptest.NewRecorder()
	w.Hosts["localhost:8080"].ServeHTTP(answer, r)
	return answer
}

func TestBackchannelLogout_EndsSessions(t *testing.T) {
	w := newBackend(t, nil)
	alice, bob := w.signedIn("alice"), w.signedIn("bob")
	if got := w.backchannel(w.logoutToken("alice", func(jwt.MapClaims) {})); got.Code != http.StatusOK {
		t.Fatalf("%d %s\n%s", got.Code, got.Body, w.Logged)
	}
	w.wants(alice.Post("/token", `{"organization":"acme"}`), http.StatusUnauthorized, api.SessionRevoked)
	w.mint(bob, "acme")
}

// TestBackchannelLogout_ForgedTokensAreThrottled checks that unauthenticated tokens do
// not cause many requests to the provider.
func TestBackchannelLogout_ForgedTokensAreThrottled(t *testing.T) {
	w := newBackend(t, nil)
	alice := w.signedIn("alice") // the keys are cached
	asked := 0
	var counted map[string]http.HandlerFunc
	counted = map[string]http.HandlerFunc{"/jwks.json": func(rw http.ResponseWriter, r *http.Request) {
		asked++
		w.Provider.Endpoints = nil
		w.Provider.ServeHTTP(rw, r)
		w.Provider.Endpoints = counted
	}}
	w.Provider.Endpoints = counted
	for range 100 {
		forged := w.logoutToken("alice", func(jwt.MapClaims) {})
		if got := w.backchannel(forged[:len(forged)-8] + "AAAAAAAA"); got.Code != http.StatusBadRequest {
			t.Fatalf("%d %s", got.Code, got.Body)
		}
	}
	if asked > 1 {
		t.Errorf("the provider was asked for its keys %d times", asked)
	}
	w.mint(alice, "acme")
	if got := w.backchannel(w.logoutToken("alice", func(jwt.MapClaims) {})); got.Code != http.StatusOK {
		t.Errorf("a good one: %d %s", got.Code, got.Body)
	}
}

// TestBackchannelLogout_NewKeyAfterForgedTokens checks that a provider which begins to use
// another key is asked to send its token again, although a forged one used up the request
// for its keys.
func TestBackchannelLogout_NewKeyAfterForgedTokens(t *testing.T) {
	w := newBackend(t, nil)
	alice := w.signedIn("alice")
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	forged := jwt.NewWithClaims(jwt.SigningMethodES256, jwt.MapClaims{"iss": issuer})
	forged.Header["kid"], forged.Header["typ"] = "made-up", "logout+jwt"
	text, err := forged.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	if got := w.backchannel(text); got.Code != http.StatusBadRequest { // the keys were read for it
		t.Errorf("forged: %d %s", got.Code, got.Body)
	}
	w.Provider.ReplaceKey("another")
	got := w.backchannel(w.logoutToken("alice", func(jwt.MapClaims) {}))
	if got.Code != http.StatusTooManyRequests || got.Header().Get("Retry-After") != "10" {
		t.Errorf("by the new key: %d %s %v", got.Code, got.Body, got.Header())
	}
	w.mint(alice, "acme")
}

func TestBackchannelLogout_RepeatedToken(t *testing.T) {
	w := newBackend(t, nil)
	w.signedIn("alice")
	token := w.logoutToken("alice", func(jwt.MapClaims) {})
	w.Pass(time.Second)
	newer := w.signedIn("alice")
	if got := w.backchannel(token); got.Code != http.StatusOK {
		t.Fatalf("%d %s", got.Code, got.Body)
	}
	w.mint(newer, "acme")
}

// TestBackchannelLogout_RepeatedAheadOfTheClock: a provider's clock may be ahead. Its token
// that is delivered again ends no session that began since it was delivered first.
func TestBackchannelLogout_RepeatedAheadOfTheClock(t *testing.T) {
	w := newBackend(t, nil)
	old := w.signedIn("alice")
	token := w.logoutToken("alice", func(c jwt.MapClaims) { c["iat"] = w.Now().Unix() + 50 })
	if got := w.backchannel(token); got.Code != http.StatusOK {
		t.Fatalf("%d %s", got.Code, got.Body)
	}
	w.wants(old.Post("/token", renews), http.StatusUnauthorized, api.SessionRevoked)
	for _, later := range []time.Duration{time.Second, 20 * time.Second, time.Minute} {
		w.Pass(later)
		newer := w.signedIn("alice")
		if got := w.backchannel(token); got.Code != http.StatusOK {
			t.Fatalf("%d %s", got.Code, got.Body)
		}
		w.mint(newer, "acme")
	}
	if n := len(w.events(audit.SignOut)); n != 1 {
		t.Errorf("%d events", n)
	}
}

// TestBackchannelLogout_NumericID checks that the type of jti refuses nobody.
func TestBackchannelLogout_NumericID(t *testing.T) {
	for _, id := range []any{5, 1.5, "", true, []string{"a"}, map[string]any{"a": 1}} {
		w := newBackend(t, nil)
		alice := w.signedIn("alice")
		if got := w.backchannel(w.logoutToken("alice", func(c jwt.MapClaims) { c["jti"] = id })); got.Code != http.StatusOK {
			t.Errorf("%v: %d %s", id, got.Code, got.Body)
		}
		w.wants(alice.Post("/token", renews), http.StatusUnauthorized, api.SessionRevoked)
	}
}

func TestBackchannelLogout_InvalidTokens(t *testing.T) {
	w := newBackend(t, nil)
	alice := w.signedIn("alice")
	for name, change := range map[string]func(jwt.MapClaims){
		"another issuer":    func(c jwt.MapClaims) { c["iss"] = "https://evil.example" },
		"another audience":  func(c jwt.MapClaims) { c["aud"] = "somebody" },
		"no event":          func(c jwt.MapClaims) { delete(c, "events") },
		"another event":     func(c jwt.MapClaims) { c["events"] = map[string]any{"urn:other": map[string]any{}} },
		"a nonce":           func(c jwt.MapClaims) { c["nonce"] = "n" },
		"no jti":            func(c jwt.MapClaims) { delete(c, "jti") },
		"nobody":            func(c jwt.MapClaims) { delete(c, "sub") },
		"three minutes old": func(c jwt.MapClaims) { c["iat"] = w.Now().Unix() - 180 },
		"of the future":     func(c jwt.MapClaims) { c["iat"] = w.Now().Unix() + 61 },
		"not valid yet":     func(c jwt.MapClaims) { c["nbf"] = w.Now().Unix() + 61 },
		"expired":           func(c jwt.MapClaims) { c["exp"] = w.Now().Unix() - 61 },
	} {
		if got := w.backchannel(w.logoutToken("alice", change)); got.Code != http.StatusBadRequest {
			t.Errorf("%s: %d %s", name, got.Code, got.Body)
		}
	}
	identity := w.Provider.LogoutToken("JWT", jwt.MapClaims{
		"iss": issuer, "aud": logintest.ClientID, "sub": "alice", "iat": w.Now().Unix(), "jti": "1",
		"events": map[string]any{logoutEvent: map[string]any{}},
	})
	if got := w.backchannel(identity); got.Code != http.StatusBadRequest {
		t.Errorf("a token of another type: %d %s", got.Code, got.Body)
	}
	for _, garbage := range []string{"", "a.b.c", strings.Repeat("a", 10_000)} {
		if got := w.backchannel(garbage); got.Code != http.StatusBadRequest {
			t.Errorf("%.10q: %d %s", garbage, got.Code, got.Body)
		}
	}
	w.mint(alice, "acme")
}
