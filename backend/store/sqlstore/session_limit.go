package sqlstore

import (
	"context"
	"fmt"

	"github.com/tabard-auth/tabard/backend/session"
)

const (
	selectEndsWithBrowser = `SELECT ends_with_browser FROM sessions WHERE id = ?1`

	selectSignIns = wholeSession + `
WHERE s.user_id = ?1 AND s.confined_to = ?2 AND s.revoked_at IS NULL AND s.expires_at > ?3 AND s.parent_id IS NULL AND s.holder = ''
ORDER BY s.created_at DESC, s.id DESC
LIMIT ?4`

	// revokeBeside is followed by a list of ids, which revokeBesideEnd ends. All of their rows
	// are locked in one order: PostgreSQL then reads again what others changed meanwhile.
	revokeBeside = `
UPDATE sessions SET revoked_at = ?2, revoke_reason = ?3
WHERE id = ?1 AND revoked_at IS NULL AND ?4 = (
	SELECT COUNT(*) FROM (SELECT id FROM sessions WHERE revoked_at IS NULL AND expires_at > ?2 AND id IN `
	revokeBesideEnd = ` ORDER BY id%s) beside)`
)

// RevokeBeside implements session.Store.
func (s sessions) RevokeBeside(ctx context.Context, id session.ID, others []session.ID, reason session.Reason, now int64) (bool, error) {
	args := []any{id.String(), now, string(reason), len(others) + 1, id.String()}
	for _, other := range others {
		args = append(args, other.String())
	}
	lock := ""
	if s.dialect.dollar {
		lock = " FOR UPDATE"
	}
	return s.changed(ctx, "revoke session beside others", revokeBeside+values(4, 1, len(others)+1)+fmt.Sprintf(revokeBesideEnd, lock), args...)
}

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
