package login

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/tabard-auth/tabard/backend/session"
)

// revocationType is the type of the token that authenticates a request for Global Token
// Revocation.
const revocationType = "global-token-revocation+jwt"

// maxRevocationAge is the largest age of such a token, in seconds.
const maxRevocationAge = 5 * 60

// ErrNotAuthenticated is the error for a request for Global Token Revocation that the
// provider did not sign for this server.
var ErrNotAuthenticated = errors.New("login: the provider did not sign the request")

// ReadRevocation verifies the token that authenticates a request for Global Token
// Revocation (draft-parecki-oauth-global-token-revocation), for the address that received
// it. It returns the logout of the subject, which the request's body names. The error
// is ErrNotAuthenticated, ErrUnavailable or ErrKeysPaused, or *Refused if the provider may not end the
// subject's sessions.
func (p *Provider) ReadRevocation(ctx context.Context, raw, address, issuer, subject string, now int64) (session.UpstreamLogout, error) {
	none := session.UpstreamLogout{}
	if kind, err := headerType(raw); err != nil || kind != revocationType {
		return none, fmt.Errorf("%w: typ is %.100q, not %s", ErrNotAuthenticated, kind, revocationType)
	}
	found, err := p.discover(ctx)
	if err != nil {
		return none, err
	}
	var claims struct {
		ID      *json.RawMessage `json:"jti"`
		Expires instant          `json:"exp"`
		Begins  instant          `json:"nbf"`
	}
	token, payload, err := p.verifyFor(ctx, found.logoutKeys, raw, oidc.Config{
		ClientID: address, SupportedSigningAlgs: found.algorithms, SkipExpiryCheck: true, SkipIssuerCheck: p.config.Tenants != nil,
	}, &claims)
	if err == nil {
		err = p.checkTenant(token.Issuer, payload)
	}
	if err != nil {
		if err = p.verificationError("revocation token", err); errors.Is(err, ErrUnavailable) || errors.Is(err, ErrKeysPaused) {
			p.refreshAfter(ctx, found, err) // the provider will send the request again
			return none, err
		}
		return none, fmt.Errorf("%w: %w", ErrNotAuthenticated, err)
	}
	issued := token.IssuedAt.Unix()
	switch {
	case claims.ID == nil:
		err = errors.New("jti is missing")
	case claims.Expires == 0 || int64(claims.Expires) < now-maxSkew:
		err = errors.New("it has expired, or does not say when")
	case int64(claims.Begins) > now+maxSkew:
		err = errors.New("it is not valid yet")
	case issued > now+maxSkew, issued < now-maxRevocationAge:
		err = errors.New("it is too old, or issued in the future")
	}
	if err != nil {
		return none, fmt.Errorf("%w: %w", ErrNotAuthenticated, err)
	}
	if !Unambiguous(subject) {
		return none, refused("revocation: the subject's sub is not Unicode text")
	}
	if issuer != token.Issuer {
		return none, refused("revocation: the subject's iss is not the provider's issuer")
	}
	// The body names the subject: one token for two of them ends the sessions of both.
	return session.UpstreamLogout{Issuer: issuer, Subject: subject, Until: issued, Token: digest(append(slices.Clip(payload), subject...))}, nil
}
