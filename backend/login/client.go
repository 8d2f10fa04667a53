package login

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/tabard-auth/tabard/backend/strictjson"
)

// IsResponseMode reports whether a response mode is supported. Empty leaves it to the
// provider.
func IsResponseMode(mode string) bool { return mode == "" || mode == "query" || mode == "form_post" }

// assertionType is the client_assertion_type of RFC 7523 section 2.2.
const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// secretAt returns the client secret for a request, or "" if the client authenticates
// by an assertion.
func (p *Provider) secretAt(now int64) (string, error) {
	switch {
	case p.config.Apple != nil:
		return p.config.Apple.secret(p.config, now)
	case p.config.ClientKey != nil:
		return "", nil
	}
	return p.config.ClientSecret, nil
}

// redeem exchanges a code for tokens.
func (p *Provider) redeem(ctx context.Context, found *discovered, code, verifier string, now int64) (*oauth2.Token, error) {
	options := []oauth2.AuthCodeOption{oauth2.VerifierOption(verifier)}
	assertion, err := p.assertion(found, now)
	if err != nil {
		return nil, err
	}
	config := found.oauth
	if config.ClientSecret, err = p.secretAt(now); err != nil {
		return nil, err
	}
	if assertion != "" {
		options = append(options, oauth2.SetAuthURLParam("client_assertion_type", assertionType), oauth2.SetAuthURLParam("client_assertion", assertion))
	}
	tokens, err := config.Exchange(oidc.ClientContext(ctx, newClient(reading{p.client.Transport, usedOfTokens})), code, options...)
	if err != nil {
		return nil, p.exchangeError(err, code, verifier, assertion, config.ClientSecret)
	}
	return tokens, nil
}

// CheckClient tests the client's credentials by redeeming an invalid code. It returns
// nil if the provider rejects the code (RFC 6749 section 5.2), and an error if it
// rejects the client.
func (p *Provider) CheckClient(ctx context.Context, now int64) error {
	found, err := p.discover(ctx)
	if err != nil {
		return err
	}
	_, err = p.redeem(ctx, found, "tabard-doctor", oauth2.GenerateVerifier(), now)
	var refused *Refused
	if errors.As(err, &refused) && refused.Fault == "" {
		return nil
	}
	return err
}

// CheckClientKey refuses a key that cannot sign assertions for the provider, by what its
// metadata say.
func (p *Provider) CheckClientKey(ctx context.Context) error {
	found, err := p.discover(ctx)
	if err != nil {
		return err
	}
	return p.checkClientKey(found)
}

func (p *Provider) checkClientKey(found *discovered) error {
	if p.config.ClientKey == nil || p.config.Apple != nil {
		return nil
	}
	if _, err := p.config.ClientKey.method(found.metadata.AssertionAlgorithms); err != nil {
		return p.faultError(FaultClient, "%w: use a P-256 or RSA key", err)
	}
	return nil
}

// assertion returns the client assertion for one request, or "" for a client with a
// secret. Its audience is the issuer, so that another provider cannot use it.
func (p *Provider) assertion(found *discovered, now int64) (string, error) {
	if p.config.ClientKey == nil || p.config.Apple != nil {
		return "", nil
	}
	if err := p.checkClientKey(found); err != nil {
		return "", err
	}
	audience, err := p.assertionAudience(found)
	if err != nil {
		return "", err
	}
	return p.config.ClientKey.assertion(p.config.ClientID, audience, found.metadata.AssertionAlgorithms, now)
}

// assertionAudience returns the audience of client assertions: the issuer, or the token
// endpoint by setting. The token endpoint must have the issuer's origin. Otherwise,
// metadata could name another provider's endpoint and obtain an assertion that is valid
// there.
func (p *Provider) assertionAudience(found *discovered) (string, error) {
	if !p.config.TokenEndpointAudience {
		return p.config.Issuer, nil
	}
	endpoint := found.oauth.Endpoint.TokenURL
	issuer, err := url.Parse(p.config.Issuer)
	if err != nil {
		return "", err
	}
	if u, err := url.Parse(endpoint); err != nil || u.Scheme != issuer.Scheme || u.Host != issuer.Host || u.User != nil {
		return "", p.faultError(FaultClient, "assertion_audience is token_endpoint, but its token endpoint %.300q is not at the issuer's own origin: leave it out", endpoint)
	}
	return endpoint, nil
}

// maxRequestURI is the maximum length of a request_uri. It is part of an address that
// proxies pass on in a header, of which they take 4 KiB by default.
const maxRequestURI = 2000

// ErrLongRequestURI is in the error of a request_uri that browsers cannot be sent on with.
var ErrLongRequestURI = errors.New("its endpoint for pushed requests answers with a request_uri that is too long for an address")

// push sends an authorization request directly to the provider (RFC 9126 section 2) and
// returns the short address for the browser.
func (p *Provider) push(ctx context.Context, found *discovered, address string, now int64) (string, error) {
	authorization, err := url.Parse(address)
	if err != nil {
		return "", err
	}
	if found.metadata.Push == "" {
		return "", p.faultError(FaultRequest, "its metadata has no pushed_authorization_request_endpoint: disable push_requests here, or enable pushed requests at the provider")
	}
	request, err := p.clientRequest(ctx, found, found.metadata.Push, authorization.Query(), now)
	if err != nil {
		return "", err
	}
	response, err := p.client.Do(request)
	if err != nil {
		return "", fmt.Errorf("%w: its endpoint for pushed requests: %s", ErrUnavailable, printable(err.Error()))
	}
	defer response.Body.Close()
	var answer struct {
		RequestURI  text `json:"request_uri"`
		Error       text `json:"error"`
		Description text `json:"error_description"`
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return "", fmt.Errorf("%w: its endpoint for pushed requests: %s", ErrUnavailable, printable(err.Error()))
	}
	err = strictjson.DecodeKnown(body, &answer)
	if response.StatusCode/100 != 2 || err != nil || answer.RequestURI == "" {
		return "", p.endpointError("its endpoint for pushed requests", response.StatusCode, string(answer.Error),
			p.saidTo(request, string(answer.Error), string(answer.Description), body))
	}
	if n := len(answer.RequestURI); n > maxRequestURI {
		return "", p.faultError(FaultRequest, "%w: %d characters, more than %d", ErrLongRequestURI, n, maxRequestURI)
	}
	authorization.RawQuery = withQuery(found.oauth.Endpoint.AuthURL, url.Values{"client_id": {p.config.ClientID}, "request_uri": {string(answer.RequestURI)}})
	return authorization.String(), nil
}

// saidTo returns what a back-channel endpoint says of its refusal of a request, without
// the secrets of the request.
func (p *Provider) saidTo(request *http.Request, code, description string, body []byte) string {
	secrets := secretsOf(request)
	if code == "" {
		return p.redact(secrets, string(body))
	}
	return p.redact(secrets, code, description)
}

// withQuery returns the query of an address with more parameters.
func withQuery(address string, more url.Values) string {
	_, query, _ := strings.Cut(address, "?")
	if query != "" {
		query += "&"
	}
	return query + more.Encode()
}

// clientRequest returns the HTTP request of a form to a back-channel endpoint, at which
// the client authenticates.
func (p *Provider) clientRequest(ctx context.Context, found *discovered, endpoint string, form url.Values, now int64) (*http.Request, error) {
	assertion, err := p.assertion(found, now)
	if err != nil {
		return nil, err
	}
	secret, err := p.secretAt(now)
	if err != nil {
		return nil, err
	}
	inHeader := found.oauth.Endpoint.AuthStyle == oauth2.AuthStyleInHeader
	switch {
	case assertion != "":
		form.Set("client_assertion_type", assertionType)
		form.Set("client_assertion", assertion)
	case !inHeader:
		form.Set("client_secret", secret)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	request.PostForm = form
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Accept", "application/json")
	if inHeader {
		request.SetBasicAuth(url.QueryEscape(p.config.ClientID), url.QueryEscape(secret))
	}
	return request, nil
}
