package token

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tabard-auth/tabard/backend/jws"
)

// PublicKey is a key that tokens are verified with. The key fixes the algorithm;
// a token's header never does (RFC 8725 section 3.1).
type PublicKey struct {
	Algorithm string
	Key       crypto.PublicKey
}

// KeySource finds the public key of an issuer by its id. A key that the issuer
// does not have is ErrUnknownKey; any other error means that it could not be asked.
type KeySource interface {
	PublicKey(ctx context.Context, kid string) (PublicKey, error)
}

// ErrUnknownKey is the error of a KeySource for a key that the issuer does not have.
var ErrUnknownKey = errors.New("unknown key")

// Config says which tokens a Verifier accepts. Issuer, Audience and Keys are
// required.
type Config struct {
	Issuer   string
	Audience string
	Keys     KeySource
	// Organizations finds the keys of organizations whose policy demands a signing key
	// of their own. Each is an issuer, Issuer/o/{org_id}, for itself alone; NewKeySets
	// makes it. nil accepts no such token.
	Organizations OrganizationKeys
	// Dedicated tells that an organization's tokens have to come from its own issuer:
	// the workspace's key, in whoever's hands, then signs nothing for it. nil is none.
	Dedicated func(organizationID string) bool
	// Algorithms is the allow-list, of ES256, EdDSA and RS256; nil means the first
	// two.
	Algorithms []string
	// Leeway is what clocks may differ by; 0 means 30 s, more than 60 s is refused.
	Leeway time.Duration
	// Now tells the time; nil means time.Now.
	Now func() time.Time
}

// MaxBytes is the longest token that a Verifier takes. Proxies take no more of a header.
const MaxBytes = 8 << 10

const (
	defaultLeeway = 30 * time.Second
	maxLeeway     = 60 * time.Second
)

// Verifier verifies access tokens.
type Verifier struct {
	config Config
}

// NewVerifier returns the verifier of a configuration.
func NewVerifier(c Config) (*Verifier, error) {
	if c.Issuer == "" || c.Audience == "" || c.Keys == nil {
		return nil, errors.New("token: a verifier needs an issuer, an audience and keys")
	}
	if c.Leeway < 0 || c.Leeway > maxLeeway {
		return nil, fmt.Errorf("token: leeway %v is not within 0 and %v", c.Leeway, maxLeeway)
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

// Now and Leeway are the verifier's clock, for checks that go with it.
func (v *Verifier) Now() time.Time        { return v.config.Now() }
func (v *Verifier) Leeway() time.Duration { return v.config.Leeway }

func (v *Verifier) leeway() int64 { return int64(v.config.Leeway / time.Second) }

// Verify returns the claims of a token that authorizes by itself: authentic, of
// this issuer and audience, within its time, and bound to no key. Every other token
// is an *Error; package resource takes those that are bound to a key.
//
// The caller still has to compare Claims.OrganizationID with the organization of
// the resource; VerifyFor does both.
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

// VerifyFor is Verify for a resource of one organization, named by id or slug.
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

// Inspect tells whose an authentic token was, expired or not, and why it does not
// authorize (nil where it does). A token that is not authentic tells nothing.
//
// Its claims authorize nothing: they say where a renewal lands, and what to write
// in a log.
func (v *Verifier) Inspect(ctx context.Context, raw string) (*Claims, error) {
	claims, err := v.authentic(ctx, raw)
	if err != nil {
		return nil, err
	}
	return claims, v.timely(claims)
}

// authentic checks all but the times.
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
	keys, ok := v.source(claims)
	if !ok { // whose keys are no business of this one
		return nil, &Error{Reason: WrongIssuer}
	}
	if err := v.verify(ctx, message, keys); err != nil {
		return nil, err
	}
	switch {
	case !slices.Contains(claims.Audience, v.config.Audience):
		return nil, &Error{Reason: WrongAudience}
	case claims.Subject == "" || claims.OrganizationID == "" || claims.Expires == 0 || claims.IssuedAt == 0:
		return nil, &Error{Reason: MissingClaim}
	}
	return claims, nil
}

// verify checks the signature. It obeys kid alone: no key or address that the token
// itself carries, and no algorithm but the key's own.
func (v *Verifier) verify(ctx context.Context, message *jws.Message, keys KeySource) error {
	if !slices.Contains(v.config.Algorithms, message.Algorithm()) {
		return &Error{Reason: BadSignature, Err: fmt.Errorf("algorithm %q is not allowed", message.Algorithm())}
	}
	kid := message.Header.Text("kid")
	key, err := keys.PublicKey(ctx, kid)
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

func (v *Verifier) timely(c *Claims) error {
	now, leeway := v.config.Now().Unix(), v.leeway()
	switch {
	case c.IssuedAt > now+leeway, c.NotBefore > now+leeway:
		return &Error{Reason: NotYetValid, Bound: c.Confirmation != nil}
	case c.Expires+leeway <= now:
		return &Error{Reason: Expired, Bound: c.Confirmation != nil}
	}
	return nil
}
