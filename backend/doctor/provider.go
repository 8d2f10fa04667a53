package doctor

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/oauth2"

	"github.com/tabard-auth/tabard/backend/publicurl"
)

const provider = "provider"

// metadata is the provider's metadata that a sign-in needs (OpenID Connect Discovery
// section 3).
type metadata struct {
	Issuer        string   `json:"issuer"`
	Authorization string   `json:"authorization_endpoint"`
	Token         string   `json:"token_endpoint"`
	KeySet        string   `json:"jwks_uri"`
	EndSession    string   `json:"end_session_endpoint"`
	Challenges    []string `json:"code_challenge_methods_supported"`
	TokenAuth     []string `json:"token_endpoint_auth_methods_supported"`
}

func (e *examination) provider(ctx context.Context) {
	issuer := e.Provider.Issuer
	var m metadata
	a, err := e.getJSON(ctx, strings.TrimSuffix(issuer, "/")+"/.well-known/openid-configuration", &m)
	if a != nil {
		if ahead, ok := a.ahead(e.Now); ok {
			defer e.clock("the provider's", ahead)
		}
	}
	switch {
	case err != nil:
		e.add(provider, Problem, "Check --oidc-issuer, and that this machine reaches the provider (DNS, proxy, firewall).",
			"%s: its metadata cannot be read: %v", issuer, err)
		return
	case m.Issuer != issuer:
		e.add(provider, Problem, "Set --oidc-issuer to "+m.Issuer+", exactly so, if that is your provider.",
			"%s names itself %q", issuer, m.Issuer)
		return
	}
	e.ok(provider, "%s answers under this name", issuer)
	e.abilities(m)
	e.providerKeys(ctx, m)
	e.credentials(ctx, m)
	if e.PublicURL != "" && e.Provider.ClientID != "" {
		e.redirectURI(ctx, m)
	}
}

// abilities checks the metadata that sign-in and sign-out use.
func (e *examination) abilities(m metadata) {
	switch {
	case slices.Contains(m.Challenges, "S256"):
		e.ok(provider, "it supports PKCE with S256")
	case len(m.Challenges) == 0:
		e.add(provider, Look, "See its documentation. Without PKCE a stolen code can be redeemed by others.",
			"its metadata do not say whether it supports PKCE with S256")
	default:
		e.add(provider, Problem, "Allow the S256 code challenge at the provider.",
			"it supports PKCE only with %s, not with S256", strings.Join(m.Challenges, ", "))
	}
	if m.EndSession == "" {
		e.add(provider, Warning, "After a sign-out people stay signed in at the provider, and the next sign-in may need no password.",
			"it has no end_session_endpoint")
		return
	}
	e.ok(provider, "it ends its own session at sign-out (end_session_endpoint)")
}

func (e *examination) providerKeys(ctx context.Context, m metadata) {
	var set struct{ Keys []struct{} }
	if _, err := e.getJSON(ctx, m.KeySet, &set); err != nil {
		e.add(provider, Problem, "Without its keys no sign-in can be checked.", "its key set (%s) cannot be read: %v", m.KeySet, err)
		return
	}
	if len(set.Keys) == 0 {
		e.add(provider, Problem, "Without its keys no sign-in can be checked.", "its key set (%s) is empty", m.KeySet)
		return
	}
	e.ok(provider, "its key set can be read")
}

// credentials redeems a code that cannot exist. A provider that accepts the client's
// credentials answers invalid_grant (RFC 6749 section 5.2), otherwise invalid_client.
func (e *examination) credentials(ctx context.Context, m metadata) {
	if e.Provider.ClientID == "" || e.Provider.ClientSecret == "" {
		return
	}
	style := oauth2.AuthStyleInHeader // the default (OpenID Connect Discovery section 3)
	if len(m.TokenAuth) > 0 && !slices.Contains(m.TokenAuth, "client_secret_basic") {
		style = oauth2.AuthStyleInParams
	}
	config := oauth2.Config{
		ClientID: e.Provider.ClientID, ClientSecret: e.Provider.ClientSecret,
		RedirectURL: publicurl.Callback(e.PublicURL),
		Endpoint:    oauth2.Endpoint{TokenURL: m.Token, AuthStyle: style},
	}
	_, err := config.Exchange(context.WithValue(ctx, oauth2.HTTPClient, e.client), "tabard-doctor",
		oauth2.VerifierOption(oauth2.GenerateVerifier()))
	var refused *oauth2.RetrieveError
	switch {
	case errors.As(err, &refused) && refused.ErrorCode == "invalid_grant":
		e.ok(provider, "it accepts the client %s and its secret", e.Provider.ClientID)
	case errors.As(err, &refused) && (refused.ErrorCode == "invalid_client" || refused.ErrorCode == "unauthorized_client" ||
		refused.Response.StatusCode == http.StatusUnauthorized):
		e.add(provider, Problem, "Compare --oidc-client-id and TABARD_OIDC_CLIENT_SECRET with what the provider shows for this client, and see that the client may use the authorization code.",
			"it refuses the client %s and its secret", e.Provider.ClientID)
	default:
		e.add(provider, Look, "The first sign-in will show it.",
			"it did not answer whether it accepts the client %s and its secret", e.Provider.ClientID)
	}
}

// redirectURI requests a sign-in without interaction. A provider that has registered
// client and redirect URI sends the error back there (OpenID Connect Core section
// 3.1.2.6); otherwise it shows a page.
func (e *examination) redirectURI(ctx context.Context, m metadata) {
	callback := publicurl.Callback(e.PublicURL)
	advice := "Register " + callback + ", exactly so, as redirect URI of the client at the provider."
	config := oauth2.Config{
		ClientID: e.Provider.ClientID, RedirectURL: callback, Scopes: []string{"openid"},
		Endpoint: oauth2.Endpoint{AuthURL: m.Authorization},
	}
	a, err := e.get(ctx, config.AuthCodeURL("tabard-doctor", oauth2.SetAuthURLParam("prompt", "none"),
		oauth2.SetAuthURLParam("nonce", "tabard-doctor"), oauth2.S256ChallengeOption(oauth2.GenerateVerifier())))
	switch {
	case err != nil:
		e.add(provider, Problem, "Browsers go there to sign in.", "its authorization endpoint does not answer: %v", err)
	case a.status/100 == 3 && isAt(a.header.Get("Location"), callback):
		e.ok(provider, "it accepts the redirect URI %s", callback)
	case a.status/100 == 4:
		e.add(provider, Problem, advice, "it refuses the redirect URI %s", callback)
	default:
		e.add(provider, Look, advice, "it did not answer whether it accepts the redirect URI %s", callback)
	}
}

func isAt(location, callback string) bool {
	u, err := url.Parse(location)
	return err == nil && u.Scheme+"://"+u.Host+u.Path == callback
}
