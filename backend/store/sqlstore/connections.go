package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/policy"
)

const (
	connectionColumns = `
	c.id AS c_id, c.organization_id, c.issuer, c.client_id, c.secret, c.scopes, c.provisioning, c.source, c.revision,
	CASE WHEN o.connection = c.id AND o.disabled_at IS NULL THEN 1 ELSE 0 END AS enabled`

	fromConnections = `
FROM connections c JOIN organizations o ON o.id = c.organization_id`

	selectConnection = `
SELECT` + connectionColumns + fromConnections + `
WHERE c.id = ?1 AND c.deleted_at IS NULL`

	selectSignInAt = `
SELECT o.rules, o.connection AS o_connection FROM organizations o
WHERE o.disabled_at IS NULL AND (o.id = ?1 OR o.slug = ?1)`

	selectLinked = `
SELECT u.id, u.iss, u.sub, u.name, u.email, u.disabled_at
FROM links l JOIN users u ON u.id = l.user_id WHERE l.connection_id = ?1 AND l.sub = ?2`

	selectLinkedAs = `
SELECT sub FROM links WHERE connection_id = ?1 AND user_id = ?2`

	insertLink = `
INSERT INTO links (connection_id, sub, user_id, created_at) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT DO NOTHING`

	// Adds a membership for a person without one only if ?5 is 1.
	provisionMember = `
INSERT INTO memberships (user_id, organization_id, roles, source, created_at)
SELECT u.id, o.id, ?3, 'connection', ?4 FROM users u, organizations o
WHERE u.id = ?1 AND o.id = ?2 AND (?5 = 1 OR EXISTS (
	SELECT 1 FROM memberships m WHERE m.user_id = u.id AND m.organization_id = o.id AND m.source <> 'staff'))
ON CONFLICT (user_id, organization_id) DO UPDATE SET` + asMember + `
WHERE memberships.source = 'connection' OR ` + staffIsOver

	deprovisionMember = `
DELETE FROM memberships WHERE user_id = ?1 AND organization_id = ?2 AND source = 'connection' AND disabled_at IS NULL`
)

// connections stores the organizations' own providers and the identities linked there.
type connections struct{ *database }

// SignInAt implements directory.Connections.
func (s connections) SignInAt(ctx context.Context, ref string) (at directory.SignInAt, err error) {
	var text, id string
	err = s.row(ctx, selectSignInAt, ref).Scan(&text, &id)
	if errors.Is(err, sql.ErrNoRows) {
		return at, nil
	}
	var rules policy.Rules
	if err == nil {
		err = scanJSON(text, &rules)
	}
	if err != nil {
		return at, fmt.Errorf("sqlstore: sign-in at: %w", err)
	}
	if at.Required = rules.Connection; id == "" {
		return at, nil
	}
	c, err := s.Connection(ctx, id)
	if err == nil && c.Enabled { // unless it was disabled between the two reads
		at.Connection = &c
	}
	return at, err
}

// Connection implements directory.Connections.
func (s connections) Connection(ctx context.Context, id string) (directory.Connection, error) {
	c, err := scanConnection(s.row(ctx, selectConnection, id))
	return c, found("connection", err, directory.ErrNoConnection)
}

// Linked implements directory.Connections.
func (s connections) Linked(ctx context.Context, connectionID, subject string) (directory.User, error) {
	var row userRow
	err := s.row(ctx, selectLinked, connectionID, subject).Scan(row.fields()...)
	return row.user(), found("linked", err, directory.ErrNoUser)
}

// LinkedAs implements directory.Connections.
func (s connections) LinkedAs(ctx context.Context, connectionID, userID string) (subject string, err error) {
	err = s.row(ctx, selectLinkedAs, connectionID, userID).Scan(&subject)
	return subject, found("linked as", err, directory.ErrNoUser)
}

// Link implements directory.Connections. An existing link is never replaced.
func (s connections) Link(ctx context.Context, connectionID, subject, userID string, now int64) error {
	if err := s.change(ctx, "link", insertLink, connectionID, subject, userID, now); err != nil {
		return err
	}
	u, err := s.Linked(ctx, connectionID, subject)
	if errors.Is(err, directory.ErrNoUser) || err == nil && u.ID != userID {
		return directory.ErrLinked
	}
	return err
}

// Provision implements directory.Connections.
func (s connections) Provision(ctx context.Context, userID, organizationID string, roles []string, admit bool, now int64) error {
	return s.change(ctx, "provision", provisionMember, userID, organizationID, list(roles).text(), now, number(admit))
}

// Deprovision implements directory.Connections.
func (s connections) Deprovision(ctx context.Context, userID, organizationID string) error {
	return s.change(ctx, "deprovision", deprovisionMember, userID, organizationID)
}

// number returns 1 for true, since D1 binds no booleans.
func number(truth bool) int64 {
	if truth {
		return 1
	}
	return 0
}

// connectionRow is a row of connectionColumns.
type connectionRow struct {
	c                    directory.Connection
	scopes, provisioning string
	source               string
	enabled              int64
}

func (r *connectionRow) fields() []any {
	return []any{&r.c.ID, &r.c.OrganizationID, &r.c.Issuer, &r.c.ClientID, &r.c.SealedSecret,
		&r.scopes, &r.provisioning, &r.source, &r.c.Revision, &r.enabled}
}

func (r *connectionRow) connection() (directory.Connection, error) {
	c := r.c
	c.Enabled, c.FromFile = r.enabled == 1, r.source == fromFile
	var s connectionSettings
	if err := errors.Join(scanJSON(r.scopes, &c.Scopes), scanJSON(r.provisioning, &s)); err != nil {
		return c, fmt.Errorf("sqlstore: connection %s: %w", c.ID, err)
	}
	c.Provisioning, c.UntypedLogoutTokens = s.Provisioning, s.UntypedLogoutTokens
	c.ClientAuth, c.ResponseMode, c.PushRequests = s.ClientAuth, s.ResponseMode, s.PushRequests
	c.FrontchannelLogout, c.AssertionAudience, c.Revalidation = s.FrontchannelLogout, s.AssertionAudience, s.Revalidation
	return c, nil
}

// connectionSettings are the content of the column provisioning: the provisioning and
// newer settings, which earlier releases ignore.
type connectionSettings struct {
	directory.Provisioning
	UntypedLogoutTokens bool   `json:"untyped_logout_tokens,omitempty"`
	ClientAuth          string `json:"client_auth,omitempty"`
	ResponseMode        string `json:"response_mode,omitempty"`
	PushRequests        bool   `json:"push_requests,omitempty"`
	FrontchannelLogout  bool   `json:"frontchannel_logout,omitempty"`
	AssertionAudience   string `json:"assertion_audience,omitempty"`
	directory.Revalidation
}

// connectionText returns the columns of a connection that are JSON. Scopes that are
// not named stay so.
func connectionText(c directory.Connection) (scopes, provisioning string, err error) {
	a, errScopes := json.Marshal(c.Scopes)
	b, errProvisioning := json.Marshal(connectionSettings{c.Provisioning, c.UntypedLogoutTokens, c.ClientAuth, c.ResponseMode, c.PushRequests, c.FrontchannelLogout, c.AssertionAudience, c.Revalidation})
	return string(a), string(b), errors.Join(errScopes, errProvisioning)
}
