package browserapi_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"github.com/tabard-auth/tabard/backend/resource"
	"github.com/tabard-auth/tabard/backend/token"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
	"github.com/tabard-auth/tabard/web-demo/idp/logintest"
)

// The kinds of signed or sealed texts.
const (
	accessToken   = "an access token"
	deviceProof   = "a device's proof"
	identityToken = "an identity token"
	logoutTokens  = "a logout token"
	sessionCookie = "a session's cookie"
	attemptCookie = "a sign-in's cookie"
)

// kinds returns functions that make a valid text of each kind.
func kinds(w *backend) map[string]func() string {
	return map[string]func() string{
		accessToken: func() string { return w.mint(w.signedIn("bob"), "acme").AccessToken },
		deviceProof: func() string {
			return httpbrowser.NewDevice(w).Proof(w, http.MethodPost, publicURL+"/token", w.Now())
		},
		identityToken: func() (raw string) {
			w.Provider.Sign = func(p *logintest.Provider, claims jwt.MapClaims) string {
				raw = p.LogoutToken("JWT", claims)
				return raw
			}
			defer func() { w.Provider.Sign = nil }()
			w.signedIn("bob")
			return raw
		},
		logoutTokens: func() string { return w.logoutToken("nobody", func(jwt.MapClaims) {}) },
		sessionCookie: func() string { // with the cookie's name, which is part of the session
			name, value := w.theSession(w.signedIn("bob"))
			return name + "=" + value
		},
		attemptCookie: func() string {
			b := w.browser()
			b.Follow(publicURL + "/login?app=web")
			for name, value := range b.Cookies() {
				if strings.HasPrefix(name, "__Host-Http-tabard-login.") {
					return value
				}
			}
			w.Fatal("no sign-in is under way")
			return ""
		},
	}
}

// consumers returns functions that report whether the consumer of a kind accepts a
// text.
func consumers(w *backend, guard *resource.Guard) map[string]func(raw string) bool {
	return map[string]func(string) bool{
		accessToken: func(raw string) bool {
			r := httptest.NewRequest(http.MethodGet, "/api/notes", nil)
			r.Header.Set("Authorization", "Bearer "+raw)
			_, err := guard.VerifyRequest(r)
			return err == nil
		},
		deviceProof: func(raw string) bool {
			return w.signedIn("bob").With("DPoP", raw).Post("/token", enterAcme).Status == http.StatusOK
		},
		identityToken: func(raw string) bool {
			if raw != "" {
				w.Provider.Sign = func(*logintest.Provider, jwt.MapClaims) string { return raw }
			}
			defer func() { w.Provider.Sign = nil }()
			b := w.browser()
			b.SignIn("bob")
			return len(sessionCookies(b)) > 0
		},
		logoutTokens: func(raw string) bool { return w.backchannel(raw).Code == http.StatusOK },
		sessionCookie: func(raw string) bool {
			if !strings.HasPrefix(raw, "__Host-Http-") {
				name, _ := w.theSession(w.signedIn("bob"))
				raw = name + "=" + raw
			}
			return w.browser().With("Cookie", raw).Post("/token", enterAcme).Status == http.StatusOK
		},
	}
}

// TestToken_KindsNotInterchangeable checks that each kind has its own type and
// audience, so that only its own consumer accepts it.
func TestToken_KindsNotInterchangeable(t *testing.T) {
	w := newBackend(t, nil)
	verifier, err := token.NewVerifier(token.Config{
		Issuer: publicURL, Audience: origin + "/api", Now: w.Now,
		Keys: token.NewKeySet(publicURL+"/.well-known/jwks.json", &http.Client{Transport: w.Hosts}),
	})
	if err != nil {
		t.Fatal(err)
	}
	guard, err := resource.NewGuard(verifier, resource.Config{BaseURL: origin})
	if err != nil {
		t.Fatal(err)
	}
	kinds, consumers := kinds(w), consumers(w, guard)
	for consumer, takes := range consumers {
		for kind, one := range kinds {
			raw := one()
			if kind == identityToken && consumer == identityToken {
				raw = "" // the provider's own token for this sign-in
			}
			if taken := takes(raw); taken != (kind == consumer) {
				t.Errorf("what takes %s takes %s: %v", consumer, kind, taken)
			}
		}
	}
}
