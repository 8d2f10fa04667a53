// Package logintest has tests sign in at the development provider (web-demo/idp) with
// its quirks switched on: one claim, one answer, one signature at a time.
package logintest

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"github.com/tabard-auth/tabard/web-demo/idp"
)

// The one client of the provider.
const (
	ClientID     = "tabard"
	ClientSecret = "the client's secret"
)

// Provider is a development provider that admits any person and prompts at every
// sign-in. Its quirks may be set at any time between requests.
type Provider struct {
	*idp.Quirks
	Issuer string
	// Metadata changes the provider's metadata, and Sign signs an identity token
	// otherwise.
	Metadata func(map[string]any)
	Sign     func(*Provider, jwt.MapClaims) string

	t        testing.TB
	provider *idp.Provider
	mu       sync.Mutex
	// Redeemed are the forms that the token endpoint was sent, and Pushed those that the
	// endpoint of pushed requests was.
	Redeemed, Pushed []url.Values
}

// New returns a provider that admits any person. Its identity tokens contain name, acr,
// amr, auth_time and sid; the e-mail address is in userinfo only.
func New(t testing.TB, issuer string) *Provider {
	t.Helper()
	p := &Provider{Issuer: issuer, t: t, Quirks: &idp.Quirks{
		AnyPerson: true, AlwaysPrompt: true, AnyRedirectURI: true, AnyHost: true,
		Only:      map[string]idp.Place{"name": idp.IDToken, "email": idp.UserInfo, "email_verified": idp.UserInfo},
		ACR:       map[string]string{idp.ACRPassword: "1"},
		SessionID: func(sub string) string { return "upstream-" + sub },
	}}
	p.Quirks.Metadata = p.metadata
	p.Quirks.Sign = func(claims jwt.MapClaims) (string, bool) {
		if p.Sign == nil {
			return "", false
		}
		return p.Sign(p, claims), true
	}
	var err error
	p.provider, err = idp.NewWithQuirks(idp.Config{
		Issuer: issuer, ClientID: ClientID, ClientSecret: ClientSecret, RedirectURIs: []string{"any"},
	}, p.Quirks)
	if err != nil {
		t.Fatal(err)
	}
	p.ReplaceKey("1")
	return p
}

// metadata advertises algorithms that a relying party must reject, and an end-session
// endpoint with a query of its own.
func (p *Provider) metadata(m map[string]any) {
	m["id_token_signing_alg_values_supported"] = append(m["id_token_signing_alg_values_supported"].([]string), "HS256", "none")
	if end, ok := m["end_session_endpoint"].(string); ok {
		m["end_session_endpoint"] = end + "?from=tests"
	}
	if p.Metadata != nil {
		p.Metadata(m)
	}
}

// ReplaceKey has the provider sign by a new key, of that id, and publish no other.
func (p *Provider) ReplaceKey(id string) { p.ReplaceKeyWith(id, "ES256") }

// ReplaceKeyWith is ReplaceKey with an algorithm, ES256 or RS256.
func (p *Provider) ReplaceKeyWith(id, algorithm string) {
	p.t.Helper()
	if err := p.provider.ReplaceKey(id, algorithm); err != nil {
		p.t.Fatal(err)
	}
}

// ServeHTTP implements http.Handler.
func (p *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for path, sent := range map[string]*[]url.Values{"/token": &p.Redeemed, "/par": &p.Pushed} {
		if strings.HasSuffix(r.URL.Path, path) && r.ParseForm() == nil {
			p.mu.Lock()
			*sent = append(*sent, r.PostForm)
			p.mu.Unlock()
		}
	}
	p.provider.ServeHTTP(w, r)
}

// SignIn signs a person in at an authorization URL, and returns the parameters that the
// client's callback receives.
func (p *Provider) SignIn(authorizationURL, person string) url.Values {
	p.t.Helper()
	asked, err := url.Parse(authorizationURL)
	if err != nil {
		p.t.Fatal(err)
	}
	form := url.Values{"request": {asked.RawQuery}, "person": {person}, "factor": {"pwd"}}
	r := httptest.NewRequest(http.MethodPost, p.Issuer+"/sign-in", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	p.provider.ServeHTTP(w, r)
	if w.Code == http.StatusOK {
		_, fields := PostedForm(w.Body.String())
		return fields
	}
	back, err := w.Result().Location()
	if err != nil {
		p.t.Fatalf("the provider answers %d: %s", w.Code, w.Body)
	}
	return back.Query()
}

var (
	formAction = regexp.MustCompile(`action="([^"]*)"`)
	formField  = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)"`)
)
