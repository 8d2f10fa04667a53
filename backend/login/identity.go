package login

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// Identity is the result of a sign-in at the provider.
type Identity struct {
	// Issuer and Subject identify the person. No other claim does.
	Issuer  string
	Subject string
	Name    string
	Email   string
	// AuthTime is when the person authenticated, in Unix seconds, according to the
	// identity token; 0 if unknown.
	AuthTime int64
	ACR      string
	AMR      []string
	// SessionID is the sid of the provider's session (OpenID Connect Front-Channel
	// Logout section 3).
	SessionID string
	// SessionExpiry is the end of the session that the provider requires, in Unix
	// seconds, or 0 (OpenID Connect Enterprise Extensions).
	SessionExpiry int64
	// Token is the identity token. It is needed for RP-initiated logout.
	Token string
	// RefreshToken is the provider's refresh token, or empty.
	RefreshToken string
	// Signed are the claims of the identity token. Claims are these, and those of userinfo
	// that do not describe the authentication.
	Signed, Claims map[string]any
	// UserInfo are the claims of userinfo. They are nil if it was not requested (see
	// Provider.AddUserInfo) or failed.
	UserInfo map[string]any

	tokens        *oauth2.Token
	askedUserInfo bool
	until         time.Time // for requests of userinfo; zero without a limit
}

// Refused is the error of a sign-in that was refused by the provider or by a check of
// its answer. Code is the provider's (RFC 6749 section 4.1.2.1) or invalid_response.
type Refused struct {
	Code string
	Err  error
	// Fault is the defect to fix. It is empty if only this person was refused.
	Fault Fault
}

func (e *Refused) Error() string { return fmt.Sprintf("login: %s: %v", e.Code, e.Err) }
func (e *Refused) Unwrap() error { return e.Err }

const invalidResponse = "invalid_response"

func refused(format string, args ...any) error {
	return &Refused{Code: invalidResponse, Err: fmt.Errorf(format, args...)}
}

// Limits of stored values, in bytes. A tenant's provider controls these values, and the
// database and access tokens contain them.
const (
	maxIdentityToken = 64 << 10
	maxRefreshToken  = 16 << 10
	maxSubject       = 255 // OpenID Connect Core section 2
	maxACR           = 256
	maxAMR           = 256 // all methods, separated by spaces
	maxName          = 200
	maxEmail         = 254 // RFC 5321 section 4.5.3.1.3
)

// maxSkew is how far the provider's clock may be ahead, in seconds.
const maxSkew = 60

// Identify completes a sign-in: it redeems the code of the callback and verifies the
// identity token (OpenID Connect Core section 3.1.3.7). The error is *Refused or
// ErrUnavailable.
func (p *Provider) Identify(ctx context.Context, a Attempt, callback url.Values, now int64) (Identity, error) {
	ctx, cancel := withinCall(ctx)
	defer cancel()
	found, err := p.discover(ctx)
	if err != nil {
		return Identity{}, err
	}
	if err := p.checkCallback(found, callback); err != nil {
		return Identity{}, err
	}
	tokens, err := p.redeem(ctx, found, callback.Get("code"), a.Verifier, now)
	if refreshed := p.refreshAfter(ctx, found, err); refreshed != nil && refreshed.oauth.Endpoint.TokenURL != found.oauth.Endpoint.TokenURL {
		found = refreshed
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
		return Identity{}, p.faultError(FaultToken, "identity token: %d bytes, more than %d: have the provider leave claims out, such as groups that concern no organization here", len(raw), maxIdentityToken)
	}
	identity, err := p.read(ctx, found, raw, &a, now)
	if refreshed := p.refreshAfter(ctx, found, err); refreshed != nil && refreshed.metadata.KeySet != found.metadata.KeySet {
		identity, err = p.read(ctx, refreshed, raw, &a, now)
	}
	if err != nil {
		return Identity{}, err
	}
	identity.Token, identity.tokens = raw, tokens
	identity.until, _ = ctx.Deadline()
	if len(tokens.RefreshToken) <= maxRefreshToken {
		identity.RefreshToken = tokens.RefreshToken
	}
	if iss := callback.Get("iss"); iss != "" && iss != identity.Issuer { // RFC 9207 section 2.4
		return Identity{}, p.faultError(FaultReported, "the authorization response is from issuer %.200q, and the identity token from %.200q", iss, identity.Issuer)
	}
	if identity.Name == "" || identity.Email == "" {
		if err := p.AddUserInfo(ctx, &identity); err != nil {
			return Identity{}, err
		}
	}
	return identity, nil
}

// checkCallback refuses an answer of another issuer (RFC 9207 section 2.4) and returns
// the provider's own error, if any.
func (p *Provider) checkCallback(found *discovered, callback url.Values) error {
	iss := callback.Get("iss")
	switch {
	case iss == "" && found.metadata.NamesIss:
		return p.faultError(FaultReported, "the authorization response has no iss, although the provider's metadata promise one (authorization_response_iss_parameter_supported)")
	case iss != "" && !p.IsIssuer(iss):
		return p.faultError(FaultReported, "the authorization response is from issuer %.200q", iss)
	}
	if code := callback.Get("error"); code != "" {
		return p.authorizationError(code, callback.Get("error_description"))
	}
	if callback.Get("code") == "" {
		return p.faultError(FaultReported, "the authorization response has no code and no error")
	}
	return nil
}

// read verifies an identity token and its claims. A token with several audiences needs
// no azp (OpenID Connect Core section 3.1.3.7, errata set 2), but an azp must be this
// client.
//
// The attempt is nil for the token of a refresh response, which need not repeat the
// nonce and is not about a new authentication (section 12.2).
func (p *Provider) read(ctx context.Context, found *discovered, raw string, a *Attempt, now int64) (Identity, error) {
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
	if identity.Signed, err = allClaims(text); err != nil {
		return Identity{}, p.faultError(FaultToken, "identity token: %w", err)
	}
	identity.Claims = identity.Signed
	switch {
	case a != nil && claims.Nonce == "":
		return Identity{}, p.faultError(FaultToken, "identity token: nonce is missing: have the provider repeat that of the authorization request")
	case a != nil && string(claims.Nonce) != a.Nonce:
		return Identity{}, refused("identity token: the nonce is not the one of this sign-in")
	case token.Subject == "" || len(token.Subject) > maxSubject:
		return Identity{}, p.faultError(FaultToken, "identity token: sub is missing, not a string, or longer than %d bytes", maxSubject)
	case !Unambiguous(token.Subject):
		return Identity{}, p.faultError(FaultToken, "identity token: sub %.300q is not Unicode text, so that two people could have the same one: have the provider encode it in UTF-8", token.Subject)
	case claims.AuthorizedParty != "" && string(claims.AuthorizedParty) != p.config.ClientID:
		return Identity{}, p.faultError(FaultToken, "identity token: azp is %.100q, not this client", claims.AuthorizedParty)
	case token.IssuedAt.Unix() <= 0:
		return Identity{}, p.faultError(FaultToken, "identity token: iat is missing")
	case token.IssuedAt.Unix() > now+maxSkew:
		return Identity{}, p.faultError(FaultClock, "identity token: iat is %d s ahead of this server's clock: synchronize both clocks (NTP)", token.IssuedAt.Unix()-now)
	case claims.SessionExpiry > 0 && int64(claims.SessionExpiry) <= now:
		return Identity{}, p.faultError(FaultToken, "identity token: session_expiry is %d, %d s ago, so that the session has already ended", claims.SessionExpiry, now-int64(claims.SessionExpiry))
	}
	identity.AuthTime = claims.authenticatedAt(now)
	if a != nil {
		if err := p.checkMaxAge(*a, identity, now); err != nil {
			return Identity{}, err
		}
	}
	claims.truncate()
	identity.ACR, identity.AMR, identity.SessionID = string(claims.ACR), claims.AMR, string(claims.SessionID)
	identity.SessionExpiry = max(int64(claims.SessionExpiry), 0)
	identity.Name, identity.Email = cleanName(string(claims.Name)), verifiedEmail(string(claims.Email), identity.Claims)
	return identity, nil
}

// cleanName returns a name in one line of limited length, without the characters that
// change the direction of the text around it. A name that cannot be stored, or of which
// nothing can be seen, counts as absent.
func cleanName(name string) string {
	if hasNull(name) {
		return ""
	}
	name = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsControl(r), unicode.IsSpace(r):
			return ' '
		case unicode.Is(unicode.Bidi_Control, r):
			return -1
		}
		return r
	}, name)
	if name = strings.TrimSpace(name); strings.TrimFunc(name, unseen) == "" {
		return ""
	}
	return strings.TrimSpace(strings.ToValidUTF8(name[:min(len(name), maxName)], ""))
}

func unseen(r rune) bool { return !unicode.IsPrint(r) || r == ' ' }

// verifiedEmail returns the e-mail address, unless it has characters that cannot be stored
// or seen, is too long or the claims say that it is not verified (OpenID Connect Core
// section 5.1).
func verifiedEmail(email string, claims map[string]any) string {
	if v, said := claims["email_verified"]; len(email) > maxEmail || !Unambiguous(email) || strings.ContainsFunc(email, unseen) || said && v != true && v != "true" {
		return ""
	}
	return email
}
