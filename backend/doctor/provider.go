package doctor

import (
	"bytes"
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"

	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/backend/publicurl"
)

const provider = "provider"

// metadata are the members of the provider's metadata that a sign-in needs (OpenID Connect
// Discovery section 3, RFC 9126 section 5). They are read as a sign-in reads them: one of
// another type counts as absent.
type metadata struct {
	Issuer        login.Text  `json:"issuer"`
	Authorization login.Text  `json:"authorization_endpoint"`
	Token         login.Text  `json:"token_endpoint"`
	KeySet        login.Text  `json:"jwks_uri"`
	EndSession    login.Text  `json:"end_session_endpoint"`
	UserInfo      login.Text  `json:"userinfo_endpoint"`
	Push          login.Text  `json:"pushed_authorization_request_endpoint"`
	MustPush      login.Flag  `json:"require_pushed_authorization_requests"`
	Challenges    login.Texts `json:"code_challenge_methods_supported"`
	TokenAuth     login.Texts `json:"token_endpoint_auth_methods_supported"`
	Algorithms    login.Texts `json:"id_token_signing_alg_values_supported"`
	ResponseTypes login.Texts `json:"response_types_supported"`
	ResponseModes login.Texts `json:"response_modes_supported"`
	GrantTypes    login.Texts `json:"grant_types_supported"`
	Claims        login.Texts `json:"claims_supported"`
	Scopes        login.Texts `json:"scopes_supported"`
}

func (e *examination) provider(ctx context.Context) {
	outside, config := e.http, e.Provider
	config.Transport, config.RedirectURL = e.Transport, publicurl.Callback(e.PublicURL)
	inside := *outside
	inside.Transport = config.InternalTransport()
	e.http = &inside
	defer func() { e.http = outside }()
	issuer := e.Provider.Issuer
	var m metadata
	a, err := e.getJSON(ctx, strings.TrimSuffix(issuer, "/")+"/.well-known/openid-configuration", &m)
	if a != nil {
		if ahead, ok := a.ahead(e.Now); ok {
			defer e.clock("the provider's", ahead)
		}
	}
	if err != nil {
		e.add(provider, Problem, unreachable(err, "Check --oidc-issuer, and that this machine reaches the provider (DNS, proxy, firewall; --oidc-internal-url where it has another address inside)."),
			"%s: its metadata cannot be read: %v", issuer, err)
		return
	}
	if !e.issuer(m) {
		return
	}
	e.claims, e.grantTypes, e.noUserInfo = m.Claims, m.GrantTypes, m.UserInfo == ""
	e.abilities(m)
	e.flow(m)
	e.authentication(m)
	e.providerKeys(ctx, m)
	client := login.New(config)
	if err := client.CheckClientKey(ctx); login.FaultOf(err) == login.FaultClient {
		e.add(provider, Problem, "Put a P-256 or RSA key into the file of --oidc-client-key-file, and register its public half.", "%v", why(err))
		return
	}
	if e.Provider.ClientID != "" && (e.Provider.ClientSecret != "" || e.Provider.ClientKey != nil) {
		e.credentials(ctx, client)
	}
	if e.PublicURL != "" && e.Provider.ClientID != "" {
		e.redirectURI(ctx, client, registration{e.add, publicurl.Callback(e.PublicURL), e.Provider.ResponseMode})
	}
}

// issuer compares how the provider names itself with how it is known here.
func (e *examination) issuer(m metadata) bool {
	issuer, named := e.Provider.Issuer, string(m.Issuer)
	template := login.IsTemplate(named)
	switch {
	case template && e.Provider.Tenants == nil:
		e.add(provider, Problem, "List the tenants whose people may sign in: --oidc-tenants with the ids of their directories, separated by commas. For one tenant alone, name it in --oidc-issuer in place of organizations or common.",
			"%s is of many tenants (%s), and none is listed", issuer, named)
		return false
	case template && named != login.TemplateOf(issuer):
		e.add(provider, Problem, "Set --oidc-issuer to the address of all tenants exactly as the provider's documents have it, such as https://login.microsoftonline.com/organizations/v2.0",
			"%s names itself %q, which its tokens cannot match", issuer, named)
		return false
	case template:
		e.ok(provider, "%s answers, for the tenants %s", issuer, strings.Join(e.Provider.Tenants, ", "))
		return true
	case e.Provider.Tenants != nil:
		e.add(provider, Problem, "Remove --oidc-tenants, or set --oidc-issuer to the address of all tenants, such as https://login.microsoftonline.com/organizations/v2.0",
			"%s is of one tenant, and --oidc-tenants lists some", issuer)
		return false
	case named == "":
		e.add(provider, Problem, "Check --oidc-issuer: it is the address below which the provider answers /.well-known/openid-configuration.",
			"%s: what answers there is no OpenID provider's metadata: they have no issuer", issuer)
		return false
	case named != issuer:
		e.add(provider, Problem, "Set --oidc-issuer to "+named+", exactly so, if that is your provider.",
			"%s names itself %q", issuer, named)
		return false
	}
	e.ok(provider, "%s answers under this name", issuer)
	return true
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

// credentials redeems a code that cannot exist, to learn whether the provider knows the
// client.
func (e *examination) credentials(ctx context.Context, client *login.Provider) {
	proof := "its secret"
	advice := "Compare --oidc-client-id and TABARD_OIDC_CLIENT_SECRET with what the provider shows for this client, whether the secret has expired, and see that the client may use the authorization code."
	switch {
	case e.Provider.Apple != nil:
		proof, advice = "the secret that its key signs", "Compare --oidc-apple-client and --oidc-client-key-file with what Apple shows of the team and the key, and --oidc-client-id with the Services ID."
	case e.Provider.ClientKey != nil:
		proof, advice = "its key", "Register "+e.clientKeySet()+" as the client's key set at the provider, and see that the client may use private_key_jwt and the authorization code."
		if !e.Provider.TokenEndpointAudience {
			advice += " Some providers take assertions for their token endpoint alone: --oidc-assertion-audience token_endpoint."
		}
	}
	err := client.CheckClient(ctx, e.Now)
	switch {
	case err == nil:
		e.ok(provider, "it accepts the client %s and %s", e.Provider.ClientID, proof)
	case login.FaultOf(err) == login.FaultClient:
		e.add(provider, Problem, advice, "it refuses the client %s and %s: %v", e.Provider.ClientID, proof, why(err))
	default:
		e.add(provider, Look, "The first sign-in will show it.",
			"it did not answer whether it accepts the client %s and %s: %v", e.Provider.ClientID, proof, why(err))
	}
}

// why returns the text of a provider's refusal, without the code that an app gets.
func why(err error) error {
	var refused *login.Refused
	if errors.As(err, &refused) {
		return refused.Err
	}
	return err
}

// registration is a client's registration at a provider, with where findings about it go.
type registration struct {
	add          func(subject string, level Level, advice, text string, args ...any)
	callback     string
	responseMode string
}

// redirectURI asks for a sign-in without any interaction: a provider that knows
// client and redirect URI sends the error back there (OpenID Connect Core section
// 3.1.2.6), another shows a page, or refuses the request that is pushed.
func (e *examination) redirectURI(ctx context.Context, client *login.Provider, at registration) {
	callback := at.callback
	advice := "Register " + callback + ", exactly so, as redirect URI of the client at the provider."
	address, err := client.AuthorizationURL(ctx, login.NewAttempt("tabard-doctor", "", e.Now), login.Request{Prompt: "none"})
	switch login.FaultOf(err) {
	case "":
	case login.FaultRequest, login.FaultReported: // which a request with prompt is, whoever made it
		if errors.Is(err, login.ErrLongRequestURI) {
			at.add(provider, Problem, "Have the provider answer pushed requests with a reference, or switch them off: at the provider, and --oidc-push-requests or push_requests of the connection.", "%v", why(err))
			return
		}
		at.add(provider, Problem, advice, "it refuses the request that is pushed: %v", why(err))
		return
	default:
		at.add(provider, Look, "The first sign-in will show it.", "the request for a sign-in could not be made: %v", err)
		return
	}
	a, err := e.get(ctx, address)
	var form url.Values
	if err == nil && at.responseMode == "form_post" {
		form = formTo(a.body, callback)
	}
	switch {
	case err != nil:
		at.add(provider, Problem, "Browsers go there to sign in.", "its authorization endpoint does not answer: %v", err)
	case a.status/100 == 3 && isAt(a.header.Get("Location"), callback) && at.refused(query(a.header.Get("Location"))),
		form != nil && at.refused(form):
	case a.status/100 == 3 && isAt(a.header.Get("Location"), callback), form != nil:
		at.add(provider, OK, "", "it accepts the redirect URI %s", callback)
	case a.status/100 == 4:
		at.add(provider, Problem, advice, "it refuses the redirect URI %s", callback)
	default:
		at.add(provider, Look, advice, "it did not answer whether it accepts the redirect URI %s", callback)
	}
}

// refused tells where the provider sends every sign-in back with an error that no person
// causes.
func (at registration) refused(answer url.Values) bool {
	if !login.IsDeploymentError(answer.Get("error")) {
		return false
	}
	code, advice := answer.Get("error"), "See what the provider demands of this client."
	switch code {
	case "invalid_scope":
		advice = "Name in --oidc-scopes only what this client may ask for at the provider."
	case "unauthorized_client", "unsupported_response_type":
		advice = "Allow this client the authorization code flow (response type code) at the provider."
	case "server_error", "temporarily_unavailable":
		advice = "Ask whoever runs the provider."
	}
	at.add(provider, Problem, advice, "it refuses a request for a sign-in: %s: %.300q", code, answer.Get("error_description"))
	return true
}

// query returns the query of an address.
func query(address string) url.Values {
	u, err := url.Parse(address)
	if err != nil {
		return nil
	}
	return u.Query()
}

// formTo returns the fields of the form in a page that is sent to an address, or nil.
func formTo(page []byte, action string) (fields url.Values) {
	for z := html.NewTokenizer(bytes.NewReader(page)); ; {
		kind := z.Next()
		if kind == html.ErrorToken {
			return fields
		}
		t := z.Token()
		attributes := map[string]string{}
		for _, a := range t.Attr {
			attributes[a.Key] = a.Val
		}
		switch {
		case kind == html.EndTagToken && t.Data == "form" && fields != nil:
			return fields
		case t.Data == "form" && isAt(attributes["action"], action):
			fields = url.Values{}
		case t.Data == "input" && fields != nil:
			fields.Add(attributes["name"], attributes["value"])
		}
	}
}

func isAt(location, callback string) bool {
	u, err := url.Parse(location)
	return err == nil && u.Scheme+"://"+u.Host+u.Path == callback
}
