package sqlstore

import (
	"context"
	"fmt"
)

const (
	expiredSessions = `(SELECT id FROM sessions WHERE expires_at < ?1 ORDER BY expires_at, id LIMIT ?2)`

	deleteExpiredAuthentications = `DELETE FROM authentications WHERE session_id IN ` + expiredSessions

	deleteExpiredOrganizationSessions = `DELETE FROM organization_sessions WHERE session_id IN ` + expiredSessions

	deleteExpiredProviderTokens = `
DELETE FROM provider_tokens WHERE (session_id, connection) IN (
	SELECT session_id, connection FROM provider_tokens WHERE expires_at < ?1 ORDER BY expires_at LIMIT ?2)`

	deleteExpiredSessions = `DELETE FROM sessions WHERE id IN ` + expiredSessions

	// The ids are those under which browserapi records the same events.
	auditThefts = `
INSERT INTO audit (id, at, action, outcome, reason, actor, user_id, organization_id, session_id, app, address)
SELECT CASE WHEN s.revoke_reason = 'reuse' THEN 'reused:' ELSE 'lost:' END || s.id, s.revoked_at,
	CASE WHEN s.revoke_reason = 'reuse' THEN 'session.reused' ELSE 'session.lost' END,
	'done', '', 'server', s.user_id, '', s.id, s.app, ''
FROM sessions s WHERE s.revoke_reason IN ('reuse', 'lost')
ON CONFLICT (id) DO NOTHING`

	revokeVictims = `
UPDATE sessions SET revoked_at = ?1, revoke_reason = 'reuse_elsewhere'
WHERE user_id IN (SELECT v.user_id FROM sessions v WHERE v.revoke_reason IN ('reuse', 'lost'))
	AND revoked_at IS NULL AND expires_at > ?1 AND holder = '' AND EXISTS (
	SELECT 1 FROM sessions t
	WHERE t.user_id = sessions.user_id AND t.revoke_reason IN ('reuse', 'lost') -- the index's own words
		AND t.revoke_reason = 'reuse' AND t.revoked_at >= sessions.created_at
		AND t.holder = '' AND (t.connection = '' OR t.confined_to IN ('', sessions.confined_to)))`
)

// FollowUpThefts completes the handling of thefts that a crash interrupted: it records
// them and, if endUser is set, ends the other sessions in the person's browsers, unless
// an app's server held the stolen one.
func (s sessions) FollowUpThefts(ctx context.Context, endUser bool, now int64) error {
	if err := s.change(ctx, "record thefts", auditThefts); err != nil {
		return err
	}
	if !endUser {
		return nil
	}
	return s.change(ctx, "end the sessions of victims", revokeVictims, now)
}

// DeleteExpired deletes sessions whose absolute end was before a time (Unix seconds),
// with their organization sessions and authentications, oldest first, at most limit. It
// returns the number of deleted sessions. It also deletes as many expired invitations.
// Revoked sessions are kept until their end too, so that a browser with their refresh
// token is told the reason.
func (s sessions) DeleteExpired(ctx context.Context, before, limit int64) (int64, error) {
	if err := s.change(ctx, "forget invitations", deleteExpiredInvitations, before, limit); err != nil {
		return 0, err
	}
	if err := s.change(ctx, "forget providers' tokens", deleteExpiredProviderTokens, before, limit); err != nil {
		return 0, err
	}
	if err := s.change(ctx, "forget authentications", deleteExpiredAuthentications, before, limit); err != nil {
		return 0, err
	}
	if err := s.change(ctx, "forget organization sessions", deleteExpiredOrganizationSessions, before, limit); err != nil {
		return 0, err
	}
	result, err := s.exec(ctx, deleteExpiredSessions, before, limit)
	if err != nil {
		return 0, fmt.Errorf("sqlstore: forget sessions: %w", err)
	}
	return result.RowsAffected()
}
