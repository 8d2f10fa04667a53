package browserapi_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/web-demo/idp/logintest"
)

// TestP11ClaimsOfOtherTypesKeepNobodyOut checks that such claims are ignored and
// satisfy no rule.
func TestP11ClaimsOfOtherTypesKeepNobodyOut(t *testing.T) {
	w := newBackend(t, nil)
	w.rule(map[string]policy.Rules{"globex": {ACR: []string{"1"}}, "initech": {AMR: []string{"mfa"}}})
	now := w.Now().Unix()
	w.Provider.Claims = tells(map[string]any{
		"amr": "mfa", "acr": 1, "ACR": "1", "sid": 12345, "auth_time": fmt.Sprint(now - 5), "exp": now - 5, "aud": []string{logintest.ClientID, "other"}, "azp": nil,
	})
	b := w.signedIn("alice")
	if claims := w.claims(w.mint(b, "acme")); claims.ACR != "" || !slices.Equal(claims.AMR, []string{"mfa"}) || claims.AuthTime != now-5 {
		t.Errorf("the token says %+v", claims)
	}
	w.mint(b, "initech")
	w.challenged(b.Post("/token", `{"organization":"globex","enter":true}`))
}

// TestLogoutToken_NumericSessionID checks that the named session ends, and no other
// one.
func TestLogoutToken_NumericSessionID(t *testing.T) {
	w := newBackend(t, nil)
	w.Provider.Claims = tells(map[string]any{"sid": 12345})
	one := w.signedIn("alice")
	w.Provider.Claims = tells(map[string]any{"sid": 54321})
	other := w.signedIn("alice")
	w.Pass(time.Second)
	token := w.logoutToken("alice", func(c jwt.MapClaims) { delete(c, "sub"); c["sid"] = 12345; c["exp"] = float64(w.Now().Unix()) + 100.5 })
	if got := w.backchannel(token); got.Code != http.StatusOK {
		t.Errorf("%d %s", got.Code, got.Body)
	}
	w.wants(one.Post("/token", `{"organization":"acme"}`), http.StatusUnauthorized, api.SessionRevoked)
	w.mint(other, "acme")
}

// TestLogoutToken_UntypedByTheConnection checks that the setting applies to this
// connection only.
func TestLogoutToken_UntypedByTheConnection(t *testing.T) {
	w := newBackend(t, nil)
	acme, globex := w.connect("acme", justInTime), w.connect("globex", justInTime)
	c, err := w.Store.Connection(t.Context(), "con_acme")
	if err != nil {
		t.Fatal(err)
	}
	c.UntypedLogoutTokens, c.SealedSecret = true, ""
	if err := w.Store.UpdateConnection(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	atAcme, atGlobex := w.begin("acme", "u"), w.begin("globex", "u")
	w.Pass(time.Second)
	for _, p := range []*logintest.Provider{acme, globex} {
		claims := jwt.MapClaims{
			"iss": p.Issuer, "aud": logintest.ClientID, "sub": "u", "iat": w.Now().Unix(), "exp": w.Now().Unix() + 120, "jti": "1",
			"events": map[string]any{logoutEvent: map[string]any{}},
		}
		path, want := "/backchannel-logout/con_acme", http.StatusOK
		if p == globex {
			path, want = "/backchannel-logout/con_globex", http.StatusBadRequest
		}
		for _, typ := range []string{"JWT", ""} {
			if got := backchannelAt(w, path, p.LogoutToken(typ, claims)); got.Code != want {
				t.Errorf("%s of type %q: %d %s", path, typ, got.Code, got.Body)
			}
		}
	}
	w.wants(atAcme.Post("/token", renews), http.StatusUnauthorized, api.SessionRevoked)
	w.mint(atGlobex, "globex")
}
