package directory

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// ConnectionPrefix begins every connection's id.
const ConnectionPrefix = "con_"

// Connection is an organization's own OpenID provider, and the workspace's registration
// there. A session that begins at it opens that organization only.
type Connection struct {
	// ID is part of the redirect URI that is registered at the provider. It is never
	// used again for another connection.
	ID             string
	OrganizationID string
	// Issuer never changes: a different provider is a different connection.
	Issuer   string
	ClientID string
	// SealedSecret is the client secret, sealed for the connection's ID. No answer
	// discloses it.
	SealedSecret string
	Scopes       []string // besides openid; nil means profile and email
	Provisioning Provisioning
	// UntypedLogoutTokens takes logout tokens whose header has no typ, or JWT.
	UntypedLogoutTokens bool
	// FrontchannelLogout lets the provider end sessions by a frame in a browser.
	FrontchannelLogout bool
	// ClientAuth is how this server proves who it is: by the client's secret, where it is
	// empty, or by the server's own key (PrivateKeyJWT).
	ClientAuth string
	// AssertionAudience is whom the assertions by that key are for: the provider's issuer,
	// where it is empty, or its token endpoint (TokenEndpoint).
	AssertionAudience string
	// ResponseMode is how the provider answers, query or form_post; empty leaves it to the
	// provider.
	ResponseMode string
	// PushRequests pushes authorization requests also where the metadata do not demand it.
	PushRequests bool
	Revalidation
	// Enabled tells that it is the one by which the organization is entered. One of
	// an organization's connections is, at most.
	Enabled bool
	// FromFile means that the connection is managed by the workspace file.
	FromFile bool
	// Revision differs after every change.
	Revision int64
}

// Provisioning decides which people at a connection become members, and with which
// roles.
type Provisioning struct {
	// JustInTime makes each person that signs in a member. Without it people must be
	// members already.
	JustInTime bool `json:"just_in_time,omitempty"`
	// Roles are those of a person that the claim gives none.
	Roles []string `json:"roles,omitempty"`
	// Claim names a claim that lists groups, or the path to one, and Groups the roles
	// that each gives. Empty, there is no mapping.
	Claim       string      `json:"claim,omitempty"`
	ClaimSource ClaimSource `json:"claim_source,omitempty"`
	// ClaimSeparator parts the names in a claim that is a single string; empty, the string
	// is one name.
	ClaimSeparator string              `json:"claim_separator,omitempty"`
	Groups         map[string][]string `json:"groups,omitempty"`
}

// Errors of a connection's changes.
var (
	ErrNoConnection     = errors.New("directory: there is no such connection")
	ErrConnectionExists = errors.New("directory: the id was used by another connection")
	// ErrOtherConnection refuses to enable a second connection.
	ErrOtherConnection = errors.New("directory: another connection of the organization is enabled")
	// ErrIssuer refuses to change the issuer.
	ErrIssuer = errors.New("directory: a connection's issuer never changes; make another connection")
	// ErrLinked refuses an identity at a connection that is linked to another person.
	ErrLinked = errors.New("directory: the identity is linked to another person")
)

var (
	connectionID = regexp.MustCompile(`^con_[a-z0-9]{1,60}$`)
	scope        = regexp.MustCompile(`^[!#-\[\]-~]{1,128}$`) // RFC 6749 section 3.3
)

// PrivateKeyJWT is the ClientAuth by the server's own key (OpenID Connect Core section 9).
const PrivateKeyJWT = "private_key_jwt"

// TokenEndpoint is the AssertionAudience of a provider that takes no assertion for its issuer.
const TokenEndpoint = "token_endpoint"

// ValidScopes reports whether all of these are scopes.
func ValidScopes(all []string) bool {
	return !slices.ContainsFunc(all, func(s string) bool { return !scope.MatchString(s) })
}

// IsConnectionID tells the form of a connection's id.
func IsConnectionID(text string) bool { return connectionID.MatchString(text) }

const maxConnectionText = 1000 // bytes

// Check returns the faults of a connection's own fields, as an error for people.
func (c Connection) Check() error {
	switch {
	case !connectionID.MatchString(c.ID):
		return fmt.Errorf("id %q is invalid: use con_ and up to 60 of a–z and 0–9", c.ID)
	case !isIssuer(c.Issuer):
		return fmt.Errorf("%q is not an issuer: use https://…, exactly as in the provider's metadata", c.Issuer)
	case c.ClientID == "" || len(c.ClientID) > maxConnectionText:
		return errors.New("client_id, assigned by the provider, is missing or too long")
	case c.ClientAuth != "" && c.ClientAuth != PrivateKeyJWT:
		return fmt.Errorf("client_auth %q is not private_key_jwt; without it the client's secret is used", c.ClientAuth)
	case c.AssertionAudience != "" && (c.AssertionAudience != TokenEndpoint || c.ClientAuth != PrivateKeyJWT):
		return errors.New("assertion_audience is token_endpoint or left out, and goes with client_auth: private_key_jwt")
	case c.ResponseMode != "" && c.ResponseMode != "query" && c.ResponseMode != "form_post":
		return fmt.Errorf("response_mode %q is neither query nor form_post", c.ResponseMode)
	case !ValidScopes(c.Scopes):
		return errors.New("a scope must consist of printable characters without spaces")
	case len(c.Provisioning.Claim) > maxConnectionText:
		return errors.New("the claim's name is too long")
	case (c.Provisioning.Claim == "") != (len(c.Provisioning.Groups) == 0):
		return errors.New("claim and groups must be set together: the claim lists groups, which give roles")
	}
	return cmp.Or(c.Provisioning.ClaimSource.check(), checkSeparator(c.Provisioning.ClaimSeparator), c.Revalidation.Check())
}

// isIssuer reports whether a text is an issuer (OpenID Connect Discovery section 3).
// Over http it must be on the machine itself, and the server has to be told to contact
// such addresses.
func isIssuer(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Host != "" && u.User == nil && u.RawQuery == "" && u.Fragment == "" && !strings.ContainsRune(text, '#') &&
		len(text) <= maxConnectionText && (u.Scheme == "https" || u.Scheme == "http" && Loopback(u.Hostname()))
}

// RoleNames returns every role that the provisioning may give, sorted.
func (p Provisioning) RoleNames() []string {
	all := slices.Clone(p.Roles)
	for _, roles := range p.Groups {
		all = append(all, roles...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Connections stores organizations' own providers and the people linked there, as far
// as sign-in needs them.
type Connections interface {
	// SignInAt returns where people sign in for the organization that ref names by id
	// or slug. It returns the zero value if there is no such organization or it is
	// disabled.
	SignInAt(ctx context.Context, ref string) (SignInAt, error)
	// Connection returns a connection, enabled or not, or ErrNoConnection. The
	// connections of a disabled organization are returned as not enabled.
	Connection(ctx context.Context, id string) (Connection, error)
	// Linked returns the person linked to a connection's subject, or ErrNoUser.
	Linked(ctx context.Context, connectionID, subject string) (User, error)
	// LinkedAs returns the subject that a person is linked to at a connection, or
	// ErrNoUser.
	LinkedAs(ctx context.Context, connectionID, userID string) (subject string, err error)
	// Link links a connection's subject and a person. Both can be linked once:
	// ErrLinked is returned if the subject is linked to another person, or the person
	// to another subject there.
	Link(ctx context.Context, connectionID, subject, userID string, now int64) error
	// Provision sets the roles of the membership that an organization's own connection
	// gives a person. Memberships from other sources are not changed. If admit is
	// false, it creates no new membership.
	Provision(ctx context.Context, userID, organizationID string, roles []string, admit bool, now int64) error
	// Deprovision ends the membership that the organization's own connection gave.
	Deprovision(ctx context.Context, userID, organizationID string) error
}

// SignInAt is where people sign in for an organization.
type SignInAt struct {
	// Connection is the organization's own enabled connection, or nil.
	Connection *Connection
	// Required is the connection that its rules demand, or empty.
	Required string
}
