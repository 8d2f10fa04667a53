package sqlstore

import (
	"context"

	"github.com/tabard-auth/tabard/backend/directory"
)

const (
	selectEnabledConnections = `
SELECT` + connectionColumns + fromConnections + `
WHERE c.id > ?1 AND c.deleted_at IS NULL AND o.connection = c.id AND o.disabled_at IS NULL
ORDER BY c.id
LIMIT ?2`

	countProviderTokens = `
SELECT COUNT(*), COUNT(t.session_id) FROM (
	SELECT id AS session_id FROM sessions
	WHERE connection = ?1 AND created_at >= ?2 AND revoked_at IS NULL AND parent_id IS NULL
	UNION
	SELECT a.session_id FROM authentications a JOIN sessions s ON s.id = a.session_id
	WHERE a.connection = ?1 AND a.auth_time >= ?2 AND s.revoked_at IS NULL AND s.parent_id IS NULL
) AS began LEFT JOIN provider_tokens t ON t.session_id = began.session_id AND t.connection = ?1`
)

// EnabledConnections returns the enabled connections of all organizations by id, starting
// after one, at most limit.
func (s connections) EnabledConnections(ctx context.Context, after string, limit int) ([]directory.Connection, error) {
	return collect(ctx, s, "enabled connections", scanConnection, selectEnabledConnections, after, limit)
}

// CountProviderTokens returns in how many live sessions people authenticated at a connection,
// or at the workspace's provider (""), since a time, and for how many of these there is a
// refresh token of the provider.
func (s providerTokens) CountProviderTokens(ctx context.Context, connection string, since int64) (sessions, tokens int, err error) {
	err = s.row(ctx, countProviderTokens, connection, since).Scan(&sessions, &tokens)
	return sessions, tokens, err
}
