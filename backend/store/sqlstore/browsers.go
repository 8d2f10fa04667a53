package sqlstore

import (
	"context"

	"github.com/tabard-auth/tabard/backend/session"
)

const selectOfBrowser = wholeSession + `
WHERE s.browser = ?1 AND s.browser <> '' AND s.revoked_at IS NULL AND s.expires_at > ?2 AND ` + parentLives + `
ORDER BY s.created_at DESC, s.id
LIMIT ?3`

const selectEndedOfBrowser = wholeSession + `
WHERE s.browser = ?1 AND s.browser <> '' AND s.revoked_at >= ?2
ORDER BY s.revoked_at DESC, s.id
LIMIT ?3`

// OfBrowser implements session.Store.
func (s sessions) OfBrowser(ctx context.Context, browser string, now int64, limit int) ([]session.Session, error) {
	return collect(ctx, s, "sessions of a browser", scanSession, selectOfBrowser, browser, now, limit)
}

// EndedOfBrowser implements session.Store.
func (s sessions) EndedOfBrowser(ctx context.Context, browser string, since int64, limit int) ([]session.Session, error) {
	return collect(ctx, s, "ended sessions of a browser", scanSession, selectEndedOfBrowser, browser, since, limit)
}
