package sqlstore

import (
	"context"
	"database/sql"

	"github.com/tabard-auth/tabard/backend/signingkey"
)

const (
	secretKeyColumns = `
SELECT id, replica, place, first_seen, last_seen, left_at, retired_at FROM secret_keys `

	selectSecretKey  = secretKeyColumns + `WHERE id = ?1 ORDER BY replica`
	selectSecretKeys = secretKeyColumns + `ORDER BY replica, place`

	recordSecretKey = `
INSERT INTO secret_keys (id, replica, place, first_seen, last_seen) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (id, replica) DO UPDATE SET place = excluded.place, last_seen = excluded.last_seen, left_at = NULL`

	// A replica that reports a later time without a value no longer has that value.
	dropSecretKeys = `
UPDATE secret_keys SET last_seen = ?2, left_at = ?2 WHERE replica = ?1 AND last_seen > ?2 AND last_seen <> ?3`

	leaveSecretKeys = `
UPDATE secret_keys SET left_at = ?2 WHERE replica = ?1 AND left_at IS NULL`

	retireSecretKey = `
UPDATE secret_keys SET retired_at = ?2 WHERE id = ?1 AND retired_at IS NULL`

	forgetSecretKeys = `
DELETE FROM secret_keys WHERE last_seen < ?1 AND EXISTS (
	SELECT 1 FROM secret_keys n
	WHERE n.id = secret_keys.id AND n.place = secret_keys.place AND (n.last_seen > secret_keys.last_seen
		OR n.last_seen = secret_keys.last_seen AND n.replica > secret_keys.replica))`
)

// secretKeys stores the records of the secret's values.
type secretKeys struct{ *database }

// RecordSecretKeys implements signingkey.ReplicaKeyStore.
func (s secretKeys) RecordSecretKeys(ctx context.Context, replica string, ids []string, now, until int64) error {
	for place, id := range ids {
		if err := s.change(ctx, "record secret keys", recordSecretKey, id, replica, place, now, until); err != nil {
			return err
		}
	}
	if until == now {
		return nil
	}
	return s.change(ctx, "record secret keys", dropSecretKeys, replica, now, until)
}

// RecordShutdown implements signingkey.ReplicaKeyStore.
func (s secretKeys) RecordShutdown(ctx context.Context, replica string, now int64) error {
	return s.change(ctx, "leave secret keys", leaveSecretKeys, replica, now)
}

// SecretKey implements signingkey.ReplicaKeyStore.
func (s secretKeys) SecretKey(ctx context.Context, id string) ([]signingkey.ReplicaKey, error) {
	return collect(ctx, s, "secret key", scanReplicaKey, selectSecretKey, id)
}

// SecretKeys implements signingkey.ReplicaKeyStore.
func (s secretKeys) SecretKeys(ctx context.Context) ([]signingkey.ReplicaKey, error) {
	return collect(ctx, s, "secret keys", scanReplicaKey, selectSecretKeys)
}

func scanReplicaKey(row scanner) (k signingkey.ReplicaKey, err error) {
	var left, retired sql.NullInt64
	err = row.Scan(&k.ID, &k.Replica, &k.Index, &k.FirstSeen, &k.LastSeen, &left, &retired)
	k.LeftAt, k.RetiredAt = left.Int64, retired.Int64
	return k, err
}

// RetireSecretKey implements signingkey.ReplicaKeyStore.
func (s secretKeys) RetireSecretKey(ctx context.Context, id string, now int64) error {
	return s.change(ctx, "retire secret key", retireSecretKey, id, now)
}

// DeleteSecretKeys implements signingkey.ReplicaKeyStore.
func (s secretKeys) DeleteSecretKeys(ctx context.Context, before int64) error {
	return s.change(ctx, "forget secret keys", forgetSecretKeys, before)
}
