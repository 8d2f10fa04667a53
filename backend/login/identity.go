package login

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// Identity is who the provider says signed in, and how.
type Identity struct {
	// Issuer and Subject together name the person; nothing else does.
	Issuer  string
	Subject string
	Name    string
	Email   string
	// AuthTime is when the person authenticated, in Unix seconds, as the identity token
	// says it; 0 where it does not say.
	AuthTime int64
	ACR      string
	AMR      []string
	// SessionID is the provider's own session (OpenID Connect Front-Channel
	// Logout section 3).
	SessionID string
	// SessionExpiry is when the provider wants the session to end, in Unix seconds; 0
	// where it does not say (OpenID Connect Enterprise Extensions).
	SessionExpiry int64
	// Token is the identity token, for ending the provider's session.
	Token string
	// Claims are all claims of the identity token, and those of the provider's userinfo
	// that say nothing about the authentication.
	Claims map[string]any
	// UserInfo are the claims of userinfo alone; nil where it was not asked (see
	// Provider.AddUserInfo), or failed, as UserInfoFailed tells.
	UserInfo       map[string]any
	UserInfoFailed bool

	tokens        *oauth2.Token
	askedUserInfo bool
}

// Refused is the error of a sign-in that the provider, or a check of its answer,
// refused. Code is the provider's (RFC 6749 section 4.1.2.1) or invalid_response.
type Refused struct {
	Code string
	Err  error
	// Fault says what of the deployment or the provider is to be mended; empty where a
	// person was refused.
	Fault Fault
}

func (e *Refused) Error() string { return fmt.Sprintf("login: %s: %v", e.Code, e.Err) }
func (e *Refused) Unwrap() error { return e.Err }

const invalidResponse = "invalid_response"

func refused(format string, args ...any) error {
	return &Refused{Code: invalidResponse, Err: fmt.Errorf(format, args...)}
}

// What is kept of an identity, in bytes: the database and every access token carry it,
// and whoever has a provider of their own writes it.
const (
	maxIdentityToken = 64 << 10
	maxSubject       = 255 // OpenID Connect Core section 2
	maxACR           = 256
	maxAMR           = 256 // all methods, with spaces between
	maxName          = 200
	maxEmail         = 254 // RFC 5321 section 4.5.3.1.3
)

// maxSkew is what the provider's clock may be ahead, in seconds.
const maxSkew = 60

// Identify ends a sign-in: it redeems the callback's code and checks the identity
// token (OpenID Connect Core section 3.1.3.7). The error is *Refused, or
// ErrUnavailable.
func (p *Provider) Identify(ctx context.Context, a Attempt, callback url.Values, now int64) (Identity, error) {
	found, err := p.discover(ctx)
	if err != nil {
		return Identity{}, err
	}
	if err := p.checkCallback(found, callback); err != nil {
		return Identity{}, err
	}
	tokens, err := p.redeem(ctx, found, callback.Get("code"), a.Verifier, now)
	if moved := p.refreshAfter(ctx, found, err); moved != nil && moved.oauth.Endpoint.TokenURL != found.oauth.Endpoint.TokenURL {
		found = moved
		tokens, err = p.redeem(ctx, found, callback.Get("code"), a.Verifier, now)
	}
	if err != nil {
		return Identity{}, err
	}
	raw, _ := tokens.Extra("id_token").(string)
	if raw == "" {
		return Identity{}, p.faultError(FaultToken, "its token endpoint answers with no id_token: let the client have the scope openid")
	}
	if len(raw) > maxIdentityToken {
		return Identity{}, refused("identity token: of %d bytes", len(raw))
	}
	identity, err := p.read(ctx, found, raw, a, now)
	if moved := p.refreshAfter(ctx, found, err); moved != nil && moved.metadata.KeySet != found.metadata.KeySet {
		identity, err = p.read(ctx, moved, raw, a, now)
	}
	if err != nil {
		return Identity{}, err
	}
	identity.Token, identity.tokens = raw, tokens
	if identity.Name == "" || identity.Email == "" {
		if err := p.AddUserInfo(ctx, &identity); err != nil {
			return Identity{}, err
		}
	}
	return identity, nil
}

// checkCallback refuses an answer of another provider (RFC 9207 section 2.4) and
// hands on the provider's own refusal.
func (p *Provider) checkCallback(found *discovered, callback url.Values) error {
	iss := callback.Get("iss")
	if (iss != "" || found.metadata.NamesIss) && !p.isIssuer(iss) {
		return refused("the answer is of issuer %q", iss)
	}
	if code := callback.Get("error"); code != "" {
		return p.authorizationError(code, callback.Get("error_description"))
	}
	if callback.Get("code") == "" {
		return refused("the answer has no code")
	}
	return nil
}

// read verifies an identity token and checks what it says. Who is named among others
// in its audience may be so without azp (OpenID Connect Core section 3.1.3.7, errata set
// 2); no other party's is taken.
func (p *Provider) read(ctx context.Context, found *discovered, raw string, a Attempt, now int64) (Identity, error) {
	var claims identityClaims
	token, text, err := p.verify(ctx, found.keys, raw, oidc.Config{
		SupportedSigningAlgs: found.algorithms, Now: func() time.Time { return time.Unix(now-maxSkew, 0) },
		SkipIssuerCheck: p.config.Tenants != nil,
	}, &claims)
	if err == nil {
		err = p.checkTenant(token.Issuer, text)
	}
	if err != nil {
		return Identity{}, p.verificationError("identity token", err)
	}
	identity := Identity{Issuer: p.config.Issuer, Subject: token.Subject}
	if p.config.Tenants != nil {
		identity.Issuer = token.Issuer
	}
	if identity.Claims, err = allClaims(text); err != nil {
		return Identity{}, refused("identity token: %w", err)
	}
	switch {
	case containsNull(text):
		return Identity{}, refused("identity token: a null character")
	case claims.Nonce == "" || string(claims.Nonce) != a.Nonce:
		return Identity{}, refused("identity token: another nonce")
	case token.Subject == "" || len(token.Subject) > maxSubject:
		return Identity{}, refused("identity token: no usable sub")
	case claims.AuthorizedParty != "" && string(claims.AuthorizedParty) != p.config.ClientID:
		return Identity{}, p.faultError(FaultToken, "identity token: azp is %.100q", claims.AuthorizedParty)
	case token.IssuedAt.Unix() <= 0 || token.IssuedAt.Unix() > now+maxSkew:
		return Identity{}, p.faultError(FaultClock, "identity token: issued %d s ahead of this server's clock, or it does not say when: keep both clocks by NTP", token.IssuedAt.Unix()-now)
	case claims.SessionExpiry > 0 && int64(claims.SessionExpiry) <= now:
		return Identity{}, refused("identity token: session_expiry is in the past: by it the session has ended")
	}
	identity.AuthTime = claims.authenticatedAt(now)
	if err := a.checkMaxAge(identity.AuthTime, now); err != nil {
		return Identity{}, err
	}
	claims.truncate()
	identity.ACR, identity.AMR, identity.SessionID = string(claims.ACR), claims.AMR, string(claims.SessionID)
	identity.SessionExpiry = max(int64(claims.SessionExpiry), 0)
	identity.Name, identity.Email = truncateName(string(claims.Name)), verifiedEmail(string(claims.Email), identity.Claims)
	return identity, nil
}

// containsNull tells that a text of the JSON may hold U+0000, which no name has and not
// every database keeps.
func containsNull(text json.RawMessage) bool { return bytes.Contains(text, []byte(`\u0000`)) }

// truncateName is a name's beginning.
func truncateName(name string) string {
	return strings.ToValidUTF8(name[:min(len(name), maxName)], "")
}

// verifiedEmail returns an e-mail address unless it is too long to be one, or the claims
// beside it say that the provider has not verified it (OpenID Connect Core section 5.1).
func verifiedEmail(email string, claims map[string]any) string {
	if v, said := claims["email_verified"]; len(email) > maxEmail || said && v != true && v != "true" {
		return ""
	}
	return email
}
