package token

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tabard-auth/tabard/backend/jws"
)

// PublicKey verifies tokens. The key fixes the algorithm; a token's header never does
// (RFC 8725 section 3.1).
type PublicKey struct {
	Algorithm string
	Key       crypto.PublicKey
}

// KeySource finds the public key of an issuer by its id. The error for a key that the
// issuer does not have is ErrUnknownKey. Any other error means that the keys could not
// be fetched.
type KeySource interface {
	PublicKey(ctx context.Context, kid string) (PublicKey, error)
}

// ErrUnknownKey is the error of a KeySource for a key that the issuer does not have.
var ErrUnknownKey = errors.New("unknown key")

// Config specifies the tokens that a Verifier accepts. Issuer, Audience and Keys are
// required.
type Config struct {
	Issuer   string
	Audience string
	Keys     KeySource
	// Organizations finds the keys of organizations whose policy requires a signing key
	// of their own. Each is the issuer Issuer/o/{org_id}, for itself only. NewKeySets
	// returns an implementation. Nil accepts no such token.
	Organizations OrganizationKeys
	// Dedicated reports whether an organization's tokens must come from its own issuer.
	// The workspace's key, even a stolen one, then signs no valid token for it. Nil
	// means none.
	Dedicated func(organizationID string) bool
	// Algorithms is the allowlist, of ES256, EdDSA and RS256. Nil means the first two.
	Algorithms []string
	// Leeway is the accepted difference between clocks. 0 means 30 s; more than 60 s is
	// refused.
	Leeway time.Duration
	// Now returns the time. Nil means time.Now.
	Now func() time.Time
}

// MaxBytes is the longest token that a Verifier accepts. Proxies accept no longer
// header.
const MaxBytes = 8 << 10

const (
	defaultLeeway = 30 * time.Second
	maxLeeway     = 60 * time.Second
)

// Verifier verifies access tokens.
type Verifier struct {
	config    Config
	withdrawn sync.Map // the ids of keys that are not accepted any more
}

// NewVerifier returns a verifier for a configuration.
func NewVerifier(c Config) (*Verifier, error) {
	if c.Issuer == "" || c.Audience == "" || c.Keys == nil {
		return nil, errors.New("token: a verifier needs an issuer, an audience and keys")
	}
	if c.Leeway < 0 || c.Leeway > maxLeeway {
		return nil, fmt.Errorf("token: leeway %v is not between 0 and %v", c.Leeway, maxLeeway)
	}
	if c.Leeway == 0 {
		c.Leeway = defaultLeeway
	}
	if len(c.Algorithms) == 0 {
		c.Algorithms = []string{"ES256", "EdDSA"}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	for _, algorithm := range c.Algorithms {
		if !jws.Supported(algorithm) {
			return nil, fmt.Errorf("token: algorithm %q is not supported", algorithm)
		}
	}
	return &Verifier{config: c}, nil
}

// Issuer returns the issuer whose tokens it accepts.
func (v *Verifier) Issuer() string { return v.config.Issuer }

// Audience returns the audience whose tokens it accepts.
func (v *Verifier) Audience() string { return v.config.Audience }

// Now and Leeway return the verifier's clock, for checks that must agree with it.
func (v *Verifier) Now() time.Time        { return v.config.Now() }
func (v *Verifier) Leeway() time.Duration { return v.config.Leeway }

func (v *Verifier) leeway() int64 { return int64(v.config.Leeway / time.Second) }

// Verify returns the claims of a token that authorizes by itself: authentic, of this
// issuer and audience, within its time, and not bound to a key. The error for every
// other token is an *Error. Package resource accepts tokens that are bound to a key.
//
// The caller still has to compare Claims.OrganizationID with the organization of the
// resource. VerifyFor does both.
func (v *Verifier) Verify(ctx context.Context, raw string) (*Claims, error) {
	claims, err := v.Inspect(ctx, raw)
	if err != nil {
		return nil, err
	}
	if claims.Confirmation != nil {
		return nil, &Error{Reason: ProofRequired}
	}
	return claims, nil
}

// VerifyFor is Verify for a resource of one organization, given by id or slug.
func (v *Verifier) VerifyFor(ctx context.Context, raw, organization string) (*Claims, error) {
	claims, err := v.Verify(ctx, raw)
	if err != nil {
		return nil, err
	}
	if !claims.Serves(organization) {
		return nil, &Error{Reason: WrongOrganization}
	}
	return claims, nil
}

// Inspect returns the claims of an authentic token, expired or not, and why it does not
// authorize (nil if it does). It returns no claims of a token that is not authentic.
//
// The claims authorize nothing. They serve to choose where a renewal leads and to write
// a log.
func (v *Verifier) Inspect(ctx context.Context, raw string) (*Claims, error) {
	claims, err := v.authentic(ctx, raw)
	if err != nil {
		return nil, err
	}
	return claims, v.timely(claims)
}

// authentic checks everything except the times.
func (v *Verifier) authentic(ctx context.Context, raw string) (*Claims, error) {
	message, err := jws.Parse(raw, MaxBytes)
	if err != nil {
		return nil, &Error{Reason: Malformed, Err: err}
	}
	if typ := message.Header.Text("typ"); strings.TrimPrefix(strings.ToLower(typ), "application/") != Type {
		return nil, &Error{Reason: WrongType}
	}
	claims, err := readClaims(message.Payload)
	if err != nil {
		return nil, &Error{Reason: Malformed, Err: err}
	}
	claims.readFurther(message.Claims)
	keys, ok := v.source(claims)
	if !ok { // the verifier does not accept the keys of this issuer
		return nil, &Error{Reason: WrongIssuer}
	}
	if err := v.verify(ctx, message, keys); err != nil {
		return nil, err
	}
	switch {
	case !slices.Contains(claims.Audience, v.config.Audience):
		return nil, &Error{Reason: WrongAudience}
	case claims.Subject == "" || !inHeaders(claims.OrganizationID) || claims.Expires == 0 || claims.IssuedAt == 0:
		return nil, &Error{Reason: MissingClaim}
	}
	return claims, nil
}

// inHeaders reports whether an organization's id is one that answers can name in a header:
// visible ASCII (RFC 9110 section 5.5).
func inHeaders(id string) bool {
	return id != "" && !strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r >= 0x7f })
}

// verify checks the signature. It only uses kid: no key or address in the token, and no
// algorithm but the key's own.
func (v *Verifier) verify(ctx context.Context, message *jws.Message, keys KeySource) error {
	if !slices.Contains(v.config.Algorithms, message.Algorithm()) {
		return &Error{Reason: BadSignature, Err: fmt.Errorf("algorithm %q is not allowed", message.Algorithm())}
	}
	key, err := v.publicKey(ctx, message.Header.Text("kid"), keys)
	switch {
	case errors.Is(err, ErrUnknownKey):
		return &Error{Reason: UnknownKey}
	case err != nil:
		return &Error{Reason: KeysUnavailable, Err: err}
	}
	if err := message.Verify(key.Algorithm, key.Key); err != nil {
		return &Error{Reason: BadSignature, Err: err}
	}
	return nil
}

func (v *Verifier) publicKey(ctx context.Context, kid string, keys KeySource) (PublicKey, error) {
	if v.Withdrawn(kid) {
		return PublicKey{}, ErrUnknownKey
	}
	return keys.PublicKey(ctx, kid)
}

// PublicKey returns a key of the issuer itself that is accepted.
func (v *Verifier) PublicKey(ctx context.Context, kid string) (PublicKey, error) {
	return v.publicKey(ctx, kid, v.config.Keys)
}

// KeyID returns the id of the key that a token names, or "" if it cannot be read. It says
// nothing of a token that was not verified.
func KeyID(raw string) string {
	message, err := jws.Parse(raw, MaxBytes)
	if err != nil {
		return ""
	}
	return message.Header.Text("kid")
}

// NamedKey is PublicKey for a key that the issuer itself names, over a connection of its
// own: if the key is unknown, the keys are fetched now, where their source can ([KeySet]
// does).
func (v *Verifier) NamedKey(ctx context.Context, kid string) (PublicKey, error) {
	key, err := v.PublicKey(ctx, kid)
	source, can := v.config.Keys.(interface{ Refresh(context.Context) error })
	if !can || !errors.Is(err, ErrUnknownKey) || v.Withdrawn(kid) {
		return key, err
	}
	if err := source.Refresh(ctx); err != nil {
		return PublicKey{}, err
	}
	return v.PublicKey(ctx, kid)
}

// Withdraw makes the verifier refuse the tokens of a key from now on, whatever its key
// source still has.
func (v *Verifier) Withdraw(kid string) {
	v.withdrawn.Store(kid, nil)
	for _, keys := range []any{v.config.Keys, v.config.Organizations} {
		if set, ok := keys.(interface{ Hurry() }); ok {
			set.Hurry()
		}
	}
}

// Withdrawn reports whether Withdraw was called for a key.
func (v *Verifier) Withdrawn(kid string) bool {
	_, gone := v.withdrawn.Load(kid)
	return gone
}

func (v *Verifier) timely(c *Claims) error {
	now, leeway := v.config.Now().Unix(), v.leeway()
	switch {
	case c.IssuedAt > now+leeway, c.NotBefore > now+leeway:
		return &Error{Reason: NotYetValid, Bound: c.Confirmation != nil}
	case c.Expires <= now-leeway:
		return &Error{Reason: Expired, Bound: c.Confirmation != nil}
	}
	return nil
}
