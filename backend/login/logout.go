package login

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/tabard-auth/tabard/backend/session"
	"github.com/tabard-auth/tabard/backend/strictjson"
)

const (
	logoutEvent   = "http://schemas.openid.net/event/backchannel-logout"
	logoutType    = "logout+jwt"
	maxLogoutAge  = 2 * 60 // seconds
	maxLogoutText = 8 << 10
)

// ReadLogoutToken verifies a logout token (OpenID Connect Back-Channel Logout 1.0
// section 2.6) and returns the sessions to end. The error is *Refused,
// ErrUnavailable or ErrKeysPaused.
func (p *Provider) ReadLogoutToken(ctx context.Context, raw string, now int64) (session.UpstreamLogout, error) {
	raw = strings.TrimSpace(raw)
	if err := logoutHeader(raw, p.config.UntypedLogoutTokens); err != nil {
		return session.UpstreamLogout{}, refused("logout token: %w", err)
	}
	found, err := p.discover(ctx)
	if err != nil {
		return session.UpstreamLogout{}, err
	}
	var claims struct {
		ID        *json.RawMessage           `json:"jti"`
		SessionID json.RawMessage            `json:"sid"`
		Expires   instant                    `json:"exp"`
		Begins    instant                    `json:"nbf"`
		Nonce     *json.RawMessage           `json:"nonce"`
		Events    map[string]json.RawMessage `json:"events"`
	}
	token, payload, err := p.verify(ctx, found.logoutKeys, raw, oidc.Config{
		SupportedSigningAlgs: found.algorithms, SkipExpiryCheck: true, SkipIssuerCheck: p.config.Tenants != nil,
	}, &claims)
	if err == nil {
		err = p.checkTenant(token.Issuer, payload)
	}
	if err != nil {
		if err = p.verificationError("logout token", err); errors.Is(err, ErrUnavailable) {
			p.refreshAfter(ctx, found, err) // the provider will send the token again
		}
		return session.UpstreamLogout{}, err
	}
	issued := token.IssuedAt.Unix()
	sid, readable := readSessionID(claims.SessionID)
	switch {
	case claims.ID == nil:
		err = errors.New("jti is missing")
	case claims.Nonce != nil:
		err = errors.New("it has a nonce, like an identity token")
	case claims.Events[logoutEvent] == nil:
		err = errors.New("events does not contain the logout event")
	case !readable: // it is about one session, and sub alone would end all
		err = fmt.Errorf("sid is %.100q, not an unambiguous string or integer of up to %d bytes", claims.SessionID, maxSubject)
	case token.Subject == "" && sid == "":
		err = errors.New("it has neither a sub nor a sid that can be read")
	case !Unambiguous(token.Subject):
		err = errors.New("sub is not Unicode text")
	case int64(claims.Begins) > now+maxSkew, issued > now+maxSkew, issued < now-maxLogoutAge, claims.Expires != 0 && int64(claims.Expires) < now-maxSkew:
		err = errors.New("it is too old, expired, not valid yet, or issued in the future")
	}
	if err != nil {
		return session.UpstreamLogout{}, refused("logout token: %w", err)
	}
	return session.UpstreamLogout{
		Issuer: token.Issuer, Subject: token.Subject, SessionID: sid, Until: issued, Token: digest(payload),
	}, nil
}

// readSessionID returns a sid, or "" if it is absent, null or empty. It reports whether it
// is any of these.
func readSessionID(value json.RawMessage) (sid string, readable bool) {
	var read identifier
	if len(value) > 0 {
		read.UnmarshalJSON(value) // never fails
	}
	return string(read), read != "" || len(value) == 0 || string(value) == "null" || string(value) == `""`
}

// digest identifies a signed token by its claims. The type of its jti does not matter then,
// nor whether its signature can be written in another way.
func digest(payload json.RawMessage) string {
	sum := sha256.Sum256(payload)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// logoutHeader checks the type of a logout token. An identity token must not end
// sessions. For a provider without typ, the claims distinguish them: a logout token has
// events and no nonce.
func logoutHeader(raw string, untyped bool) error {
	kind, err := headerType(raw)
	switch {
	case err != nil:
		return err
	case kind == logoutType, untyped && (kind == "" || kind == "jwt"):
		return nil
	}
	return fmt.Errorf("typ is %.100q, not %s; set untyped_logout_tokens if the provider does not set typ", kind, logoutType)
}

// decodeHeader decodes the header of a token.
func decodeHeader(raw string, into any) error {
	head, _, _ := strings.Cut(raw, ".")
	text, err := base64.RawURLEncoding.DecodeString(head)
	if err != nil {
		return err
	}
	return strictjson.DecodeKnown(text, into)
}

// headerType returns the type of a token's header, in lower case.
func headerType(raw string) (string, error) {
	var header struct {
		Type string `json:"typ"`
	}
	if len(raw) > maxLogoutText || decodeHeader(raw, &header) != nil {
		return "", errors.New("malformed")
	}
	return strings.TrimPrefix(strings.ToLower(header.Type), "application/"), nil
}
