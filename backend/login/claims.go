package login

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/strictjson"
)

// checkedClaims are the claims that go-oidc checks.
type checkedClaims struct {
	Issuer    text     `json:"iss,omitempty"`
	Subject   text     `json:"sub,omitempty"`
	Audience  texts    `json:"aud,omitempty"`
	Expires   demanded `json:"exp,omitempty"`
	IssuedAt  demanded `json:"iat,omitempty"`
	NotBefore instant  `json:"nbf,omitempty"`
}

// demanded is an instant that a token must not state in another form.
type demanded int64

// UnmarshalJSON implements json.Unmarshaler.
func (d *demanded) UnmarshalJSON(value []byte) error {
	if string(value) == "null" {
		return nil
	}
	at, ok := readInstant(value)
	if !ok {
		return errUnreadable
	}
	*d = demanded(at)
	return nil
}

// errUnreadable is the error for a time that does not say whether a token is valid.
var errUnreadable = errors.New("exp or iat is not a time in seconds since 1970")

// identityClaims are the other claims of an identity token that are used (OpenID
// Connect Core section 2).
type identityClaims struct {
	Nonce           text       `json:"nonce"`
	AuthorizedParty text       `json:"azp"`
	AuthTime        instant    `json:"auth_time"`
	ACR             text       `json:"acr"`
	AMR             texts      `json:"amr"`
	SessionID       identifier `json:"sid"`
	SessionExpiry   instant    `json:"session_expiry"`
	Name            text       `json:"name"`
	Email           text       `json:"email"`
}

// protectedClaims are only accepted from an identity token. Userinfo describes no
// authentication, and its claim names can be configured freely.
var protectedClaims = []string{
	"iss", "sub", "aud", "exp", "iat", "nbf", "jti", "nonce", "azp", "auth_time", "acr", "amr", "sid", "at_hash", "c_hash",
}

// exactKeySet is the key set for verifying one token. It passes only checkedClaims on
// to go-oidc, which matches names case-insensitively and rejects a token because of the
// type of an unused claim.
type exactKeySet struct {
	keys     remoteKeys
	original string          // the token, if go-oidc gets another header
	payload  json.RawMessage // all claims, after the signature is verified
	broken   error           // that go-oidc would not pass on as it is
}

// VerifySignature implements oidc.KeySet.
func (k *exactKeySet) VerifySignature(ctx context.Context, raw string) ([]byte, error) {
	verify := k.keys.VerifySignature
	if k.original != "" {
		verify = func(ctx context.Context, raw string) ([]byte, error) {
			return k.keys.verifyOriginal(ctx, raw, k.original)
		}
	}
	payload, err := verify(ctx, raw)
	if errors.Is(err, ErrKeysPaused) {
		k.broken = err // go-oidc keeps its text alone
	}
	if err != nil {
		return nil, err
	}
	k.payload = payload
	var checked checkedClaims
	if k.broken = strictjson.DecodeKnown(payload, &checked); k.broken != nil {
		return nil, k.broken
	}
	return json.Marshal(checked)
}

// verify verifies a token's signature, issuer, audience and times, as c requires, and
// decodes its claims by their exact names.
func (p *Provider) verify(ctx context.Context, keys remoteKeys, raw string, c oidc.Config, into any) (*oidc.IDToken, json.RawMessage, error) {
	c.ClientID = p.config.ClientID
	return p.verifyFor(ctx, keys, raw, c, into)
}

// verifyFor is verify for an audience other than the client: c.ClientID.
func (p *Provider) verifyFor(ctx context.Context, keys remoteKeys, raw string, c oidc.Config, into any) (*oidc.IDToken, json.RawMessage, error) {
	exact := &exactKeySet{keys: keys}
	verifier := oidc.NewVerifier(p.config.Issuer, exact, &c)
	token, err := verifier.Verify(ctx, raw)
	if err != nil && strings.HasPrefix(err.Error(), "oidc: malformed jwt") {
		if used, ok := withUsedHeader(raw); ok {
			exact.original = raw
			token, err = verifier.Verify(ctx, used)
		}
	}
	if exact.broken != nil {
		return nil, nil, exact.broken
	}
	if err != nil {
		return nil, nil, err
	}
	return token, exact.payload, strictjson.DecodeKnown(exact.payload, into)
}

// allClaims returns every claim that can be stored and that all parsers read alike.
func allClaims(payload []byte) (map[string]any, error) {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(payload, &raw); err != nil {
		return nil, err
	}
	return clearClaims(raw)
}

// truncate removes values that cannot be stored or are too long for it.
func (c *identityClaims) truncate() {
	if len(c.ACR) > maxACR || hasNull(string(c.ACR)) {
		c.ACR = ""
	}
	if methods := strings.Join(c.AMR, " "); len(methods) > maxAMR || hasNull(methods) {
		c.AMR = nil
	}
}

// authenticatedAt returns when the person authenticated, limited to now, or 0 if the
// token does not say.
func (c *identityClaims) authenticatedAt(now int64) int64 {
	if c.AuthTime <= 0 || int64(c.AuthTime) > now+maxSkew {
		return 0
	}
	return min(int64(c.AuthTime), now)
}

// checkMaxAge refuses an authentication that is older than the attempt's MaxAge or of
// unknown age. Such an error is final; a retry would get the same answer.
func (p *Provider) checkMaxAge(a Attempt, i Identity, now int64) error {
	switch {
	case a.MaxAge == nil:
		return nil
	case i.AuthTime == 0 && a.Confirms:
		return nil
	case i.AuthTime == 0:
		return p.authTimeError(i.Claims["auth_time"], *a.MaxAge, now)
	case now-i.AuthTime > *a.MaxAge+maxSkew && !a.Caused(i):
		r := p.faultError(FaultReported, "identity token: max_age=%d was requested, and the authentication is %d s old: have the provider ask the person again", *a.MaxAge, now-i.AuthTime)
		r.Code = string(api.AuthenticationNotRenewed)
		return r
	}
	return nil
}

// authTimeError says why an auth_time does not tell the age of an authentication. One that
// is there is a fault of the provider's.
func (p *Provider) authTimeError(sent any, maxAge, now int64) error {
	r := &Refused{Code: string(api.AuthTimeMissing)}
	if sent == nil {
		r.Err = fmt.Errorf("identity token: auth_time is missing although max_age=%d was requested: "+
			"configure the provider to include auth_time, or remove the rules that need it, such as authentication_age and isolated", maxAge)
		return r
	}
	var at instant
	text, _ := json.Marshal(sent) // was JSON
	at.UnmarshalJSON(text)        // never fails
	r.Fault = FaultToken
	switch seconds := int64(at) / 1000; {
	case int64(at) > now+maxSkew && seconds > now-maxMillisecondsAge && seconds <= now+maxSkew:
		r.Err = fmt.Errorf("%s: identity token: max_age=%d was requested, and auth_time is %d, which is in milliseconds: have the provider state it in seconds since 1970", p.config.Issuer, maxAge, at)
	case int64(at) > now+maxSkew:
		r.Fault = FaultClock
		r.Err = fmt.Errorf("%s: identity token: max_age=%d was requested, and auth_time is %d, %d s ahead of this server's clock: synchronize both clocks (NTP)", p.config.Issuer, maxAge, at, int64(at)-now)
	default:
		r.Err = fmt.Errorf("%s: identity token: max_age=%d was requested, and auth_time is %.100s, which is not a time in seconds since 1970: have the provider state one", p.config.Issuer, maxAge, text)
	}
	return r
}

// maxMillisecondsAge is how old an authentication in milliseconds may be to be told as
// such, in seconds.
const maxMillisecondsAge = 10 * 365 * 24 * 60 * 60
