package admin

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
)

// ConnectionStore stores the connections of organizations.
type ConnectionStore interface {
	// ConnectionsOf returns an organization's connections by id, starting after the
	// given id, at most limit.
	ConnectionsOf(ctx context.Context, organizationID, after string, limit int) ([]directory.Connection, error)
	// Connection returns the connection with an id, of any organization, or
	// directory.ErrNoConnection.
	Connection(ctx context.Context, id string) (directory.Connection, error)
	// CreateConnection stores a new connection, disabled.
	CreateConnection(ctx context.Context, c directory.Connection, now int64) error
	// UpdateConnection replaces all settings but the issuer; an empty SealedSecret
	// keeps the stored one. Errors: directory.ErrNoConnection, ErrFromFile.
	UpdateConnection(ctx context.Context, c directory.Connection) error
	// EnableConnection enables a connection. Errors: directory.ErrNoConnection,
	// ErrOtherConnection.
	EnableConnection(ctx context.Context, organizationID, id string) error
	// DisableConnection disables a connection. Error: directory.ErrNoConnection.
	DisableConnection(ctx context.Context, organizationID, id string) error
	// DeleteConnection deletes a connection. Errors: directory.ErrNoConnection,
	// ErrFromFile.
	DeleteConnection(ctx context.Context, organizationID, id string, now int64) error
	// Unlink removes a person's link at a connection. It may be repeated.
	Unlink(ctx context.Context, connectionID, userID string) error
}

// ConnectionSettings are the settings of a connection that can change.
type ConnectionSettings struct {
	ClientID string `json:"client_id"`
	// ClientSecret is stored sealed and never shown. If empty, the stored one stays.
	ClientSecret string `json:"client_secret,omitempty"`
	// Scopes are requested besides openid; nil means profile and email.
	Scopes       []string     `json:"scopes,omitzero"`
	Provisioning Provisioning `json:"provisioning"`
	// UntypedLogoutTokens accepts logout tokens whose header has no typ, or JWT.
	UntypedLogoutTokens bool `json:"untyped_logout_tokens,omitempty"`
	// FrontchannelLogout lets the provider end sessions through a frame in the browser.
	FrontchannelLogout bool `json:"frontchannel_logout,omitempty"`
	// ClientAuth is private_key_jwt, or empty for a client secret.
	ClientAuth string `json:"client_auth,omitempty"`
	// AssertionAudience is token_endpoint, or empty for the issuer.
	AssertionAudience string `json:"assertion_audience,omitempty"`
	// ResponseMode is query or form_post; empty leaves it to the provider.
	ResponseMode string `json:"response_mode,omitempty"`
	// PushRequests pushes authorization requests (RFC 9126).
	PushRequests bool `json:"push_requests,omitempty"`
	// Revalidation is in seconds.
	directory.Revalidation
}

// Provisioning decides which people of a connection become members, with which roles
// (see directory.Provisioning).
type Provisioning struct {
	JustInTime     bool                  `json:"just_in_time,omitempty"`
	Roles          []string              `json:"roles,omitempty"`
	Claim          string                `json:"claim,omitempty"`
	ClaimSource    directory.ClaimSource `json:"claim_source,omitempty"`
	ClaimSeparator string                `json:"claim_separator,omitempty"`
	Groups         []Group               `json:"groups,omitempty"`
}

// Group gives roles to the members of a group in the claim.
type Group struct {
	Group string   `json:"group"`
	Roles []string `json:"roles"`
}

// NewConnection is a request for a new connection.
type NewConnection struct {
	Issuer string `json:"issuer"`
	ConnectionSettings
}

// Connection is an organization's connection in the form for administrators.
type Connection struct {
	ID     string `json:"id"`
	Issuer string `json:"issuer"`
	ConnectionSettings
	// SecretSet reports whether a client secret is stored.
	SecretSet bool             `json:"client_secret_set"`
	Enabled   bool             `json:"enabled"`
	Source    directory.Source `json:"source"`
	// RedirectURI is the address to register at the provider.
	RedirectURI string `json:"redirect_uri,omitempty"`
}

const clientSecretMissing = "client_secret is missing. The provider issues it."

func (o *connections) connectionOf(c directory.Connection) Connection {
	shown := Connection{
		ID: c.ID, Issuer: c.Issuer, SecretSet: c.SealedSecret != "", Enabled: c.Enabled,
		Source: directory.FromAdmin, RedirectURI: o.redirectURI(c.ID),
		ConnectionSettings: SettingsOf(c, ""),
	}
	if c.FromFile {
		shown.Source = directory.FromFile
	}
	return shown
}

// SettingsOf returns the settings of a connection with a client secret, which "" leaves out.
func SettingsOf(c directory.Connection, secret string) ConnectionSettings {
	s := ConnectionSettings{
		ClientID: c.ClientID, ClientSecret: secret, Scopes: c.Scopes, UntypedLogoutTokens: c.UntypedLogoutTokens,
		FrontchannelLogout: c.FrontchannelLogout,
		ClientAuth:         c.ClientAuth, ResponseMode: c.ResponseMode, PushRequests: c.PushRequests, AssertionAudience: c.AssertionAudience,
		Revalidation: c.Revalidation,
		Provisioning: Provisioning{
			JustInTime: c.Provisioning.JustInTime, Roles: c.Provisioning.Roles,
			Claim: c.Provisioning.Claim, ClaimSource: c.Provisioning.ClaimSource, ClaimSeparator: c.Provisioning.ClaimSeparator,
		},
	}
	for group, roles := range c.Provisioning.Groups {
		s.Provisioning.Groups = append(s.Provisioning.Groups, Group{group, roles})
	}
	slices.SortFunc(s.Provisioning.Groups, func(a, b Group) int { return strings.Compare(a.Group, b.Group) })
	return s
}

// build returns the connection of an id and settings, checked.
func (o *connections) build(ctx context.Context, id, organizationID, issuer string, s ConnectionSettings) (directory.Connection, error) {
	c := directory.Connection{
		ID: id, OrganizationID: organizationID, Issuer: issuer, ClientID: s.ClientID, Scopes: s.Scopes,
		UntypedLogoutTokens: s.UntypedLogoutTokens, FrontchannelLogout: s.FrontchannelLogout,
		ClientAuth: s.ClientAuth, ResponseMode: s.ResponseMode, PushRequests: s.PushRequests, AssertionAudience: s.AssertionAudience,
		Revalidation: s.Revalidation,
		Provisioning: directory.Provisioning{
			JustInTime: s.Provisioning.JustInTime, Roles: s.Provisioning.Roles,
			Claim: s.Provisioning.Claim, ClaimSource: s.Provisioning.ClaimSource, ClaimSeparator: s.Provisioning.ClaimSeparator,
		},
	}
	for _, g := range s.Provisioning.Groups {
		if c.Provisioning.Groups == nil {
			c.Provisioning.Groups = map[string][]string{}
		}
		if _, twice := c.Provisioning.Groups[g.Group]; twice {
			return c, refuse(api.InvalidRequest, "groups has a repeated group.")
		}
		c.Provisioning.Groups[g.Group] = g.Roles
	}
	if err := c.Check(); err != nil {
		return c, refuse(api.InvalidRequest, "%s.", err)
	}
	w, err := o.store.Workspace(ctx)
	if err != nil {
		return c, err
	}
	if err := w.CheckRoles(c.Provisioning.RoleNames()); err != nil {
		return c, err
	}
	if s.ClientSecret != "" {
		c.SealedSecret = o.seal.Seal([]byte(s.ClientSecret), id)
	}
	return c, nil
}

// Connections lists an organization's connections by id.
func (o *connections) Connections(ctx context.Context, by Actor, organization string, p Page) (List[Connection], error) {
	return run(ctx, o.base, by, &operation{action: audit.ReadConnection, organization: organization},
		func(ctx context.Context, r directory.OrganizationRecord) (List[Connection], error) {
			return paginate(p, func(after string, limit int) ([]directory.Connection, error) {
				return o.store.ConnectionsOf(ctx, r.ID, after, limit)
			}, o.connectionOf, func(c directory.Connection) string { return c.ID })
		})
}

// Connection returns one connection.
func (o *connections) Connection(ctx context.Context, by Actor, organization, id string) (Connection, error) {
	return o.change(ctx, by, audit.ReadConnection, organization, id, func(context.Context, string) error { return nil })
}

// CreateConnection creates a connection, disabled at first.
func (o *connections) CreateConnection(ctx context.Context, by Actor, organization string, n NewConnection) (Connection, error) {
	a := &operation{action: audit.CreateConnection, organization: organization}
	return run(ctx, o.base, by, a,
		func(ctx context.Context, r directory.OrganizationRecord) (Connection, error) {
			if n.ClientSecret == "" && n.ClientAuth == "" {
				return Connection{}, refuse(api.InvalidRequest, clientSecretMissing)
			}
			c, err := o.build(ctx, directory.NewID(directory.ConnectionPrefix), r.ID, n.Issuer, n.ConnectionSettings)
			if err != nil {
				return Connection{}, err
			}
			a.target = c.ID
			return o.connectionOf(c), o.store.CreateConnection(ctx, c, o.now().Unix())
		})
}

// UpdateConnection replaces a connection's settings. The issuer cannot change.
func (o *connections) UpdateConnection(ctx context.Context, by Actor, organization, id string, s ConnectionSettings) (Connection, error) {
	return run(ctx, o.base, by, &operation{action: audit.UpdateConnection, organization: organization, target: id},
		func(ctx context.Context, r directory.OrganizationRecord) (Connection, error) {
			stored, err := o.ownConnection(ctx, r.ID, id)
			if err != nil {
				return Connection{}, err
			}
			c, err := o.build(ctx, id, r.ID, stored.Issuer, s)
			if err != nil {
				return Connection{}, err
			}
			if c.ClientAuth == "" && c.SealedSecret == "" && stored.SealedSecret == "" {
				return Connection{}, refuse(api.InvalidRequest, clientSecretMissing)
			}
			if err := o.store.UpdateConnection(ctx, c); err != nil {
				return Connection{}, err
			}
			stored, err = o.ownConnection(ctx, r.ID, id)
			return o.connectionOf(stored), err
		})
}

// EnableConnection enables a connection: members sign in there. At most one connection
// of an organization is enabled.
func (o *connections) EnableConnection(ctx context.Context, by Actor, organization, id string) (Connection, error) {
	return o.change(ctx, by, audit.EnableConnection, organization, id, func(ctx context.Context, organizationID string) error {
		return o.store.EnableConnection(ctx, organizationID, id)
	})
}

// DisableConnection disables a connection. Authentications made there no longer count.
func (o *connections) DisableConnection(ctx context.Context, by Actor, organization, id string) (Connection, error) {
	return o.change(ctx, by, audit.DisableConnection, organization, id, func(ctx context.Context, organizationID string) error {
		return o.store.DisableConnection(ctx, organizationID, id)
	})
}

// DeleteConnection deletes a connection. Its id is never used again.
func (o *connections) DeleteConnection(ctx context.Context, by Actor, organization, id string) (Empty, error) {
	return run(ctx, o.base, by, &operation{action: audit.DeleteConnection, organization: organization, target: id},
		func(ctx context.Context, r directory.OrganizationRecord) (Empty, error) {
			return Empty{}, o.store.DeleteConnection(ctx, r.ID, id, o.now().Unix())
		})
}

// UnlinkMember removes a person's links at the organization's own providers, to correct
// wrong ones. The next sign-in there identifies the person again. Their sessions go on
// (EndMemberSessions ends them).
func (o *connections) UnlinkMember(ctx context.Context, by Actor, organization, user string) (Empty, error) {
	return run(ctx, o.base, by, &operation{action: audit.UnlinkIdentity, organization: organization, user: user},
		func(ctx context.Context, r directory.OrganizationRecord) (Empty, error) {
			for after, more := "", true; more; {
				page, err := o.store.ConnectionsOf(ctx, r.ID, after, MaxLimit)
				if err != nil {
					return Empty{}, err
				}
				for _, c := range page {
					if err := o.store.Unlink(ctx, c.ID, user); err != nil {
						return Empty{}, err
					}
					after = c.ID
				}
				more = len(page) == MaxLimit
			}
			return Empty{}, nil
		})
}

func (o *connections) change(ctx context.Context, by Actor, action audit.Action, organization, id string, do func(ctx context.Context, organizationID string) error) (Connection, error) {
	return run(ctx, o.base, by, &operation{action: action, organization: organization, target: id},
		func(ctx context.Context, r directory.OrganizationRecord) (Connection, error) {
			if err := do(ctx, r.ID); err != nil {
				return Connection{}, err
			}
			c, err := o.ownConnection(ctx, r.ID, id)
			return o.connectionOf(c), err
		})
}

// ownConnection returns a connection of the organization.
func (o *base) ownConnection(ctx context.Context, organizationID, id string) (directory.Connection, error) {
	c, err := o.store.Connection(ctx, id)
	if err == nil && c.OrganizationID != organizationID {
		return directory.Connection{}, directory.ErrNoConnection
	}
	return c, err
}

// checkConnection refuses a rule that requires a connection of another organization.
func (o *base) checkConnection(ctx context.Context, organizationID, id string) error {
	if id == "" {
		return nil
	}
	if !directory.IsConnectionID(id) {
		return refuse(api.InvalidRequest, "connection must be a connection's id (con_…).")
	}
	_, err := o.ownConnection(ctx, organizationID, id)
	if errors.Is(err, directory.ErrNoConnection) {
		return refuse(api.InvalidRequest, "The organization has no connection with this id.")
	}
	return err
}
