package sqlstore

import (
	"context"

	"github.com/tabard-auth/tabard/backend/directory"
)

const selectByIssuer = `
SELECT` + connectionColumns + fromConnections + `
WHERE c.issuer = ?1 AND c.deleted_at IS NULL AND o.connection = c.id AND o.disabled_at IS NULL
ORDER BY c.id
LIMIT ?2`

// ConnectionsByIssuer implements signin.Store.
func (s connections) ConnectionsByIssuer(ctx context.Context, issuer string, limit int) ([]directory.Connection, error) {
	return collect(ctx, s, "connections of an issuer", scanConnection, selectByIssuer, issuer, limit)
}
