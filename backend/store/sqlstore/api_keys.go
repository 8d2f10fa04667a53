package sqlstore

import (
	"context"
	"database/sql"

	"github.com/tabard-auth/tabard/backend/admin"
	"github.com/tabard-auth/tabard/backend/audit"
)

const (
	keyRecord = `
SELECT id, kind, name, hash, organization_id, created_at, created_by, expires_at, last_used_at, revoked_at, app
FROM api_keys WHERE `

	selectKey       = keyRecord + `id = ?1`
	selectKeyByHash = keyRecord + `hash = ?1`
	selectKeyPage   = keyRecord + `id > ?1 ORDER BY id LIMIT ?2`

	insertKey = `
INSERT INTO api_keys (id, kind, name, hash, organization_id, created_at, created_by, expires_at, app)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
ON CONFLICT (id) DO NOTHING`

	useKey = `
UPDATE api_keys SET last_used_at = ?2, hash = ?3 WHERE id = ?1`

	revokeKey = `
UPDATE api_keys SET revoked_at = COALESCE(revoked_at, ?2) WHERE id = ?1`
)

// apiKeys stores the API keys of servers.
type apiKeys struct{ *database }

// AddKey implements admin.KeyStore.
func (s apiKeys) AddKey(ctx context.Context, k admin.Key) error {
	return s.change(ctx, "add key", insertKey, keyArgs(k)...)
}

// KeyScript returns SQLite statements that add a key and record it, for D1, which only
// wrangler can reach.
func KeyScript(k admin.Key, made audit.Event) string {
	var s script
	s.add(insertKey, keyArgs(k)...)
	s.add(insertEvent, eventArgs(made)...)
	return s.text.String()
}

func keyArgs(k admin.Key) []any {
	return []any{k.ID, string(k.Kind), k.Name, k.Hash, k.OrganizationID, k.CreatedAt, k.CreatedBy, orNull(k.ExpiresAt), k.App}
}

// orNull returns NULL for a time of 0, which means never.
func orNull(time int64) any {
	if time == 0 {
		return nil
	}
	return time
}

// Key implements admin.KeyStore.
func (s apiKeys) Key(ctx context.Context, id string) (admin.Key, error) {
	return s.key(ctx, selectKey, id)
}

// KeyByHash implements admin.KeyStore.
func (s apiKeys) KeyByHash(ctx context.Context, hash string) (admin.Key, error) {
	return s.key(ctx, selectKeyByHash, hash)
}

func (s apiKeys) key(ctx context.Context, statement, by string) (admin.Key, error) {
	k, err := scanKey(s.row(ctx, statement, by))
	return k, found("key", err, admin.ErrNoKey)
}

// Keys implements admin.KeyStore.
func (s apiKeys) Keys(ctx context.Context, after string, limit int) ([]admin.Key, error) {
	return collect(ctx, s, "keys", scanKey, selectKeyPage, after, limit)
}

// UseKey implements admin.KeyStore.
func (s apiKeys) UseKey(ctx context.Context, id, hash string, now int64) error {
	return s.change(ctx, "use key", useKey, id, now, hash)
}

// RevokeKey implements admin.KeyStore.
func (s apiKeys) RevokeKey(ctx context.Context, id string, now int64) error {
	there, err := s.changed(ctx, "revoke key", revokeKey, id, now)
	if err == nil && !there {
		return admin.ErrNoKey
	}
	return err
}

func scanKey(row scanner) (k admin.Key, err error) {
	var expiresAt, lastUsedAt, revokedAt sql.NullInt64
	err = row.Scan(&k.ID, &k.Kind, &k.Name, &k.Hash, &k.OrganizationID, &k.CreatedAt, &k.CreatedBy,
		&expiresAt, &lastUsedAt, &revokedAt, &k.App)
	k.ExpiresAt, k.LastUsedAt, k.RevokedAt = expiresAt.Int64, lastUsedAt.Int64, revokedAt.Int64
	return k, err
}
