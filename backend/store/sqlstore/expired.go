package sqlstore

import (
	"context"
	"fmt"
)

const (
	expiredSessions = `(SELECT id FROM sessions WHERE expires_at < ?1 ORDER BY expires_at, id LIMIT ?2)`

	deleteExpiredAuthentications = `DELETE FROM authentications WHERE session_id IN ` + expiredSessions

	deleteExpiredOrganizationSessions = `DELETE FROM organization_sessions WHERE session_id IN ` + expiredSessions

	deleteExpiredSessions = `DELETE FROM sessions WHERE id IN ` + expiredSessions
)

// DeleteExpired forgets sessions whose absolute end was before a time (Unix
// seconds), with their organisation sessions and authentications: the oldest, at most
// limit of them. It returns how many it forgot. Sessions that were revoked stay until
// their end too, so that whoever holds their refresh token is told why.
func (s *Store) DeleteExpired(ctx context.Context, before, limit int64) (int64, error) {
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
