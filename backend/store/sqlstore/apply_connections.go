package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"

	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
)

const (
	selectAllConnections = `
SELECT` + connectionColumns + `, c.deleted_at, o.connection AS o_connection` + fromConnections

	connectionsOfOne = `
WHERE c.organization_id = ?1 OR c.id IN (`

	releaseConnection = `
UPDATE connections SET source = 'admin', revision = revision + 1 WHERE id = ?1`

	setConnection = `
UPDATE organizations SET connection = ?2
WHERE id = ?1 AND (?2 = '' OR EXISTS (SELECT 1 FROM connections c WHERE c.id = ?2 AND c.organization_id = ?1 AND c.deleted_at IS NULL))`
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

// storedConnections reads the connections that a condition selects, all without one.
func (a *applier) storedConnections(ctx context.Context, condition string, args ...any) (storedConnections, error) {
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
	}, selectAllConnections+condition, args...)
	return all, err
}

// checkConnections sets the organization of each connection of the file. The error is
// Conflicts.
func checkConnections(stored storedConnections, found []*matched, wanted []directory.DesiredOrganization) error {
	var conflicts directory.Conflicts
	for i, o := range wanted {
		for j := range o.Connections {
			c := &o.Connections[j]
			c.OrganizationID = found[i].id
			if text := conflict(stored.byID[c.ID], c.Connection); text != "" && len(conflicts) < directory.MaxProblems {
				conflicts = append(conflicts, directory.Conflict{Line: c.Line, Text: text})
			}
		}
	}
	if conflicts != nil {
		return conflicts
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

// ofOrganization updates an organization's connections.
func (a *applier) ofOrganization(slug, id string, stored storedConnections, wanted []directory.DesiredConnection) error {
	had, enabled, named := stored.enabled[id], "", map[string]bool{}
	for _, c := range wanted {
		if named[c.ID] = true; c.Enabled {
			enabled = c.ID
		}
		changed, err := a.connection(stored.byID[c.ID], c.Connection)
		switch {
		case err != nil:
			return err
		case stored.byID[c.ID].ID == "":
			a.changes.Connections.Added++
			a.report(directory.Addition, "connection", slug, c.ID, "%s", enabledText(c.Enabled))
		case changed || (had == c.ID) != c.Enabled:
			a.changes.Connections.Changed++
			a.report(directory.Change, "connection", slug, c.ID, "%s -> %s", enabledText(had == c.ID), enabledText(c.Enabled))
		}
	}
	a.release(slug, stored.byOrganization[id], named)
	if enabled == "" && !stored.byID[had].FromFile && !named[had] {
		return nil // none, or one that the file does not manage
	}
	a.enable(id, had, enabled)
	return nil
}

func enabledText(enabled bool) string {
	if enabled {
		return "enabled"
	}
	return "disabled"
}

// release disables connections that the file no longer names. Administrators manage
// them from then on.
func (a *applier) release(slug string, stored []storedConnection, named map[string]bool) {
	for _, had := range stored {
		if !had.FromFile || named[had.ID] || had.deleted {
			continue
		}
		a.changes.Connections.Removed++
		a.report(directory.Removal, "connection", slug, had.ID, "(left to administrators)")
		a.pending.add(releaseConnection, had.ID)
	}
}

// connection updates one connection except for its enabled state, and reports whether
// it changed. One that needs no secret any more keeps the stored one.
func (a *applier) connection(stored storedConnection, c directory.Connection) (changed bool, err error) {
	c.SealedSecret = cmp.Or(c.SealedSecret, stored.SealedSecret)
	scopes, provisioning, err := connectionText(c)
	if err != nil {
		return false, err
	}
	if stored.ID == "" {
		a.pending.add(insertConnection, c.ID, c.OrganizationID, c.Issuer, c.ClientID, c.SealedSecret, scopes, provisioning, fromFile, a.now)
		a.record(audit.CreateConnection, c.OrganizationID, c.ID)
		return true, nil
	}
	hadScopes, hadProvisioning, err := connectionText(stored.Connection)
	if err != nil || stored.FromFile && stored.ClientID == c.ClientID && stored.SealedSecret == c.SealedSecret &&
		hadScopes == scopes && hadProvisioning == provisioning {
		return false, err
	}
	a.pending.add(updateConnection, c.ID, c.OrganizationID, c.ClientID, c.SealedSecret, scopes, provisioning, fromFile)
	a.record(audit.UpdateConnection, c.OrganizationID, c.ID)
	return true, nil
}

// enable makes another connection the organization's, or none.
func (a *applier) enable(organizationID, had, wanted string) {
	if had == wanted {
		return
	}
	a.pending.add(setConnection, organizationID, wanted)
	if had != "" {
		a.record(audit.DisableConnection, organizationID, had)
	}
	if wanted != "" {
		a.record(audit.EnableConnection, organizationID, wanted)
	}
}

// record adds a change by the file to the audit log.
func (a *applier) record(action audit.Action, organizationID, connectionID string) {
	a.pending.add(insertEvent, eventArgs(audit.Event{
		ID: directory.NewID("evt_"), At: a.now, Action: action, Outcome: audit.Done, Actor: audit.WorkspaceFile,
		OrganizationID: organizationID, Target: connectionID,
	})...)
}
