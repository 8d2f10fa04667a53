package sqlstore

import (
	"context"
	"fmt"

	"github.com/tabard-auth/tabard/backend/session"
)

const (
	selectLiveBatch = `
SELECT COUNT(*), COALESCE(MAX(id), '') FROM (
	SELECT id FROM sessions WHERE id > ?1 AND revoked_at IS NULL AND expires_at > ?2 AND created_at <= ?3
	ORDER BY id LIMIT ?4) AS batch`

	revokeBatch = `
UPDATE sessions SET revoked_at = ?3, revoke_reason = ?4
WHERE id > ?1 AND id <= ?2 AND revoked_at IS NULL AND expires_at > ?3 AND created_at <= ?5`
)

// EndSessions implements admin.SessionStore.
func (s sessions) EndSessions(ctx context.Context, after string, until int64, reason session.Reason, now int64, limit int) (n int64, last string, err error) {
	if err := s.row(ctx, selectLiveBatch, after, now, until, limit).Scan(&n, &last); err != nil {
		return 0, "", fmt.Errorf("sqlstore: live sessions: %w", err)
	}
	if n == 0 {
		return 0, "", nil
	}
	result, err := s.exec(ctx, revokeBatch, after, last, now, string(reason), until)
	if err != nil {
		return 0, "", fmt.Errorf("sqlstore: end sessions: %w", err)
	}
	changed, err := result.RowsAffected() // D1 also counts the changes of triggers
	return min(n, changed), last, err
}
