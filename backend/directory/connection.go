package directory

import (
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

// Connection is an organisation's own OpenID provider: where its people sign in, and
// what the workspace is there. Its people open that organisation and no other.
type Connection struct {
	// ID stands in the redirect URI that is registered at the provider. No other
	// connection ever has it.
	ID             string
	OrganizationID string
	// Issuer never changes: another provider is another connection.
	Issuer   string
	ClientID string
	// SealedSecret is the client's secret, sealed for the connection's ID. Nothing
	// ever answers with what is in it.
	SealedSecret string
	Scopes       []string // beside openid; nil means profile and email
	Provisioning Provisioning
	// UntypedLogoutTokens takes logout tokens whose header has no typ, or JWT.
	UntypedLogoutTokens bool
	// FrontchannelLogout lets the provider end sessions by a frame in a browser.
	FrontchannelLogout bool
	// ClientAuth is how this server proves who it is: by the client's secret, where it is
	// empty, or by the server's own key (PrivateKeyJWT).
	ClientAuth string
	// ResponseMode is how the provider answers, query or form_post; empty leaves it to the
	// provider.
	ResponseMode string
	// PushRequests pushes authorization requests also where the metadata do not demand it.
	PushRequests bool
	// Enabled tells that it is the one by which the organisation is entered. One of
	// an organisation's connections is, at most.
	Enabled bool
	// FromFile tells that the workspace file has the last word on it.
	FromFile bool
	// Revision is another after every change.
	Revision int64
}

// Provisioning says which of a connection's people become members, and as what.
type Provisioning struct {
	// JustInTime makes whoever signs in a member. Without it people have to be
	// members before.
	JustInTime bool `json:"just_in_time,omitempty"`
	// Roles are those of a person to whom the claim gives none.
	Roles []string `json:"roles,omitempty"`
	// Claim names a claim that lists groups, or the path to one, and Groups the roles
	// that each gives. Empty, there is no mapping.
	Claim       string              `json:"claim,omitempty"`
	ClaimSource ClaimSource         `json:"claim_source,omitempty"`
	Groups      map[string][]string `json:"groups,omitempty"`
}

// Errors of a connection's changes.
var (
	ErrNoConnection     = errors.New("directory: there is no such connection")
	ErrConnectionExists = errors.New("directory: the id was another connection's")
	// ErrOtherConnection refuses to enable a second one.
	ErrOtherConnection = errors.New("directory: another connection of the organisation is enabled")
	// ErrIssuer refuses to change the issuer.
	ErrIssuer = errors.New("directory: a connection's issuer never changes; make another connection")
	// ErrLinked refuses a person at a connection who is somebody else already.
	ErrLinked = errors.New("directory: the identity belongs to somebody else")
)

var (
	connectionID = regexp.MustCompile(`^con_[a-z0-9]{1,60}$`)
	scope        = regexp.MustCompile(`^[!#-\[\]-~]{1,128}$`) // RFC 6749 section 3.3
)

// PrivateKeyJWT is the ClientAuth by the server's own key (OpenID Connect Core section 9).
const PrivateKeyJWT = "private_key_jwt"

// ValidScopes reports whether all of these are scopes.
func ValidScopes(all []string) bool {
	return !slices.ContainsFunc(all, func(s string) bool { return !scope.MatchString(s) })
}

// IsConnectionID tells the form of a connection's id.
func IsConnectionID(text string) bool { return connectionID.MatchString(text) }

const maxConnectionText = 1000 // bytes

// Check returns what is wrong with a connection's own fields, for people.
func (c Connection) Check() error {
	switch {
	case !connectionID.MatchString(c.ID):
		return fmt.Errorf("id %q is not con_ and up to 60 of a–z and 0–9", c.ID)
	case !isIssuer(c.Issuer):
		return fmt.Errorf("%q is not an issuer: https://…, exactly as the provider's metadata name it", c.Issuer)
	case c.ClientID == "" || len(c.ClientID) > maxConnectionText:
		return errors.New("client_id, which the provider gives, is missing or too long")
	case c.ClientAuth != "" && c.ClientAuth != PrivateKeyJWT:
		return fmt.Errorf("client_auth %q is not private_key_jwt; without it the client's secret is used", c.ClientAuth)
	case c.ResponseMode != "" && c.ResponseMode != "query" && c.ResponseMode != "form_post":
		return fmt.Errorf("response_mode %q is neither query nor form_post", c.ResponseMode)
	case !ValidScopes(c.Scopes):
		return errors.New("a scope is of printable characters without spaces")
	case len(c.Provisioning.Claim) > maxConnectionText:
		return errors.New("the claim's name is too long")
	case !c.Provisioning.ClaimSource.Valid():
		return fmt.Errorf("claim_source is %q; it is id_token or userinfo", c.Provisioning.ClaimSource)
	case (c.Provisioning.Claim == "") != (len(c.Provisioning.Groups) == 0):
		return errors.New("claim and groups go together: the claim lists groups, which give roles")
	}
	return nil
}

// isIssuer tells an issuer (OpenID Connect Discovery section 3); over http on the
// machine itself, where nothing is reached unless the server is told to.
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

// Connections keeps organisations' own providers and who their people are, as far as
// signing in needs it.
type Connections interface {
	// SignInAt returns where people sign in for the organisation that ref names by id
	// or slug: nothing at all where there is none, or it is disabled.
	SignInAt(ctx context.Context, ref string) (SignInAt, error)
	// Connection returns a connection, enabled or not, or ErrNoConnection. Those of a
	// disabled organisation are not enabled.
	Connection(ctx context.Context, id string) (Connection, error)
	// Linked returns the person whom a connection's subject is, or ErrNoUser.
	Linked(ctx context.Context, connectionID, subject string) (User, error)
	// LinkedAs returns the subject that a person is at a connection, or ErrNoUser.
	LinkedAs(ctx context.Context, connectionID, userID string) (subject string, err error)
	// Link makes a connection's subject be a person, once for both: ErrLinked where
	// the subject is another person, or the person another subject there.
	Link(ctx context.Context, connectionID, subject, userID string, now int64) error
	// Provision makes the membership that an organisation's own connection gives a
	// person have these roles, those of other sources staying as they are. Where admit
	// is false it makes no new one.
	Provision(ctx context.Context, userID, organizationID string, roles []string, admit bool, now int64) error
	// Deprovision ends the membership that the organisation's own connection gave.
	Deprovision(ctx context.Context, userID, organizationID string) error
}

// SignInAt is where people sign in for an organisation.
type SignInAt struct {
	// Connection is the organisation's own that is enabled; nil without one.
	Connection *Connection
	// Required is the connection that its rules demand; empty where they demand none.
	Required string
}
