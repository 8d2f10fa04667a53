// Package login implements the client side of OpenID Connect: the authorization code
// flow with PKCE (RFC 9700 section 2.1.1). The host provides the HTTP transport.
package login

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// Config configures a provider and this server as its client.
type Config struct {
	Issuer       string
	ClientID     string
	ClientSecret string
	// ClientKey authenticates the client instead of the secret (private_key_jwt). It is
	// optional.
	ClientKey *ClientKey
	// TokenEndpointAudience makes the token endpoint the audience of client assertions,
	// instead of the issuer.
	TokenEndpointAudience bool
	// Apple signs client secrets for Apple by ClientKey. It is nil for other providers.
	Apple *AppleClient
	// ResponseMode is query or form_post. Empty leaves it to the provider.
	ResponseMode string
	// PushRequests enables pushed authorization requests (RFC 9126) even if the
	// provider does not require them.
	PushRequests bool
	// Tenants are the tenant ids (tid) that may sign in at a provider with an issuer
	// for each tenant, such as Entra's organizations and common endpoints. It is nil
	// for a single issuer.
	Tenants []string
	// InternalURL is the scheme, host and port for requests from this server to the
	// provider. If empty, the issuer's are used. Browsers never use it.
	InternalURL string
	// RedirectURL is the backend's callback, as registered at the provider.
	RedirectURL string
	// Scopes are requested besides openid. Nil means profile and email.
	Scopes []string
	// Offline requests a refresh token at every sign-in (see Request.Offline).
	Offline bool
	// UntypedLogoutTokens accepts logout tokens without typ or with typ JWT, as older
	// providers send them.
	UntypedLogoutTokens bool
	// FrontchannelLogout allows the provider to end sessions by front-channel logout.
	FrontchannelLogout bool
	// Transport sends the requests to the provider.
	Transport http.RoundTripper
}

// Provider is an OpenID provider. It reads the metadata at first use and refreshes them
// later, so that a server can start while its provider is down.
type Provider struct {
	config Config
	client *http.Client
	found  atomic.Pointer[discovered]

	mu       sync.Mutex
	reading  *discovery // in progress, or nil
	failed   error      // error of the last read
	failedAt time.Time
	triedAt  time.Time // last attempt to refresh the metadata
}

const providerTimeout = 10 * time.Second

// New returns a provider.
func New(c Config) *Provider {
	if c.Scopes == nil {
		c.Scopes = []string{"profile", "email"}
	}
	return &Provider{config: c, client: newClient(newBounded(c.InternalTransport()))}
}

func newClient(transport http.RoundTripper) *http.Client {
	return &http.Client{
		Transport:     transport,
		Timeout:       providerTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// ErrUnavailable is the error for a provider that does not answer, or not as an OpenID
// provider. A retry may help.
var ErrUnavailable = errors.New("login: the OpenID provider is unavailable")

// authStyle selects the client authentication: client_secret_basic, the default of
// OpenID Connect Discovery section 3, unless the provider supports only
// client_secret_post. Trying both would redeem a code twice.
func (p *Provider) authStyle(methods []string) oauth2.AuthStyle {
	if p.config.ClientKey != nil ||
		slices.Contains(methods, "client_secret_post") && !slices.Contains(methods, "client_secret_basic") {
		return oauth2.AuthStyleInParams
	}
	return oauth2.AuthStyleInHeader
}

// verificationError classifies a verification error. go-oidc reports a failed fetch of
// keys only by its text. The token comes from the provider itself, so that the error is
// a fault of the deployment and not of the person.
func (p *Provider) verificationError(what string, err error) error {
	var expired *oidc.TokenExpiredError
	var already *Refused
	text := err.Error()
	switch {
	case errors.As(err, &already), errors.Is(err, ErrUnavailable), errors.Is(err, ErrKeysPaused):
		return err
	case strings.HasPrefix(text, "failed to verify signature: fetching keys"):
		return fmt.Errorf("%w: %s", errKeys, printable(text)) // the text may quote the whole answer
	case errors.As(err, &expired) && expired.Expiry.Unix() <= 0:
		return p.faultError(FaultToken, "%s: exp is missing", what)
	case errors.As(err, &expired), strings.HasPrefix(text, "oidc: current time"):
		return p.faultError(FaultClock, "%s: %s: synchronize both clocks (NTP)", what, printable(text))
	case strings.HasSuffix(text, errUnknownKey.Error()):
		return p.faultError(FaultKeys, "%s: %w", what, errUnknownKey)
	case strings.HasPrefix(text, "failed to verify signature"):
		return p.faultError(FaultKeys, "%s: %s", what, printable(text))
	}
	return p.faultError(FaultToken, "%s: %s", what, printable(text))
}

// errUnknownKey is go-oidc's error text for a token that no key verifies.
var errUnknownKey = errors.New("failed to verify id token signature")

// browserURL parses an address to which browsers are sent. It has the issuer's scheme.
func (p *Provider) browserURL(address string) (*url.URL, bool) {
	u, err := url.Parse(address)
	return u, err == nil && u.Host != "" && u.User == nil && strings.HasPrefix(p.config.Issuer, u.Scheme+"://")
}

// Request holds optional parameters of an authorization request (OpenID Connect Core
// section 3.1.2.1).
type Request struct {
	LoginHint string
	Prompt    string
	// Age is sent as max_age, unless Attempt.MaxAge is set, because providers may omit
	// auth_time without it. An older authentication is not refused. 0 sends nothing.
	Age int64
	// Offline requests a refresh token, in the way that the provider's metadata or
	// documentation demand.
	Offline bool
}

// AuthorizationURL returns the address of the authorization request.
func (p *Provider) AuthorizationURL(ctx context.Context, a Attempt, r Request) (string, error) {
	ctx, cancel := withinCall(ctx)
	defer cancel()
	found, err := p.discover(ctx)
	if err != nil {
		return "", err
	}
	if err := p.checkClientKey(found); err != nil { // before the person signs in there
		return "", err
	}
	options := []oauth2.AuthCodeOption{
		oidc.Nonce(a.Nonce), oauth2.S256ChallengeOption(a.Verifier),
	}
	switch {
	case a.MaxAge != nil:
		options = append(options, oauth2.SetAuthURLParam("max_age", strconv.FormatInt(*a.MaxAge, 10)))
	case r.Age > 0 && r.Prompt != "none":
		options = append(options, oauth2.SetAuthURLParam("max_age", strconv.FormatInt(r.Age, 10)))
	}
	prompt := p.prompt(found, r.Prompt)
	if r.Offline || p.config.Offline {
		options = append(options, p.offline(found)...)
		prompt = p.offlinePrompt(prompt)
	}
	for name, value := range map[string]string{
		"acr_values": a.ACRValues, "login_hint": r.LoginHint, "prompt": prompt,
	} {
		if value != "" {
			options = append(options, oauth2.SetAuthURLParam(name, value))
		}
	}
	if p.config.ResponseMode != "" {
		options = append(options, oauth2.SetAuthURLParam("response_mode", p.config.ResponseMode))
	}
	address := found.oauth.AuthCodeURL(a.State, options...)
	if p.config.PushRequests || found.metadata.MustPush {
		address, err = p.push(ctx, found, address, a.CreatedAt)
		return address, reportedIf(a.MaxAge != nil || a.ACRValues+r.LoginHint+r.Prompt != "", err)
	}
	return address, nil
}

// reportedIf marks the refusal of a request whose parameters anybody can choose.
func reportedIf(chosen bool, err error) error {
	if r, is := errors.AsType[*Refused](err); is && chosen && r.Fault == FaultRequest {
		r.Fault = FaultReported
	}
	return err
}

// prompt returns the prompt parameter. A provider that does not support login,
// according to its metadata or Google's documentation, gets select_account, because it
// would reject the request.
func (p *Provider) prompt(found *discovered, wanted string) string {
	known := found.metadata.Prompts
	if p.config.Issuer == google {
		known = []string{"none", "consent", "select_account"}
	}
	if wanted == "login" && !slices.Contains(known, "login") && slices.Contains(known, "select_account") {
		return "select_account"
	}
	return wanted
}

const google = "https://accounts.google.com"

// maxEndSessionURL is the maximum length of a URL that browsers, proxies and providers
// support.
const maxEndSessionURL = 2000

// EndSessionURL returns the address that ends the provider's session (OpenID Connect
// RP-Initiated Logout section 2), or "" if the provider has none. If the address would
// be too long, it omits id_token_hint. client_id still identifies the client, and the
// provider may ask the person to confirm.
func (p *Provider) EndSessionURL(ctx context.Context, identityToken, returnTo string) string {
	found, err := p.discover(ctx)
	if err != nil || found.metadata.EndSession == "" {
		return ""
	}
	end, ok := p.browserURL(found.metadata.EndSession)
	if !ok {
		return ""
	}
	query := end.Query()
	query.Set("client_id", p.config.ClientID)
	query.Set("post_logout_redirect_uri", returnTo)
	end.RawQuery = query.Encode()
	if identityToken == "" {
		return end.String()
	}
	hinted := *end
	query.Set("id_token_hint", identityToken)
	if hinted.RawQuery = query.Encode(); len(hinted.String()) > maxEndSessionURL {
		return end.String()
	}
	return hinted.String()
}
