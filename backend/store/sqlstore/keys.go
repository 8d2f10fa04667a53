package sqlstore

import (
	"context"
	"fmt"

	"github.com/tabard-auth/tabard/backend/keys"
)

const (
	selectSigningKeys = `
SELECT id, algorithm, generation, sealed, created_at FROM signing_keys ORDER BY created_at DESC, generation DESC`

	insertSigningKey = `
INSERT INTO signing_keys (id, algorithm, generation, sealed, created_at) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (algorithm, generation) DO NOTHING`
)

// SigningKeys implements keys.Store.
func (s *Store) SigningKeys(ctx context.Context) ([]keys.Stored, error) {
	rows, err := s.query(ctx, selectSigningKeys)
	if err != nil {
		return nil, fmt.Errorf("sqlstore: signing keys: %w", err)
	}
	defer rows.Close()
	var all []keys.Stored
	for rows.Next() {
		var k keys.Stored
		if err := rows.Scan(&k.ID, &k.Algorithm, &k.Generation, &k.Sealed, &k.CreatedAt); err != nil {
			return nil, fmt.Errorf("sqlstore: signing keys: %w", err)
		}
		all = append(all, k)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("sqlstore: signing keys: %w", err)
	}
	return all, nil
}

// AddSigningKey implements keys.Store.
func (s *Store) AddSigningKey(ctx context.Context, k keys.Stored) error {
	return s.change(ctx, "add signing key", insertSigningKey,
		k.ID, string(k.Algorithm), k.Generation, k.Sealed, k.CreatedAt)
}
