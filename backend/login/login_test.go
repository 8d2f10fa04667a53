package login_test

import (
	"errors"
	"net/http"
	"net/url"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
	"github.com/tabard-auth/tabard/web-demo/idp/logintest"
)

const (
	issuer   = "https://id.example"
	callback = "https://app.example/auth/callback"
	now      = 1_800_000_000
)

func provider(t *testing.T) *logintest.Provider {
	p := logintest.New(t, issuer)
	p.Now = func() time.Time { return time.Unix(now, 0) }
	return p
}

// client returns a relying party of p.
func client(p http.Handler) *login.Provider {
	return login.New(login.Config{
		Issuer: issuer, ClientID: logintest.ClientID, ClientSecret: logintest.ClientSecret,
		RedirectURL: callback, Transport: httpbrowser.Hosts{"id.example": p},
	})
}

// signIn runs one complete sign-in of alice.
func signIn(t *testing.T, p *logintest.Provider, maxAge *int64) (login.Identity, error) {
	t.Helper()
	return signInAt(t, client(p), p, maxAge)
}

func signInAt(t *testing.T, c *login.Provider, p *logintest.Provider, maxAge *int64) (login.Identity, error) {
	t.Helper()
	return signInWith(t, c, p, func(a *login.Attempt) { a.MaxAge = maxAge })
}

func signInWith(t *testing.T, c *login.Provider, p *logintest.Provider, ask func(*login.Attempt)) (login.Identity, error) {
	t.Helper()
	attempt := login.NewAttempt("web", "https://app.example/", now)
	ask(&attempt)
	address, err := c.AuthorizationURL(t.Context(), attempt, login.Request{})
	if err != nil {
		return login.Identity{}, err
	}
	return c.Identify(t.Context(), attempt, p.SignIn(address, "alice"), now)
}

func TestIdentify_HonestProvider(t *testing.T) {
	got, err := signIn(t, provider(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got.Issuer != issuer || got.Subject != "alice" || got.Name != "ALICE" || got.Email != "alice@example.com" {
		t.Errorf("who: %+v", got)
	}
	if got.AuthTime != now || got.ACR != "1" || len(got.AMR) != 1 || got.AMR[0] != "pwd" || got.SessionID != "upstream-alice" || got.Token == "" {
		t.Errorf("how: %+v", got)
	}
}

// TestIdentify_Concurrent checks that concurrent sign-ins share one read of the
// metadata and, while it lasts, one fetch of the keys.
func TestIdentify_Concurrent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := provider(t)
		var metadata, keys atomic.Int64
		c := client(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch r.URL.Path {
			case "/.well-known/openid-configuration":
				time.Sleep(time.Duration(metadata.Add(1)) * time.Second)
			case "/jwks.json":
				keys.Add(1)
				time.Sleep(time.Second) // until the others wait for the same answer
			}
			p.ServeHTTP(w, r)
		}))
		failed := make(chan error)
		for range 5 {
			go func() {
				_, err := signInAt(t, c, p, nil)
				failed <- err
			}()
		}
		for range 5 {
			if err := <-failed; err != nil {
				t.Error(err)
			}
		}
		if metadata.Load() != 1 || keys.Load() != 1 {
			t.Errorf("the provider was asked for its metadata %d times and for its keys %d times", metadata.Load(), keys.Load())
		}
	})
}

// TestIdentify_NewProviderKey checks this shortly after the keys were fetched.
func TestIdentify_NewProviderKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := provider(t)
		c := client(p)
		for _, kid := range []string{"1", "2", "2", "3"} {
			if _, err := signInAt(t, c, p, nil); err != nil {
				t.Errorf("key %s: %v", kid, err)
			}
			forged := logintest.New(t, issuer)
			if _, err := c.ReadLogoutToken(t.Context(), forged.LogoutToken("logout+jwt", nil), now); err == nil {
				t.Error("a forged logout token was believed")
			}
			synctest.Wait() // earlier requests have ended
			p.ReplaceKey(kid)
		}
	})
}

func TestAuthorizationURL_Parameters(t *testing.T) {
	age := int64(60)
	attempt := login.NewAttempt("web", "https://app.example/", now)
	attempt.MaxAge, attempt.ACRValues = &age, "mfa"
	text, err := client(provider(t)).AuthorizationURL(t.Context(), attempt, login.Request{LoginHint: "alice", Prompt: "login"})
	if err != nil {
		t.Fatal(err)
	}
	address, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"response_type": "code", "client_id": logintest.ClientID, "redirect_uri": callback, "scope": "openid profile email",
		"state": attempt.ID, "nonce": attempt.Nonce, "code_challenge_method": "S256",
		"max_age": "60", "acr_values": "mfa", "login_hint": "alice", "prompt": "login",
	} {
		if got := address.Query()[name]; len(got) != 1 || got[0] != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if len(address.Query().Get("code_challenge")) != 43 || address.Query().Has("client_secret") || address.Query().Has("code_verifier") {
		t.Errorf("the request is %s", text)
	}
}

func TestIdentify_CodeRedeemedOnce(t *testing.T) {
	p := provider(t)
	if _, err := signIn(t, p, nil); err != nil {
		t.Fatal(err)
	}
	if len(p.Redeemed) != 1 || len(p.Redeemed[0].Get("code_verifier")) < 43 || p.Redeemed[0].Get("redirect_uri") != callback {
		t.Errorf("the token endpoint was sent %v", p.Redeemed)
	}
}

func TestIdentify_RefusedCodeNotRetried(t *testing.T) {
	p, c := provider(t), (*login.Provider)(nil)
	c = client(p)
	_, err := c.Identify(t.Context(), login.NewAttempt("web", "", now), url.Values{"code": {"guess"}, "iss": {issuer}}, now)
	wantRefused(t, err, "invalid_response")
	if len(p.Redeemed) != 1 {
		t.Errorf("the code was sent %d times", len(p.Redeemed))
	}
}

func TestEndSessionURL_None(t *testing.T) {
	for name, endpoint := range map[string]any{"absent": nil, "a script": "javascript:alert(1)", "another scheme": "http://id.example/end", "no address": ":"} {
		p := provider(t)
		p.Metadata = func(m map[string]any) { m["end_session_endpoint"] = endpoint }
		if got := client(p).EndSessionURL(t.Context(), "token", "https://app.example/"); got != "" {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestEndSessionURL_Parameters(t *testing.T) {
	got := client(provider(t)).EndSessionURL(t.Context(), "a.b.c", "https://app.example/")
	want := issuer + "/end-session?client_id=tabard&from=tests&id_token_hint=a.b.c&post_logout_redirect_uri=https%3A%2F%2Fapp.example%2F"
	if got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

// TestProvider_RetriedAfterFailure checks a retry after a second.
func TestProvider_RetriedAfterFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := provider(t)
		p.Endpoints = map[string]http.HandlerFunc{"/.well-known/openid-configuration": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadGateway)
		}}
		c := client(p)
		if _, err := signInAt(t, c, p, nil); !errors.Is(err, login.ErrUnavailable) {
			t.Fatalf("%v, want ErrUnavailable", err)
		}
		p.Endpoints = nil
		time.Sleep(time.Second) // advances the fake clock
		if _, err := signInAt(t, c, p, nil); err != nil {
			t.Error(err)
		}
	})
}

func TestIdentify_UnverifiedEMail(t *testing.T) {
	for name, verified := range map[string]any{"false": false, "as text": "false", "nonsense": 1} {
		p := provider(t)
		p.Claims = func(claims map[string]any) { claims["email"], claims["email_verified"] = "root@example.com", verified }
		p.UserInfo = func(claims map[string]any) { claims["email"], claims["email_verified"] = "root@example.com", verified }
		if got, err := signIn(t, p, nil); err != nil || got.Email != "" {
			t.Errorf("%s: %q, %v", name, got.Email, err)
		}
	}
}

func wantRefused(t *testing.T, err error, code string) {
	t.Helper()
	var refused *login.Refused
	if !errors.As(err, &refused) || refused.Code != code || errors.Is(err, login.ErrUnavailable) {
		t.Errorf("%v, want a refusal with %s", err, code)
	}
}
