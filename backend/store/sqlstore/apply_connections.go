package sqlstore

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
)

const (
	selectAllConnections = `
SELECT` + connectionColumns + `, c.deleted_at, o.connection AS o_connection` + fromConnections

	releaseConnection = `
UPDATE connections SET source = 'admin', revision = revision + 1 WHERE id = ?1`

	setConnection = `
UPDATE organizations SET connection = ?2 WHERE id = ?1`
)

// storedConnections are all connections, including deleted ones, and the enabled ones.
type storedConnections struct {
	byID           map[string]storedConnection
	byOrganization map[string][]storedConnection // by organization
	enabled        map[string]string             // by organization
}

type storedConnection struct {
	directory.Connection
	deleted bool
}

func (a *applying) storedConnections(ctx context.Context) (storedConnections, error) {
	all := storedConnections{map[string]storedConnection{}, map[string][]storedConnection{}, map[string]string{}}
	err := a.each(ctx, func(rows *sql.Rows) error {
		var row connectionRow
		var deletedAt sql.NullInt64
		var enabled string
		if err := rows.Scan(append(row.fields(), &deletedAt, &enabled)...); err != nil {
			return err
		}
		c, err := row.connection()
		one := storedConnection{c, deletedAt.Valid}
		all.byID[c.ID], all.enabled[c.OrganizationID] = one, enabled
		all.byOrganization[c.OrganizationID] = append(all.byOrganization[c.OrganizationID], one)
		return err
	}, selectAllConnections)
	return all, err
}

// connections updates the connections of all organizations in the file.
func (a *applying) connections(ctx context.Context, ids []string, wanted []directory.DesiredOrganization) error {
	stored, err := a.storedConnections(ctx)
	if err != nil {
		return err
	}
	var conflicts directory.Conflicts
	for i, o := range wanted {
		for j := range o.Connections {
			c := &o.Connections[j]
			c.OrganizationID = ids[i]
			if text := conflict(stored.byID[c.ID], c.Connection); text != "" && len(conflicts) < directory.MaxProblems {
				conflicts = append(conflicts, directory.Conflict{Line: c.Line, Text: text})
			}
		}
	}
	if conflicts != nil {
		return conflicts
	}
	for i, o := range wanted {
		if err := a.ofOrganization(ctx, ids[i], stored, o.Connections); err != nil {
			return err
		}
	}
	return nil
}

// conflict returns why a connection cannot be changed to the one in the file.
func conflict(stored storedConnection, c directory.Connection) string {
	switch {
	case stored.ID == "":
		return ""
	case stored.deleted:
		return fmt.Sprintf("connection %s was deleted; its id cannot be used again", c.ID)
	case stored.OrganizationID != c.OrganizationID:
		return fmt.Sprintf("connection %s belongs to another organization", c.ID)
	case stored.Issuer != c.Issuer:
		return fmt.Sprintf("the issuer of connection %s cannot change; use a new id for another provider", c.ID)
	}
	return ""
}

func (a *applying) ofOrganization(ctx context.Context, id string, stored storedConnections, wanted []directory.DesiredConnection) error {
	had, enabled, named := stored.enabled[id], "", map[string]bool{}
	for _, c := range wanted {
		if named[c.ID] = true; c.Enabled {
			enabled = c.ID
		}
		changed, err := a.connection(ctx, stored.byID[c.ID], c.Connection)
		switch {
		case err != nil:
			return err
		case stored.byID[c.ID].ID == "":
			a.changes.Connections.Added++
		case changed || (had == c.ID) != c.Enabled:
			a.changes.Connections.Changed++
		}
	}
	if err := a.release(ctx, stored.byOrganization[id], named); err != nil {
		return err
	}
	if enabled == "" && !stored.byID[had].FromFile && !named[had] {
		return nil // none, or one that the file does not manage
	}
	return a.enable(ctx, id, had, enabled)
}

// release hands the connections that the file no longer names over to administrators.
func (a *applying) release(ctx context.Context, stored []storedConnection, named map[string]bool) error {
	for _, had := range stored {
		if !had.FromFile || named[had.ID] || had.deleted {
			continue
		}
		a.changes.Connections.Removed++
		if err := a.exec(ctx, releaseConnection, had.ID); err != nil {
			return err
		}
	}
	return nil
}

// connection updates one connection, except whether it is enabled, and reports whether
// that changed it.
func (a *applying) connection(ctx context.Context, stored storedConnection, c directory.Connection) (changed bool, err error) {
	scopes, provisioning, err := connectionText(c)
	if err != nil {
		return false, err
	}
	if stored.ID == "" {
		if err := a.exec(ctx, insertConnection, c.ID, c.OrganizationID, c.Issuer, c.ClientID, c.SealedSecret,
			scopes, provisioning, fromFile, a.now); err != nil {
			return false, err
		}
		return true, a.record(ctx, audit.CreateConnection, c.OrganizationID, c.ID)
	}
	hadScopes, hadProvisioning, err := connectionText(stored.Connection)
	if err != nil || stored.FromFile && stored.ClientID == c.ClientID && stored.SealedSecret == c.SealedSecret &&
		hadScopes == scopes && hadProvisioning == provisioning {
		return false, err
	}
	if err := a.exec(ctx, updateConnection, c.ID, c.OrganizationID, c.ClientID, c.SealedSecret, scopes, provisioning, fromFile); err != nil {
		return false, err
	}
	return true, a.record(ctx, audit.UpdateConnection, c.OrganizationID, c.ID)
}

// enable makes another connection the organization's enabled one, or none.
func (a *applying) enable(ctx context.Context, organizationID, had, wanted string) error {
	if had == wanted {
		return nil
	}
	if err := a.exec(ctx, setConnection, organizationID, wanted); err != nil {
		return err
	}
	if had != "" {
		if err := a.record(ctx, audit.DisableConnection, organizationID, had); err != nil {
			return err
		}
	}
	if wanted == "" {
		return nil
	}
	return a.record(ctx, audit.EnableConnection, organizationID, wanted)
}

// record writes a change by the file to the audit log.
func (a *applying) record(ctx context.Context, action audit.Action, organizationID, connectionID string) error {
	return a.exec(ctx, insertEvent, eventArgs(audit.Event{
		ID: directory.NewID("evt_"), At: a.now, Action: action, Outcome: audit.Done, Actor: audit.WorkspaceFile,
		OrganizationID: organizationID, Target: connectionID,
	})...)
}
