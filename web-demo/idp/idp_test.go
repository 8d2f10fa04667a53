package idp_test

import (
	"context"
	"errors"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/tabard-auth/tabard/web-demo/idp"
)

const (
	issuer    = "http://127.0.0.1:8081"
	callback  = "http://localhost:8080/auth/callback"
	signedOut = "http://localhost:8080/"
)

func config() idp.Config {
	return idp.Config{
		Issuer:                 issuer,
		ClientID:               "tabard",
		ClientSecret:           "s p:%cial+secret",
		RedirectURIs:           []string{callback, "http://localhost:8080/other"},
		PostLogoutRedirectURIs: []string{signedOut},
		People: []idp.Person{
			{Subject: "alice", Name: "Alice Martin", Email: "alice@example.com"},
			{Subject: "bob", Name: "Bob Keller", Email: "bob@example.com"},
		},
	}
}

// inProcess serves requests by calling the handler, so that tests need no
// network and may run on synctest's clock.
type inProcess struct{ http.Handler }

func (h inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	recorder, received := httptest.NewRecorder(), r.Clone(r.Context())
	received.Host = r.URL.Host
	if received.Body == nil {
		received.Body = http.NoBody
	}
	h.ServeHTTP(recorder, received)
	response := recorder.Result()
	response.Request = r
	return response, nil
}

// party is a relying party made of go-oidc and x/oauth2, with a browser.
type party struct {
	t        *testing.T
	ctx      context.Context
	browser  *http.Client
	server   *http.Client
	oauth    oauth2.Config
	provider *oidc.Provider
	verifier string
}

func newParty(t *testing.T) *party {
	t.Helper()
	handler, err := idp.New(config())
	if err != nil {
		t.Fatal(err)
	}
	jar, _ := cookiejar.New(nil)
	p := &party{t: t, server: &http.Client{Transport: inProcess{handler}}, verifier: oauth2.GenerateVerifier()}
	p.browser = &http.Client{Transport: inProcess{handler}, Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
	p.ctx = oidc.ClientContext(t.Context(), p.server)
	if p.provider, err = oidc.NewProvider(p.ctx, issuer); err != nil {
		t.Fatal(err)
	}
	p.oauth = oauth2.Config{
		ClientID: "tabard", ClientSecret: config().ClientSecret, Endpoint: p.provider.Endpoint(),
		RedirectURL: callback, Scopes: []string{oidc.ScopeOpenID, "profile", "email"},
	}
	return p
}

func withParam(name, value string) oauth2.AuthCodeOption { return oauth2.SetAuthURLParam(name, value) }

// visit opens the authorization endpoint as a navigation of the browser.
func (p *party) visit(options ...oauth2.AuthCodeOption) pageResponse {
	p.t.Helper()
	options = append([]oauth2.AuthCodeOption{oauth2.S256ChallengeOption(p.verifier), oidc.Nonce("n-1")}, options...)
	return p.get(p.oauth.AuthCodeURL("state-1", options...))
}

func (p *party) get(address string) pageResponse {
	p.t.Helper()
	response, err := p.browser.Get(address)
	return p.read(response, err)
}

// press pushes a person's button on the page that the answer holds.
func (p *party) press(page pageResponse, person, factor string) pageResponse {
	p.t.Helper()
	return p.post("/sign-in", url.Values{"request": {page.hidden(p.t, "request")}, "person": {person}, "factor": {factor}})
}

func (p *party) post(path string, form url.Values) pageResponse {
	p.t.Helper()
	response, err := p.browser.PostForm(issuer+path, form)
	return p.read(response, err)
}

func (p *party) read(response *http.Response, err error) pageResponse {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return pageResponse{response.StatusCode, response.Header, string(body)}
}

// exchange redeems a code and verifies the ID token.
func (p *party) exchange(code string, options ...oauth2.AuthCodeOption) (*oauth2.Token, *oidc.IDToken, error) {
	p.t.Helper()
	options = append([]oauth2.AuthCodeOption{oauth2.VerifierOption(p.verifier)}, options...)
	token, err := p.oauth.Exchange(p.ctx, code, options...)
	if err != nil {
		return nil, nil, err
	}
	raw, _ := token.Extra("id_token").(string)
	idToken, err := p.provider.VerifierContext(p.ctx, &oidc.Config{ClientID: "tabard"}).Verify(p.ctx, raw)
	if err != nil {
		p.t.Fatal(err)
	}
	if err := idToken.VerifyAccessToken(token.AccessToken); err != nil {
		p.t.Fatal(err)
	}
	return token, idToken, nil
}

func (p *party) signIn(person, factor string) *oidc.IDToken {
	p.t.Helper()
	_, idToken, err := p.exchange(p.press(p.visit(), person, factor).code(p.t))
	if err != nil {
		p.t.Fatal(err)
	}
	return idToken
}

type claims struct {
	AuthTime      int64    `json:"auth_time"`
	ACR           string   `json:"acr"`
	AMR           []string `json:"amr"`
	Name          string   `json:"name"`
	Email         string   `json:"email"`
	EmailVerified bool     `json:"email_verified"`
}

func read(t *testing.T, idToken *oidc.IDToken) claims {
	t.Helper()
	var c claims
	if err := idToken.Claims(&c); err != nil {
		t.Fatal(err)
	}
	return c
}

// pageResponse is a response as the browser received it.
type pageResponse struct {
	status int
	header http.Header
	body   string
}

var hiddenField = regexp.MustCompile(`name="(\w+)" value="([^"]*)"`)

func (a pageResponse) hidden(t *testing.T, name string) string {
	t.Helper()
	for _, field := range hiddenField.FindAllStringSubmatch(a.body, -1) {
		if field[1] == name {
			return html.UnescapeString(field[2])
		}
	}
	t.Fatalf("status %d, no field %q in the page: %s", a.status, name, a.body)
	return ""
}

func (a pageResponse) asks() bool {
	return a.status == http.StatusOK && strings.Contains(a.body, `id="person-alice"`)
}

// callback returns the parameters that came to the redirect URI.
func (a pageResponse) callback(t *testing.T) url.Values {
	t.Helper()
	target, err := url.Parse(a.header.Get("Location"))
	if err != nil || !strings.HasPrefix(target.String(), callback+"?") {
		t.Fatalf("status %d, Location %q: want a redirect to the callback", a.status, a.header.Get("Location"))
	}
	query := target.Query()
	if query.Get("state") != "state-1" || query.Get("iss") != issuer {
		t.Errorf("callback has state %q and iss %q", query.Get("state"), query.Get("iss"))
	}
	return query
}

func (a pageResponse) code(t *testing.T) string {
	t.Helper()
	code := a.callback(t).Get("code")
	if code == "" {
		t.Fatalf("no code in %s", a.header.Get("Location"))
	}
	return code
}

func (a pageResponse) wantError(t *testing.T, code string) {
	t.Helper()
	if got := a.callback(t).Get("error"); got != code {
		t.Errorf("error %q, want %q", got, code)
	}
}

func wantTokenError(t *testing.T, err error, status int, code string) {
	t.Helper()
	var refused *oauth2.RetrieveError
	if !errors.As(err, &refused) || refused.Response.StatusCode != status || refused.ErrorCode != code {
		t.Errorf("token endpoint: %v, want %d %s", err, status, code)
	}
}
