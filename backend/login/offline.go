package login

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/oauth2"

	"github.com/tabard-auth/tabard/backend/strictjson"
)

// scopeOffline is the scope of refresh tokens (OpenID Connect Core section 11).
const scopeOffline = "offline_access"

// offline returns the parameters that request a refresh token: Google's own, or the
// scope, if the metadata name it. Other providers issue refresh tokens without it.
func (p *Provider) offline(found *discovered) []oauth2.AuthCodeOption {
	if p.config.Issuer == google {
		return []oauth2.AuthCodeOption{oauth2.AccessTypeOffline}
	}
	scopes := found.oauth.Scopes
	if !slices.Contains(found.metadata.Scopes, scopeOffline) || slices.Contains(scopes, scopeOffline) {
		return nil
	}
	return []oauth2.AuthCodeOption{oauth2.SetAuthURLParam("scope", strings.Join(append(slices.Clone(scopes), scopeOffline), " "))}
}

// IsGoogle reports whether an issuer is Google, which has a parameter in place of the scope.
func IsGoogle(issuer string) bool { return issuer == google }

// offlinePrompt returns the prompt of a request for a refresh token. Google issues one
// only after a consent.
func (p *Provider) offlinePrompt(prompt string) string {
	if p.config.Issuer != google || strings.Contains(prompt, "none") || strings.Contains(prompt, "consent") {
		return prompt
	}
	return strings.TrimSpace(prompt + " consent")
}

// ErrGrantRefused is the error of a refresh token that the provider refuses: the person
// has left or was disabled, has no session there any more, or has to sign in again.
var ErrGrantRefused = errors.New("login: the provider refuses the refresh token")

// ErrNoAnswer is the ErrUnavailable of a request that the provider may have carried out,
// and replaced the refresh token, although no answer came.
var ErrNoAnswer = fmt.Errorf("%w: no answer came", ErrUnavailable)

// refusedGrants are the error codes about the person or the grant, and not about this
// server (RFC 6749 section 5.2, OpenID Connect Core section 3.1.2.6).
var refusedGrants = map[string]bool{
	"invalid_grant": true, "access_denied": true,
	"login_required": true, "interaction_required": true, "consent_required": true, "account_selection_required": true,
}

// Issuer returns the provider's issuer.
func (p *Provider) Issuer() string { return p.config.Issuer }

// Refresh presents a refresh token (OpenID Connect Core section 12) and returns what the
// provider says of the person now. subject is the person's; an identity token is
// optional, but must be the same person's. Identity.RefreshToken is the token to present
// the next time: the new one, if the provider replaced it. An identity with a refresh
// token and an error means that the token was accepted, but the rest is unusable.
//
// The error is ErrGrantRefused, *Refused with a fault, or ErrUnavailable, of which
// ErrNoAnswer leaves open whether the token was used.
func (p *Provider) Refresh(ctx context.Context, refreshToken, subject string, now int64) (Identity, error) {
	found, err := p.discover(ctx)
	if err != nil {
		return Identity{}, err
	}
	answer, err := p.refreshTokens(ctx, found, refreshToken, now)
	if refreshed := p.refreshAfter(ctx, found, err); refreshed != nil && refreshed.oauth.Endpoint.TokenURL != found.oauth.Endpoint.TokenURL && !errors.Is(err, ErrNoAnswer) {
		found = refreshed
		answer, err = p.refreshTokens(ctx, found, refreshToken, now)
	}
	if err != nil {
		return Identity{}, err
	}
	identity := Identity{
		Issuer: p.config.Issuer, Subject: subject, Claims: map[string]any{}, RefreshToken: refreshToken,
		tokens: &oauth2.Token{AccessToken: string(answer.AccessToken), TokenType: string(answer.TokenType)},
	}
	if answer.RefreshToken != "" && len(answer.RefreshToken) <= maxRefreshToken {
		identity.RefreshToken = string(answer.RefreshToken)
	}
	raw := strings.TrimSpace(string(answer.IDToken))
	if raw == "" {
		return identity, nil
	}
	read, err := p.read(ctx, found, raw, nil, now)
	if refreshed := p.refreshAfter(ctx, found, err); refreshed != nil && refreshed.metadata.KeySet != found.metadata.KeySet {
		read, err = p.read(ctx, refreshed, raw, nil, now)
	}
	if err == nil && read.Subject != subject {
		err = p.faultError(FaultToken, "its refresh response has an identity token of another person")
	}
	if err != nil {
		return identity, err
	}
	read.Token, read.RefreshToken, read.tokens = raw, identity.RefreshToken, identity.tokens
	return read, nil
}

// refreshTokens sends one refresh request.
func (p *Provider) refreshTokens(ctx context.Context, found *discovered, refreshToken string, now int64) (answer usedTokens, err error) {
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refreshToken}}
	if found.oauth.Endpoint.AuthStyle == oauth2.AuthStyleInParams {
		form.Set("client_id", p.config.ClientID)
	}
	request, err := p.clientRequest(ctx, found, found.oauth.Endpoint.TokenURL, form, now)
	if err != nil {
		return answer, err
	}
	response, err := p.client.Do(request)
	if err != nil {
		return answer, noAnswer(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return answer, noAnswer(err)
	}
	if response.StatusCode/100 != 2 {
		return answer, p.refreshError(request, response.StatusCode, body)
	}
	if strictjson.DecodeKnown(body, &answer) != nil || answer.AccessToken == "" && answer.IDToken == "" && answer.RefreshToken == "" {
		return answer, fmt.Errorf("%w: its token endpoint answers a refresh without tokens", ErrNoAnswer)
	}
	return answer, nil
}

// noAnswer classifies a request that brought no answer. A connection that was never made
// has not carried it.
func noAnswer(err error) error {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		return fmt.Errorf("%w: its token endpoint: %s", ErrUnavailable, printable(err.Error()))
	}
	return fmt.Errorf("%w: its token endpoint: %s", ErrNoAnswer, printable(err.Error()))
}

// refreshError classifies an error response. A gateway that reports a lost or late
// answer does not know whether the provider carried out the request.
func (p *Provider) refreshError(request *http.Request, status int, body []byte) error {
	var answer struct {
		Error       text `json:"error"`
		Description text `json:"error_description"`
	}
	if strictjson.DecodeKnown(body, &answer) != nil {
		answer.Error = ""
	}
	code, said := string(answer.Error), p.saidTo(request, string(answer.Error), string(answer.Description), body)
	switch {
	case status/100 == 4 && !retryLater[status] && refusedGrants[code]:
		return fmt.Errorf("%w: %s", ErrGrantRefused, said)
	case status == http.StatusBadGateway, status == http.StatusGatewayTimeout:
		return fmt.Errorf("%w: its token endpoint answers %d: %s", ErrNoAnswer, status, said)
	}
	return p.endpointError("its token endpoint", status, code, said)
}
