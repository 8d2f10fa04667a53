package login_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/web-demo/idp/logintest"
)

// claim changes or removes a claim of the identity token. userinfo names the same sub.
func claim(name string, value any) func(*logintest.Provider) {
	return func(p *logintest.Provider) {
		lie := func(claims map[string]any) {
			if claims[name] = value; value == nil {
				delete(claims, name)
			}
		}
		if p.Claims = lie; name == "sub" {
			p.UserInfo = lie
		}
	}
}

func answer(name, value string) func(*logintest.Provider) {
	return func(p *logintest.Provider) {
		p.Answer = func(v url.Values) {
			if v.Set(name, value); value == "" {
				v.Del(name)
			}
		}
	}
}

func signed(sign func(*logintest.Provider, jwt.MapClaims) string) func(*logintest.Provider) {
	return func(p *logintest.Provider) { p.Sign = sign }
}

func endpoint(path string, lie http.HandlerFunc) func(*logintest.Provider) {
	return func(p *logintest.Provider) { p.Endpoints = map[string]http.HandlerFunc{path: lie} }
}

func withAudiences(azp any) func(*logintest.Provider) {
	return func(p *logintest.Provider) {
		p.Claims = func(claims map[string]any) {
			claims["aud"] = []string{logintest.ClientID, "other"}
			if azp != nil {
				claims["azp"] = azp
			}
		}
	}
}

func foreignKey(p *logintest.Provider, claims jwt.MapClaims) string {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return p.Signed(jwt.SigningMethodES256, key, claims)
}

func unsigned(p *logintest.Provider, claims jwt.MapClaims) string {
	return p.Signed(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, claims)
}

func withClientSecret(p *logintest.Provider, claims jwt.MapClaims) string {
	return p.Signed(jwt.SigningMethodHS256, []byte(logintest.ClientSecret), claims)
}

func redirecting(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, "https://id.example/elsewhere", http.StatusTemporaryRedirect)
}

func failing(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }

func enormous(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Write([]byte(`{"padding":"` + strings.Repeat("x", 10<<20) + `"}`))
}

func withNull(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Write([]byte(`{"sub":"alice","email":"a\u0000@example.com"}`))
}

func notJSON(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Write([]byte("<html>"))
}

// TestIdentify_LongNameAndEMail checks that a long name is truncated and a long e-mail
// address is removed.
func TestIdentify_LongNameAndEMail(t *testing.T) {
	for name, lie := range map[string]func(*logintest.Provider){
		"by the identity token": func(p *logintest.Provider) {
			p.Claims = func(c map[string]any) {
				c["name"], c["email"] = strings.Repeat("ä", 10_000), strings.Repeat("a", 10_000)+"@example.com"
			}
		},
		"by userinfo": func(p *logintest.Provider) {
			p.Claims = func(c map[string]any) { delete(c, "name"); delete(c, "email") }
			p.UserInfo = func(c map[string]any) {
				c["name"], c["email"] = strings.Repeat("ä", 10_000), strings.Repeat("a", 10_000)+"@example.com"
			}
		},
	} {
		p := provider(t)
		lie(p)
		got, err := signInAt(t, client(p), p, nil)
		if err != nil || got.Name != strings.Repeat("ä", 100) || len(got.Email) > 254 {
			t.Errorf("%s: %d and %d bytes, %v", name, len(got.Name), len(got.Email), err)
		}
	}
}

func TestIdentify_OneWrongClaimRefused(t *testing.T) {
	for name, lie := range map[string]func(*logintest.Provider){
		"iss of another issuer":          claim("iss", "https://evil.example"),
		"iss with a slash":               claim("iss", issuer+"/"),
		"iss missing":                    claim("iss", nil),
		"aud of another client":          claim("aud", "other"),
		"aud missing":                    claim("aud", nil),
		"azp of another client":          claim("azp", "other"),
		"several aud, azp another":       withAudiences("other"),
		"exp in the past":                claim("exp", now-61),
		"exp missing":                    claim("exp", nil),
		"iat in the future":              claim("iat", now+61),
		"iat missing":                    claim("iat", nil),
		"nbf in the future":              claim("nbf", now+301),
		"nonce of another sign-in":       claim("nonce", "other"),
		"nonce missing":                  claim("nonce", nil),
		"sub empty":                      claim("sub", ""),
		"sub missing":                    claim("sub", nil),
		"sub too long":                   claim("sub", strings.Repeat("a", 256)),
		"sub of another type":            claim("sub", 7),
		"an enormous identity token":     claim("groups", strings.Repeat("a", 64<<10)),
		"no signature":                   signed(unsigned),
		"signed with the client secret":  signed(withClientSecret),
		"signed with another key":        signed(foreignKey),
		"no identity token":              signed(func(*logintest.Provider, jwt.MapClaims) string { return "" }),
		"an identity token of two parts": signed(func(*logintest.Provider, jwt.MapClaims) string { return "e30.e30" }),
		"callback of another issuer":     answer("iss", "https://evil.example"),
		"callback without iss":           answer("iss", ""),
		"callback without code":          answer("code", ""),
		"callback with another code":     answer("code", "guess"),
		"userinfo of another person":     func(p *logintest.Provider) { p.UserInfo = func(c map[string]any) { c["sub"] = "bob" } },
	} {
		t.Run(name, func(t *testing.T) {
			for _, of := range []func(*logintest.Provider) *login.Provider{func(p *logintest.Provider) *login.Provider { return client(p) }, tenants} {
				p := provider(t)
				lie(p)
				_, err := signInAt(t, of(p), p, nil)
				wantRefused(t, err, "invalid_response")
			}
		})
	}
}

func TestProvider_MalformedMetadata(t *testing.T) {
	for name, lie := range map[string]func(*logintest.Provider){
		"metadata of another issuer": func(p *logintest.Provider) {
			p.Metadata = func(m map[string]any) { m["issuer"] = "https://evil.example" }
		},
		"metadata of the issuer, slashed": func(p *logintest.Provider) { p.Metadata = func(m map[string]any) { m["issuer"] = issuer + "/" } },
		"metadata that redirect":          endpoint("/.well-known/openid-configuration", redirecting),
		"metadata of 10 MB":               endpoint("/.well-known/openid-configuration", enormous),
		"metadata that are no JSON":       endpoint("/.well-known/openid-configuration", notJSON),
		"token endpoint fails":            endpoint("/token", failing),
		"token endpoint redirects":        endpoint("/token", redirecting),
		"token endpoint answers 10 MB":    endpoint("/token", enormous),
		"token endpoint without JSON":     endpoint("/token", notJSON),
		"keys fail":                       endpoint("/jwks.json", failing),
		"keys that redirect":              endpoint("/jwks.json", redirecting),
		"keys that are no JSON":           endpoint("/jwks.json", notJSON),
	} {
		t.Run(name, func(t *testing.T) {
			p := provider(t)
			lie(p)
			wantUnavailable(t, p)
		})
	}
}

// TestLogoutToken_KeysUnavailable checks that the provider can send the token again.
func TestLogoutToken_KeysUnavailable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := provider(t)
		token := p.LogoutToken("logout+jwt", jwt.MapClaims{
			"iss": issuer, "aud": logintest.ClientID, "sub": "alice", "iat": now, "jti": "1",
			"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}},
		})
		c := client(p)
		p.Endpoints = map[string]http.HandlerFunc{"/jwks.json": failing}
		_, err := c.ReadLogoutToken(t.Context(), token, now)
		if refused := (*login.Refused)(nil); !errors.Is(err, login.ErrUnavailable) || errors.As(err, &refused) {
			t.Errorf("%v, want ErrUnavailable", err)
		}
		time.Sleep(time.Second) // advances the fake clock past failurePause
		p.Endpoints = nil
		if _, err := c.ReadLogoutToken(t.Context(), token, now); err != nil {
			t.Error(err)
		}
	})
}

func wantUnavailable(t *testing.T, p *logintest.Provider) {
	t.Helper()
	_, err := signIn(t, p, nil)
	if refused := (*login.Refused)(nil); !errors.Is(err, login.ErrUnavailable) || errors.As(err, &refused) {
		t.Errorf("%v, want ErrUnavailable", err)
	}
}

func TestProvider_RedirectsNotFollowed(t *testing.T) {
	p := provider(t)
	p.Endpoints = map[string]http.HandlerFunc{"/token": redirecting, "/elsewhere": func(http.ResponseWriter, *http.Request) {
		t.Error("the redirect was followed")
	}}
	wantUnavailable(t, p)
}

func TestProvider_ErrorQuotesAreBounded(t *testing.T) {
	p := provider(t)
	p.Endpoints = map[string]http.HandlerFunc{"/.well-known/openid-configuration": func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadGateway)
		w.Write([]byte(strings.Repeat("x", 1<<20)))
	}}
	if _, err := signIn(t, p, nil); err == nil || len(err.Error()) > 400 {
		t.Errorf("%.400s", err)
	}
}

func TestProvider_EndpointTimeout(t *testing.T) {
	for _, path := range []string{"/.well-known/openid-configuration", "/token", "/jwks.json"} {
		synctest.Test(t, func(t *testing.T) {
			p := provider(t)
			p.Endpoints = map[string]http.HandlerFunc{path: func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }}
			start := time.Now()
			wantUnavailable(t, p)
			if waited := time.Since(start); waited > 10*time.Second {
				t.Errorf("%s: waited %v", path, waited)
			}
		})
	}
}

func TestProvider_HangingDelaysNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := provider(t)
		p.Endpoints = map[string]http.HandlerFunc{"/.well-known/openid-configuration": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }}
		c, start := client(p), time.Now()
		done := make(chan error)
		for range 5 {
			go func() {
				_, err := c.AuthorizationURL(t.Context(), login.NewAttempt("web", "https://app.example/", now), login.Request{})
				done <- err
			}()
		}
		for range 5 {
			<-done
		}
		if waited := time.Since(start); waited > 10*time.Second {
			t.Errorf("five sign-ins at once took %v", waited)
		}
	})
}

func TestIdentify_AuthenticationTooOld(t *testing.T) {
	for name, test := range map[string]struct {
		maxAge   int64
		authTime any
		refused  bool
	}{
		"as old as asked for":        {300, now - 300, false},
		"within the clocks' skew":    {300, now - 360, false},
		"older":                      {300, now - 361, true},
		"any age, a fresh one asked": {0, now - 61, true},
	} {
		t.Run(name, func(t *testing.T) {
			p := provider(t)
			claim("auth_time", test.authTime)(p)
			_, err := signIn(t, p, &test.maxAge)
			if test.refused {
				wantRefused(t, err, "authentication_not_renewed")
				if login.FaultOf(err) != login.FaultReported || !strings.Contains(err.Error(), "max_age=") {
					t.Errorf("fault %q, %v", login.FaultOf(err), err)
				}
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

// TestIdentify_SlowPerson: a person who authenticated for this attempt, and then took long,
// is not asked again.
func TestIdentify_SlowPerson(t *testing.T) {
	p := provider(t)
	claim("auth_time", now-200)(p)
	for began, renewed := range map[int64]bool{now - 200: true, now - 139: false} {
		_, err := signInWith(t, client(p), p, func(a *login.Attempt) { a.MaxAge, a.CreatedAt = new(int64), began })
		if (err == nil) != renewed {
			t.Errorf("begun %d s ago: %v", now-began, err)
		}
	}
}

func TestIdentify_ProvidersErrorCode(t *testing.T) {
	p := provider(t)
	p.Answer = func(v url.Values) {
		v.Del("code")
		v.Set("error", "access_denied")
	}
	_, err := signIn(t, p, nil)
	wantRefused(t, err, "access_denied")
}

func TestIdentify_ErrorOfOtherIssuer(t *testing.T) {
	p := provider(t)
	p.Answer = func(v url.Values) {
		v.Set("error", "access_denied")
		v.Set("iss", "https://evil.example")
	}
	_, err := signIn(t, p, nil)
	wantRefused(t, err, "invalid_response")
}

func TestIdentify_IssOptionalIfNotAdvertised(t *testing.T) {
	p := provider(t)
	answer("iss", "")(p)
	p.Metadata = func(m map[string]any) { delete(m, "authorization_response_iss_parameter_supported") }
	if _, err := signIn(t, p, nil); err != nil {
		t.Error(err)
	}
	answer("iss", "https://evil.example")(p)
	_, err := signIn(t, p, nil)
	wantRefused(t, err, "invalid_response")
}

func TestUserInfo_FailureIsNoError(t *testing.T) {
	for name, lie := range map[string]http.HandlerFunc{"failing": failing, "enormous": enormous, "redirecting": redirecting, "with a null character": withNull} {
		p := provider(t)
		endpoint("/userinfo", lie)(p)
		if got, err := signIn(t, p, nil); err != nil || got.Subject != "alice" || got.Email != "" {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestUserInfo_DoesNotOverrideIdentityToken(t *testing.T) {
	p := provider(t)
	p.UserInfo = func(c map[string]any) { c["name"], c["acr"], c["iss"] = "Mallory", "9", "https://evil.example" }
	got, err := signIn(t, p, nil)
	if err != nil || got.Name != "ALICE" || got.ACR != "1" || got.Claims["acr"] != "1" || got.Issuer != issuer || got.Claims["iss"] != issuer {
		t.Errorf("%+v, %v", got, err)
	}
}
