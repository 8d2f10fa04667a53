// Package token is the access token: its claims, how it is signed, and how a resource
// server verifies it.
//
// An access token is a JWT of the profile of RFC 9068. It is for one audience and one
// organization. Only the signed org_id decides which organization.
package token

import (
	"crypto"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/golang-jwt/jwt/v5"

	"github.com/tabard-auth/tabard/backend/strictjson"
)

// Type is the token's media type in its header (RFC 9068 section 2.1).
const Type = "at+jwt"

// Claims are an access token's claims. Times are Unix seconds.
type Claims struct {
	Issuer   string   `json:"iss"`
	Subject  string   `json:"sub"`
	Audience []string `json:"aud"`
	Expires  int64    `json:"exp"`
	IssuedAt int64    `json:"iat"`
	// NotBefore is honored, but never minted.
	NotBefore int64  `json:"nbf,omitempty"`
	ID        string `json:"jti"`
	// ClientID is the app's id (RFC 8693 section 4.3).
	ClientID string `json:"client_id"`
	// SessionID is the session's id. It is not a credential.
	SessionID        string   `json:"sid"`
	OrganizationID   string   `json:"org_id"`
	OrganizationSlug string   `json:"org_slug"`
	Roles            []string `json:"roles"`
	Permissions      []string `json:"permissions"`
	// AuthTime, ACR and AMR describe the authentication that satisfied this
	// organization (OpenID Connect Core section 2). Minting never renews them. AuthTime
	// is 0, and not in the token, if the provider does not say when it was.
	AuthTime int64    `json:"auth_time,omitempty"`
	ACR      string   `json:"acr,omitempty"`
	AMR      []string `json:"amr,omitempty"`
	// Event is the number of the newest event in the workspace's feed of endings when the
	// session was read. Later events about the token's session, person or organization
	// refuse it.
	Event int64 `json:"evt,omitempty"`
	// Actor is the acting party, if it is not just the person.
	Actor *Actor `json:"act,omitempty"`
	// Confirmation binds the token to a key (RFC 7800, RFC 9449 section 6).
	Confirmation *Confirmation `json:"cnf,omitempty"`
	// Lent marks a token that is narrower than that of the person's tab. It has no roles,
	// and opens only what demands one of its permissions.
	Lent bool `json:"lent,omitempty"`
	// Further are the claims that the app's settings add, by name. Of a verified token
	// they include the aliases of Sign.
	Further map[string]any `json:"-"`
}

// Actor is the party that acts for a token's subject (RFC 8693 section 4.1): an app's
// server, by the app's id, or the subject, acting as staff of the workspace's operator
// and not as a member of the organization.
type Actor struct {
	Subject string `json:"sub"`
	// Actor is the previous actor: the staff member that a server now acts for.
	Actor *Actor `json:"act,omitempty"`
}

// ByStaff reports whether the subject acts as staff, directly or through a server.
func (c *Claims) ByStaff() bool {
	for a := c.Actor; a != nil; a = a.Actor {
		if a.Subject == c.Subject {
			return true
		}
	}
	return false
}

// Confirmation is the key that a bound token belongs to.
type Confirmation struct {
	JKT string `json:"jkt"` // the key's thumbprint (RFC 7638)
}

// SigningKey signs tokens.
type SigningKey struct {
	ID        string
	Algorithm string // ES256, EdDSA or RS256
	Private   crypto.Signer
}

// Sign returns the signed token in compact form. Aliases repeat claims under further
// names (alias → claim), for resource servers that expect those. An alias never
// replaces a claim of the token. The error of a token that is too large for a Verifier
// is ErrTooLarge.
func (c *Claims) Sign(key SigningKey, aliases map[string]string) (string, error) {
	method := jwt.GetSigningMethod(key.Algorithm)
	if method == nil {
		return "", fmt.Errorf("token: signing method %q is not supported", key.Algorithm)
	}
	payload := c.payload(aliases)
	text := appendPart(make([]byte, 0, 1024), header{key.Algorithm, key.ID, Type}) // most tokens are smaller
	text = appendPart(append(text, '.'), payload)
	if bytes := len(text) + 1 + signatureBytes(key.Private.Public()); bytes > MaxBytes {
		return "", fmt.Errorf("%w: it has %d bytes, but verifiers accept at most %d", ErrTooLarge, bytes, MaxBytes)
	}
	if all, ok := payload.(map[string]any); ok && len(all) > strictjson.MostMembers {
		return "", fmt.Errorf("%w: it has %d claims, but verifiers accept at most %d", ErrTooLarge, len(all), strictjson.MostMembers)
	}
	signature, err := method.Sign(string(text), key.Private)
	if err != nil {
		return "", fmt.Errorf("token: %w", err)
	}
	return string(base64.RawURLEncoding.AppendEncode(append(text, '.'), signature)), nil
}

// ErrTooLarge is the error of a token that is longer than MaxBytes.
var ErrTooLarge = errors.New("token: the access token is too large")

// Bytes returns the largest size of a token with these claims, whichever key signs it.
func (c *Claims) Bytes(aliases map[string]string) int {
	const kid = "0123456789abcdef"
	return len(appendPart(nil, header{"RS256", kid, Type})) + 1 + len(appendPart(nil, c.payload(aliases))) + 1 + rsaSignature
}

// rsaSignature is the encoded length of the longest signature, by a key of 2,048 bits.
const rsaSignature = 342

// signatureBytes returns the encoded length of a key's signature.
func signatureBytes(key crypto.PublicKey) int {
	if key, ok := key.(*rsa.PublicKey); ok {
		return base64.RawURLEncoding.EncodedLen(key.Size())
	}
	return base64.RawURLEncoding.EncodedLen(64) // ES256 and EdDSA
}

type header struct {
	Algorithm string `json:"alg"`
	KeyID     string `json:"kid"`
	Type      string `json:"typ"`
}

// appendPart appends a part of a token (RFC 7515 section 7.1).
func appendPart(to []byte, part any) []byte {
	text, err := json.Marshal(part)
	if err != nil { // header and claims always encode
		panic(err)
	}
	return base64.RawURLEncoding.AppendEncode(to, text)
}

// payload returns the claims as a token has them: in the order of Claims or, with
// aliases or further claims, in alphabetical order.
func (c *Claims) payload(aliases map[string]string) any {
	if len(aliases) == 0 && len(c.Further) == 0 {
		return c.standard()
	}
	all := c.Map()
	for name, value := range c.Further {
		if _, taken := all[name]; !taken && !IsStandard(name) {
			all[name] = value
		}
	}
	for alias, claim := range aliases {
		if _, taken := all[alias]; !taken && all[claim] != nil {
			all[alias] = all[claim]
		}
	}
	return all
}

type payload struct {
	*Claims
	Audience any `json:"aud"` // hides the list
}

// standard returns the claims without further ones.
func (c *Claims) standard() payload {
	p := payload{Claims: c, Audience: c.Audience}
	if len(c.Audience) == 1 { // the form that every validator reads (RFC 7519 section 4.1.3)
		p.Audience = c.Audience[0]
	}
	return p
}

// Map returns the claims by name as a token has them, without further ones.
func (c *Claims) Map() (all map[string]any) {
	text, err := json.Marshal(c.standard())
	if err == nil {
		err = json.Unmarshal(text, &all)
	}
	if err != nil { // claims always encode
		panic(err)
	}
	return all
}

// standardNames are the names of the claims that Claims has fields for.
var standardNames = func() map[string]bool {
	names := map[string]bool{}
	claims := reflect.TypeFor[Claims]()
	for i := range claims.NumField() {
		if name, _, _ := strings.Cut(claims.Field(i).Tag.Get("json"), ","); name != "-" {
			names[name] = true
		}
	}
	return names
}()

// MostFurther is the most claims that a token may have besides the standard ones.
var MostFurther = strictjson.MostMembers - len(standardNames)

// IsStandard reports whether Claims has a field for the claim of a name.
func IsStandard(name string) bool { return standardNames[name] }

// readClaims reads the claims of a payload whose aud is a string or a list. Names are
// exact (RFC 7519 section 4).
func readClaims(text []byte) (*Claims, error) {
	var claims Claims
	read := struct {
		*Claims
		Audience jwt.ClaimStrings `json:"aud"`
	}{Claims: &claims}
	err := strictjson.DecodeKnown(text, &read)
	claims.Audience = read.Audience
	return &claims, err
}

// readFurther reads the members of a payload that are no standard claims. It leaves out
// numbers that Go cannot hold.
func (c *Claims) readFurther(members strictjson.Object) {
	for _, m := range members {
		var value any
		if IsStandard(m.Name) || json.Unmarshal(m.Value, &value) != nil {
			continue
		}
		if c.Further == nil {
			c.Further = map[string]any{}
		}
		c.Further[m.Name] = value
	}
}
