package sqlstore

import (
	"strings"

	"github.com/tabard-auth/tabard/backend/directory"
)

const (
	changedConnection = `
connections.client_id <> ?4 OR connections.secret <> ?5 OR connections.scopes <> ?6 OR connections.provisioning <> ?7
	OR connections.source <> 'file'`

	// Where Apply reports a conflict, this sets issuer to NULL, which violates a
	// constraint: no statement of the script takes effect.
	scriptConnection = `
INSERT INTO connections (id, organization_id, issuer, client_id, secret, scopes, provisioning, source, revision, created_at)
SELECT ?1, o.id, ?3, ?4, ?5, ?6, ?7, 'file', 1, ?8 FROM organizations o WHERE o.slug = ?2
ON CONFLICT (id) DO UPDATE SET
	issuer = CASE WHEN connections.issuer = excluded.issuer AND connections.organization_id = excluded.organization_id
		AND connections.deleted_at IS NULL THEN connections.issuer END,
	client_id = excluded.client_id, secret = excluded.secret, scopes = excluded.scopes,
	provisioning = excluded.provisioning, source = 'file', revision = connections.revision + 1
WHERE connections.issuer <> excluded.issuer OR connections.organization_id <> excluded.organization_id
	OR connections.deleted_at IS NOT NULL OR ` + changedConnection

	scriptChange = `
INSERT INTO audit (id, at, action, outcome, reason, actor, user_id, organization_id, session_id, app, address, target)
SELECT ?9, ?8, CASE WHEN connections.id IS NULL THEN 'connection.create' ELSE 'connection.update' END,
	'done', '', 'workspace_file', '', o.id, '', '', '', ?1
FROM organizations o LEFT JOIN connections ON connections.id = ?1
WHERE o.slug = ?2 AND (connections.id IS NULL OR ` + changedConnection + `)
ON CONFLICT (id) DO NOTHING`

	// Disables the file's connections of an organization, except ?2 if the file enables
	// it.
	scriptDisabling = `
o.slug = ?1 AND o.connection NOT IN ('', ?2)
	AND (?2 <> '' OR o.connection IN (SELECT id FROM connections WHERE source = 'file'))`

	scriptDisable = `
INSERT INTO audit (id, at, action, outcome, reason, actor, user_id, organization_id, session_id, app, address, target)
SELECT ?3, ?4, 'connection.disable', 'done', '', 'workspace_file', '', o.id, '', '', '', o.connection
FROM organizations o WHERE ` + scriptDisabling + `
ON CONFLICT (id) DO NOTHING;
UPDATE organizations AS o SET connection = '' WHERE ` + scriptDisabling

	scriptEnable = `
INSERT INTO audit (id, at, action, outcome, reason, actor, user_id, organization_id, session_id, app, address, target)
SELECT ?3, ?4, 'connection.enable', 'done', '', 'workspace_file', '', o.id, '', '', '', ?2
FROM organizations o WHERE o.slug = ?1 AND o.connection <> ?2
ON CONFLICT (id) DO NOTHING;
UPDATE organizations SET connection = ?2 WHERE slug = ?1 AND connection <> ?2`

	scriptRelease = `
UPDATE connections SET source = 'admin', revision = revision + 1
WHERE source = 'file' AND organization_id = (SELECT id FROM organizations WHERE slug = ?1) AND NOT (?2)`
)

// connections writes the statements that update an organization's connections.
func (s *script) connections(slug string, wanted []directory.DesiredConnection) error {
	enabled, named := "", []string{"FALSE"}
	for _, c := range wanted {
		scopes, provisioning, err := connectionText(c.Connection)
		if err != nil {
			return err
		}
		if named = append(named, "id = "+literal(c.ID)); c.Enabled {
			enabled = c.ID
		}
		args := []any{c.ID, slug, c.Issuer, c.ClientID, c.SealedSecret, scopes, provisioning, s.now, directory.NewID("evt_")}
		s.add(scriptChange, args...)
		s.add(scriptConnection, args...)
	}
	s.add(scriptDisable, slug, enabled, directory.NewID("evt_"), s.now)
	if enabled != "" {
		s.add(scriptEnable, slug, enabled, directory.NewID("evt_"), s.now)
	}
	s.add(scriptRelease, slug, condition(strings.Join(named, " OR ")))
	return nil
}
