package sqlstore

import (
	"context"
	"fmt"
)

const deleteEvents = `
DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE at < ?1 ORDER BY at, id LIMIT ?2)`

// DeleteEvents forgets what happened before a time (Unix seconds), the oldest first, at
// most limit events. It returns how many.
func (s *Store) DeleteEvents(ctx context.Context, before, limit int64) (int64, error) {
	result, err := s.exec(ctx, deleteEvents, before, limit)
	if err != nil {
		return 0, fmt.Errorf("sqlstore: forget events: %w", err)
	}
	return result.RowsAffected()
}
