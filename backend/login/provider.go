// Package login signs people in at an OpenID provider: authorization code flow
// with PKCE (RFC 9700 section 2.1.1), on every host over a transport of the host.
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

// Config names a provider and the client that the workspace is to it.
type Config struct {
	Issuer       string
	ClientID     string
	ClientSecret string
	// ClientKey proves who the client is in place of the secret (private_key_jwt); nil
	// leaves it to the secret.
	ClientKey *ClientKey
	// TokenEndpointAudience has the key's assertions be for the provider's token endpoint, in
	// place of its issuer.
	TokenEndpointAudience bool
	// Apple is who signs the client secret by ClientKey, at Apple; nil elsewhere.
	Apple *AppleClient
	// ResponseMode is how the provider answers, query or form_post; empty leaves it to the
	// provider.
	ResponseMode string
	// PushRequests has authorization requests pushed (RFC 9126) also where the metadata do
	// not demand it.
	PushRequests bool
	// Tenants are the ids (tid) of those whose people may sign in, where the provider has an
	// issuer for each tenant, as Entra has at organizations and common; nil where it has one
	// issuer.
	Tenants []string
	// InternalURL is scheme, host and port by which this server reaches the provider, in
	// place of the issuer's own; empty where it reaches that. Browsers never see it.
	InternalURL string
	// RedirectURL is the backend's callback, exactly as registered.
	RedirectURL string
	// Scopes beside openid; nil means profile and email.
	Scopes []string
	// UntypedLogoutTokens takes logout tokens whose header has no typ, or JWT, as older
	// providers send them.
	UntypedLogoutTokens bool
	// FrontchannelLogout lets the provider end sessions by a frame in a browser.
	FrontchannelLogout bool
	// Transport carries the requests to the provider.
	Transport http.RoundTripper
}

// Provider is an OpenID provider. Its metadata is read at the first use, so that
// a server starts while its provider is away, and again while it runs.
type Provider struct {
	config Config
	client *http.Client
	found  atomic.Pointer[discovered]

	mu       sync.Mutex
	reading  *discovery // nil without one under way
	failed   error      // of the last one
	failedAt time.Time
	triedAt  time.Time // when metadata that are known were last read again
}

const providerTimeout = 10 * time.Second

// New returns the provider of a configuration.
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

// ErrUnavailable is the error for a provider that cannot be reached or does not
// speak as one; trying again later may help.
var ErrUnavailable = errors.New("login: the OpenID provider is unavailable")

// authStyle chooses how the client authenticates: by client_secret_basic, which is
// what a provider that names no methods takes (OpenID Connect Discovery section 3),
// unless it takes client_secret_post alone. Trying both would redeem a code twice.
func (p *Provider) authStyle(methods []string) oauth2.AuthStyle {
	if p.config.ClientKey != nil ||
		slices.Contains(methods, "client_secret_post") && !slices.Contains(methods, "client_secret_basic") {
		return oauth2.AuthStyleInParams
	}
	return oauth2.AuthStyleInHeader
}

// verificationError says why a token is not good: go-oidc says by its words alone that keys
// could not be had. It comes from the provider itself, so that no person is to blame.
func (p *Provider) verificationError(what string, err error) error {
	var expired *oidc.TokenExpiredError
	var already *Refused
	text := err.Error()
	switch {
	case errors.As(err, &already):
		return err
	case strings.HasPrefix(text, "failed to verify signature: fetching keys"):
		return fmt.Errorf("%w: %s", errKeys, printable(text)) // which may quote the whole answer
	case errors.As(err, &expired), strings.HasPrefix(text, "oidc: current time"):
		return p.faultError(FaultClock, "%s: %s: keep both clocks by NTP", what, printable(text))
	case strings.HasSuffix(text, errUnknownKey.Error()):
		return p.faultError(FaultKeys, "%s: %w", what, errUnknownKey)
	case strings.HasPrefix(text, "failed to verify signature"):
		return p.faultError(FaultKeys, "%s: %s", what, printable(text))
	}
	return p.faultError(FaultToken, "%s: %s", what, printable(text))
}

// errUnknownKey is the error of a token that no key of the provider verifies, in
// go-oidc's words.
var errUnknownKey = errors.New("failed to verify id token signature")

// sameScheme tells an address of the issuer's scheme: no other is one to send a
// browser to.
func (p *Provider) sameScheme(address string) bool {
	scheme, _, ok := strings.Cut(address, "://")
	return ok && strings.HasPrefix(p.config.Issuer, scheme+"://")
}

// Request is what a sign-in asks of the provider beyond the ordinary (OpenID
// Connect Core section 3.1.2.1). The zero value asks nothing.
type Request struct {
	LoginHint string
	Prompt    string
	// Age is the age of the authentication beyond which it would have to be repeated,
	// in seconds: providers need not say auth_time unless they are asked for one. Nothing
	// is refused for it, as it is for Attempt.MaxAge, which goes before; 0 asks nothing.
	Age int64
}

// AuthorizationURL returns where the browser goes to sign in.
func (p *Provider) AuthorizationURL(ctx context.Context, a Attempt, r Request) (string, error) {
	found, err := p.discover(ctx)
	if err != nil {
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
	for name, value := range map[string]string{
		"acr_values": a.ACRValues, "login_hint": r.LoginHint, "prompt": p.prompt(found, r.Prompt),
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
		return p.push(ctx, found, address, a.CreatedAt)
	}
	return address, nil
}

// prompt is what the provider is asked to ask. One that knows no login, as its metadata say
// or as Google documents, is asked to have the account chosen: it would refuse the request.
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

// maxEndSessionURL is the longest address that browsers, proxies and providers all take.
const maxEndSessionURL = 2000

// EndSessionURL returns where the provider's own session is ended (OpenID Connect
// RP-Initiated Logout section 2), or "" where it offers that not. The hint is left out
// where the address would get too long with it: client_id still says who asks, and the
// provider may have the person confirm.
func (p *Provider) EndSessionURL(ctx context.Context, identityToken, returnTo string) string {
	found, err := p.discover(ctx)
	if err != nil || found.metadata.EndSession == "" {
		return ""
	}
	end, err := url.Parse(found.metadata.EndSession)
	if err != nil || !p.sameScheme(found.metadata.EndSession) {
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
