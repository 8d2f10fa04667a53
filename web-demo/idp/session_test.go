package idp_test

import (
	"errors"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/web-demo/idp"
)

func (p *party) idToken(person string) string {
	p.t.Helper()
	token, _, err := p.exchange(p.press(p.visit(), person, "pwd").code(p.t))
	if err != nil {
		p.t.Fatal(err)
	}
	return token.Extra("id_token").(string)
}

func (p *party) endSession(parameters url.Values) pageResponse {
	p.t.Helper()
	var metadata struct {
		Endpoint string `json:"end_session_endpoint"`
	}
	if err := p.provider.Claims(&metadata); err != nil {
		p.t.Fatal(err)
	}
	return p.get(metadata.Endpoint + "?" + parameters.Encode())
}

func (p *party) wantSignedIn(want bool) {
	p.t.Helper()
	if got := p.visit(withParam("prompt", "none")).callback(p.t).Has("code"); got != want {
		p.t.Errorf("signed in at the provider: %t, want %t", got, want)
	}
}

func TestEndSessionWithThePersonsIDTokenEndsItAtOnceAndReturns(t *testing.T) {
	p := newParty(t)
	got := p.endSession(url.Values{"id_token_hint": {p.idToken("alice")}, "post_logout_redirect_uri": {signedOut}, "state": {"x y"}})
	if got.status != http.StatusSeeOther || got.header.Get("Location") != signedOut+"?state=x+y" {
		t.Errorf("status %d, Location %q", got.status, got.header.Get("Location"))
	}
	p.wantSignedIn(false)
}

func TestEndSessionAsksWhereItCannotKnowWhoMeansIt(t *testing.T) {
	for name, parameters := range map[string]func(*party) url.Values{
		"without an ID token":     func(*party) url.Values { return url.Values{"client_id": {"tabard"}} },
		"with another's ID token": func(p *party) url.Values { return url.Values{"id_token_hint": {p.idToken("bob")}} },
	} {
		t.Run(name, func(t *testing.T) {
			p := newParty(t)
			query := parameters(p)
			query.Set("post_logout_redirect_uri", signedOut)
			p.browser.Jar, _ = cookiejar.New(nil)
			p.signIn("alice", "pwd")
			page := p.endSession(query)
			if page.status != http.StatusOK || !strings.Contains(page.body, "Alice Martin") {
				t.Fatalf("status %d, want a question to Alice", page.status)
			}
			p.wantSignedIn(true)
			back := page.hidden(t, "post_logout_redirect_uri")
			if got := p.post("/sign-out", url.Values{"post_logout_redirect_uri": {back}}); got.header.Get("Location") != signedOut {
				t.Errorf("status %d, Location %q", got.status, got.header.Get("Location"))
			}
			p.wantSignedIn(false)
		})
	}
}

func TestEndSessionRefuses(t *testing.T) {
	for name, parameters := range map[string]url.Values{
		"a foreign return address":      {"client_id": {"tabard"}, "post_logout_redirect_uri": {"https://evil.example/"}},
		"a return address of no client": {"post_logout_redirect_uri": {signedOut}},
		"an unknown client":             {"client_id": {"somebody"}},
		"an ID token of no key":         {"id_token_hint": {"eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSJ9."}},
		"another provider's ID token":   {"id_token_hint": {newParty(t).idToken("alice")}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newParty(t)
			p.signIn("alice", "pwd")
			if got := p.endSession(parameters); got.status != http.StatusBadRequest || got.header.Get("Location") != "" {
				t.Errorf("status %d, Location %q, want 400 and no redirect", got.status, got.header.Get("Location"))
			}
			p.wantSignedIn(true)
			if got := p.post("/sign-out", url.Values{"post_logout_redirect_uri": {"https://evil.example/"}}); got.status != http.StatusBadRequest {
				t.Errorf("sign-out with a foreign return address: status %d", got.status)
			}
		})
	}
}

func TestListenRefusesEverythingButLoopback(t *testing.T) {
	for _, address := range []string{"0.0.0.0:0", "[::]:0", ":0", "192.0.2.1:0"} {
		if listener, err := idp.Listen(address); !errors.Is(err, idp.ErrNotLoopback) {
			t.Errorf("Listen(%q) = %v, %v, want ErrNotLoopback", address, listener, err)
		}
	}
	for _, address := range []string{"127.0.0.1:0", "localhost:0"} {
		listener, err := idp.Listen(address)
		if err != nil {
			t.Errorf("Listen(%q): %v", address, err)
			continue
		}
		_ = listener.Close()
	}
}

func TestNewRefusesAnIssuerOffLoopback(t *testing.T) {
	for _, issuer := range []string{"https://id.example.com", "http://192.0.2.1:8081", "http://0.0.0.0:8081", "http://127.0.0.1.example:8081"} {
		c := config()
		c.Issuer = issuer
		if _, err := idp.New(c); !errors.Is(err, idp.ErrNotLoopback) {
			t.Errorf("issuer %q: %v, want ErrNotLoopback", issuer, err)
		}
	}
}

func TestNewRefusesWhatCouldNotWork(t *testing.T) {
	for name, spoil := range map[string]func(*idp.Config){
		"no client":         func(c *idp.Config) { c.ClientID = "" },
		"no secret":         func(c *idp.Config) { c.ClientSecret = "" },
		"no redirect URI":   func(c *idp.Config) { c.RedirectURIs = nil },
		"issuer with paths": func(c *idp.Config) { c.Issuer += "/realm/one" },
		"issuer without //": func(c *idp.Config) { c.Issuer = "127.0.0.1:8081" },
	} {
		c := config()
		spoil(&c)
		if _, err := idp.New(c); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestAnotherHostNameIsMisdirected(t *testing.T) {
	p := newParty(t)
	if got := p.get("http://rebound.example:8081/"); got.status != http.StatusMisdirectedRequest {
		t.Errorf("status %d, want 421", got.status)
	}
}

func TestTheSessionCookieIsOutOfReachOfScriptsAndOtherSites(t *testing.T) {
	p := newParty(t)
	cookie := p.press(p.visit(), "alice", "pwd").header.Get("Set-Cookie")
	for _, part := range []string{"tabard_provider_8081=", "; Path=/", "; HttpOnly", "; SameSite=Lax"} {
		if !strings.Contains(cookie, part) {
			t.Errorf("Set-Cookie %q lacks %q", cookie, part)
		}
	}
}

func TestEveryPageForbidsScriptsAndFrames(t *testing.T) {
	p := newParty(t)
	for _, got := range []pageResponse{p.visit(), p.get(issuer + "/"), p.get(issuer + "/style.css"), p.get(issuer + "/nowhere")} {
		policy := got.header.Get("Content-Security-Policy")
		if !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "script-src") || !strings.Contains(policy, "frame-ancestors 'none'") {
			t.Errorf("status %d: Content-Security-Policy %q", got.status, policy)
		}
		if got.header.Get("Cache-Control") != "no-store" || got.header.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("status %d: headers %v", got.status, got.header)
		}
	}
}
