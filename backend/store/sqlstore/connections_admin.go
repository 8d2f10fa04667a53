package sqlstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/tabard-auth/tabard/backend/directory"
)

const (
	insertConnection = `
INSERT INTO connections (id, organization_id, issuer, client_id, secret, scopes, provisioning, source, revision, created_at)
SELECT ?1, o.id, ?3, ?4, ?5, ?6, ?7, ?8, 1, ?9 FROM organizations o WHERE o.id = ?2
ON CONFLICT (id) DO NOTHING`

	updateConnection = `
UPDATE connections SET client_id = ?3, secret = CASE WHEN ?4 = '' THEN secret ELSE ?4 END, scopes = ?5, provisioning = ?6,
	source = ?7, revision = revision + 1
WHERE id = ?1 AND organization_id = ?2 AND deleted_at IS NULL`

	enableConnection = `
UPDATE organizations SET connection = ?2
WHERE id = ?1 AND connection IN ('', ?2) AND EXISTS (
	SELECT 1 FROM connections c WHERE c.id = ?2 AND c.organization_id = ?1 AND c.deleted_at IS NULL)`

	disableConnection = `
UPDATE organizations SET connection = '' WHERE id = ?1 AND connection = ?2`

	deleteConnection = `
UPDATE connections SET deleted_at = ?3, secret = ''
WHERE id = ?1 AND organization_id = ?2 AND deleted_at IS NULL`

	deleteLink = `
DELETE FROM links WHERE connection_id = ?1 AND user_id = ?2`

	selectConnections = `
SELECT` + connectionColumns + fromConnections + `
WHERE c.organization_id = ?1 AND c.id > ?2 AND c.deleted_at IS NULL
ORDER BY c.id
LIMIT ?3`

	selectSealedConnections = `
SELECT id, secret FROM connections WHERE id > ?1 AND deleted_at IS NULL ORDER BY id LIMIT ?2`

	resealConnection = `
UPDATE connections SET secret = ?3 WHERE id = ?1 AND secret = ?2`
)

// CreateConnection stores a new connection, not enabled. The caller chooses its ID,
// which is part of the redirect URI (see directory.NewID). The error is
// directory.ErrNoOrganization, or ErrConnectionExists if the id was used before.
func (s connections) CreateConnection(ctx context.Context, c directory.Connection, now int64) error {
	scopes, provisioning, err := connectionText(c)
	if err != nil {
		return fmt.Errorf("sqlstore: create connection: %w", err)
	}
	result, err := s.exec(ctx, insertConnection, c.ID, c.OrganizationID, c.Issuer, c.ClientID, c.SealedSecret,
		scopes, provisioning, sourceOf(c), now)
	if err != nil {
		return fmt.Errorf("sqlstore: create connection: %w", err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 1 {
		return err
	}
	made, err := s.Connection(ctx, c.ID)
	switch {
	case err == nil && made.OrganizationID == c.OrganizationID && made.SealedSecret == c.SealedSecret:
		return nil // the reply to an earlier call was lost
	case err == nil:
		return directory.ErrConnectionExists
	case !errors.Is(err, directory.ErrNoConnection):
		return err
	}
	return s.creationError(ctx, c)
}

// creationError returns why a connection could not be made.
func (s connections) creationError(ctx context.Context, c directory.Connection) error {
	var n int
	err := s.row(ctx, `SELECT COUNT(*) FROM organizations WHERE id = ?1`, c.OrganizationID).Scan(&n)
	switch {
	case err != nil:
		return fmt.Errorf("sqlstore: create connection: %w", err)
	case n == 0:
		return directory.ErrNoOrganization
	}
	return directory.ErrConnectionExists // it was deleted
}

// UpdateConnection changes the mutable fields of a connection: client, scopes,
// provisioning and, unless SealedSecret is empty, the secret. The error is
// directory.ErrNoConnection, also if it belongs to another organization, ErrIssuer, or
// ErrFromFile.
func (s connections) UpdateConnection(ctx context.Context, c directory.Connection) error {
	stored, err := s.own(ctx, c.OrganizationID, c.ID)
	switch {
	case err != nil:
		return err
	case stored.FromFile:
		return directory.ErrFromFile
	case stored.Issuer != c.Issuer:
		return directory.ErrIssuer
	}
	scopes, provisioning, err := connectionText(c)
	if err != nil {
		return fmt.Errorf("sqlstore: update connection: %w", err)
	}
	return s.change(ctx, "update connection", updateConnection,
		c.ID, c.OrganizationID, c.ClientID, c.SealedSecret, scopes, provisioning, fromAdmin)
}

// EnableConnection enables a connection: people enter its organization by it. It may be
// enabled already. The error is directory.ErrNoConnection, or ErrOtherConnection while
// another is enabled.
func (s connections) EnableConnection(ctx context.Context, organizationID, id string) error {
	result, err := s.exec(ctx, enableConnection, organizationID, id)
	if err != nil {
		return fmt.Errorf("sqlstore: enable connection: %w", err)
	}
	if n, err := result.RowsAffected(); err != nil || n > 0 { // D1 also counts the changes of triggers
		return err
	}
	if _, err := s.own(ctx, organizationID, id); err != nil {
		return err
	}
	return directory.ErrOtherConnection
}

// DisableConnection disables a connection. From the next mint on, authentications at it
// no longer count. The error is directory.ErrNoConnection.
func (s connections) DisableConnection(ctx context.Context, organizationID, id string) error {
	if _, err := s.own(ctx, organizationID, id); err != nil {
		return err
	}
	return s.change(ctx, "disable connection", disableConnection, organizationID, id)
}

// DeleteConnection disables a connection and deletes its secret. Its id is never used
// again. The error is directory.ErrNoConnection, or ErrFromFile.
func (s connections) DeleteConnection(ctx context.Context, organizationID, id string, now int64) error {
	stored, err := s.own(ctx, organizationID, id)
	if err == nil && stored.FromFile {
		err = directory.ErrFromFile
	}
	if err != nil {
		return err
	}
	if err := s.change(ctx, "disable connection", disableConnection, organizationID, id); err != nil {
		return err
	}
	return s.change(ctx, "delete connection", deleteConnection, id, organizationID, now)
}

// Unlink removes a person's link at a connection, to correct a wrong one: the next
// sign-in there links anew. Sessions that began by it go on.
func (s connections) Unlink(ctx context.Context, connectionID, userID string) error {
	return s.change(ctx, "unlink", deleteLink, connectionID, userID)
}

// own returns a connection of that organization.
func (s connections) own(ctx context.Context, organizationID, id string) (directory.Connection, error) {
	c, err := s.Connection(ctx, id)
	if err == nil && c.OrganizationID != organizationID {
		return c, directory.ErrNoConnection
	}
	return c, err
}

// ConnectionsOf returns an organization's connections by id, starting after one, at
// most limit.
func (s connections) ConnectionsOf(ctx context.Context, organizationID, after string, limit int) ([]directory.Connection, error) {
	return collect(ctx, s, "connections", scanConnection, selectConnections, organizationID, after, limit)
}

// SealedConnections returns the sealed client secrets of connections by id, starting
// after one, at most limit, and the last id.
func (s connections) SealedConnections(ctx context.Context, after string, limit int) (sealed map[string]string, last string, err error) {
	type connection struct{ id, secret string }
	all, err := collect(ctx, s, "sealed connections", func(row scanner) (c connection, err error) {
		err = row.Scan(&c.id, &c.secret)
		return c, err
	}, selectSealedConnections, after, limit)
	sealed = make(map[string]string, len(all))
	for _, c := range all {
		sealed[c.id], last = c.secret, c.id
	}
	return sealed, last, err
}

// ResealConnection replaces a connection's sealed client secret, unless it has changed
// meanwhile.
func (s connections) ResealConnection(ctx context.Context, id, before, after string) error {
	return s.change(ctx, "reseal connection", resealConnection, id, before, after)
}

func scanConnection(row scanner) (directory.Connection, error) {
	var r connectionRow
	if err := row.Scan(r.fields()...); err != nil {
		return directory.Connection{}, err
	}
	return r.connection()
}

// fromAdmin is the source of memberships by an administrator.
const fromAdmin = string(directory.FromAdmin)

func sourceOf(c directory.Connection) string {
	if c.FromFile {
		return fromFile
	}
	return fromAdmin
}
