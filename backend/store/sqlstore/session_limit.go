package sqlstore

import (
	"context"

	"github.com/tabard-auth/tabard/backend/session"
)

const (
	selectEndsWithBrowser = `SELECT ends_with_browser FROM sessions WHERE id = ?1`

	selectSignIns = wholeSession + `
WHERE s.user_id = ?1 AND s.confined_to = ?2 AND s.revoked_at IS NULL AND s.expires_at > ?3 AND s.parent_id IS NULL AND s.holder = ''
ORDER BY s.created_at DESC, s.id DESC
LIMIT ?4`
)

// EndsWithBrowser implements session.Store.
func (s sessions) EndsWithBrowser(ctx context.Context, id session.ID) (bool, error) {
	var ends int64
	err := s.row(ctx, selectEndsWithBrowser, id.String()).Scan(&ends)
	return ends != 0, found("cookie of a session", err, session.ErrNotFound)
}

// SignIns implements session.Store.
func (s sessions) SignIns(ctx context.Context, userID, confinedTo string, now int64, limit int) ([]session.Session, error) {
	return collect(ctx, s, "sign-ins", scanSession, selectSignIns, userID, confinedTo, now, limit)
}
