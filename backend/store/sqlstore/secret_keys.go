package sqlstore

import (
	"context"
	"database/sql"

	"github.com/tabard-auth/tabard/backend/keys"
)

const (
	secretKeyColumns = `
SELECT id, replica, place, first_seen, last_seen, left_at, retired_at FROM secret_keys `

	selectSecretKey  = secretKeyColumns + `WHERE id = ?1 ORDER BY replica`
	selectSecretKeys = secretKeyColumns + `ORDER BY replica, place`

	sightSecretKey = `
INSERT INTO secret_keys (id, replica, place, first_seen, last_seen) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (id, replica) DO UPDATE SET place = excluded.place, last_seen = excluded.last_seen, left_at = NULL`

	// A replica that tells of the time to come, and no longer has a value, has none of it
	// from now on.
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

	selectSessionsFrom = `
SELECT COUNT(*), COALESCE(MAX(expires_at), 0) FROM sessions
WHERE created_at <= ?1 AND expires_at > ?2 AND revoked_at IS NULL`

	selectSealedConnections = `
SELECT id, secret FROM connections WHERE id > ?1 AND deleted_at IS NULL ORDER BY id LIMIT ?2`

	resealConnection = `
UPDATE connections SET secret = ?3 WHERE id = ?1 AND secret = ?2`
)

// SightSecretKeys implements keys.Sightings.
func (s *Store) SightSecretKeys(ctx context.Context, replica string, ids []string, now, until int64) error {
	for place, id := range ids {
		if err := s.change(ctx, "sight secret keys", sightSecretKey, id, replica, place, now, until); err != nil {
			return err
		}
	}
	if until == now {
		return nil
	}
	return s.change(ctx, "sight secret keys", dropSecretKeys, replica, now, until)
}

// LeaveSecretKeys implements keys.Sightings.
func (s *Store) LeaveSecretKeys(ctx context.Context, replica string, now int64) error {
	return s.change(ctx, "leave secret keys", leaveSecretKeys, replica, now)
}

// SecretKey implements keys.Sightings.
func (s *Store) SecretKey(ctx context.Context, id string) ([]keys.Sighting, error) {
	return collect(ctx, s, "secret key", scanSighting, selectSecretKey, id)
}

// SecretKeys implements keys.Sightings.
func (s *Store) SecretKeys(ctx context.Context) ([]keys.Sighting, error) {
	return collect(ctx, s, "secret keys", scanSighting, selectSecretKeys)
}

func scanSighting(row scanner) (k keys.Sighting, err error) {
	var left, retired sql.NullInt64
	err = row.Scan(&k.ID, &k.Replica, &k.Place, &k.FirstSeen, &k.LastSeen, &left, &retired)
	k.LeftAt, k.RetiredAt = left.Int64, retired.Int64
	return k, err
}

// RetireSecretKey implements keys.Sightings.
func (s *Store) RetireSecretKey(ctx context.Context, id string, now int64) error {
	return s.change(ctx, "retire secret key", retireSecretKey, id, now)
}

// ForgetSecretKeys implements keys.Sightings.
func (s *Store) ForgetSecretKeys(ctx context.Context, before int64) error {
	return s.change(ctx, "forget secret keys", forgetSecretKeys, before)
}

// SessionsFrom counts the living sessions that began at a time or before, and returns the
// end of the last.
func (s *Store) SessionsFrom(ctx context.Context, until, now int64) (count, end int64, err error) {
	err = s.row(ctx, selectSessionsFrom, until, now).Scan(&count, &end)
	return count, end, err
}

// SealedConnections returns the sealed client secrets of connections by id, those after
// one, at most limit of them, and the last id.
func (s *Store) SealedConnections(ctx context.Context, after string, limit int) (sealed map[string]string, last string, err error) {
	type connection struct{ id, secret string }
	all, err := collect(ctx, s, "sealed connections", func(row scanner) (c connection, err error) {
		err = row.Scan(&c.id, &c.secret)
		return c, err
	}, selectSealedConnections, after, limit)
	sealed = make(map[string]string, len(all))
	for _, c := range all {
		sealed[c.id], last = c.secret, c.id
	}
	return sealed, last, err
}

// ResealConnection replaces a connection's sealed client secret, unless it is another by
// now.
func (s *Store) ResealConnection(ctx context.Context, id, before, after string) error {
	return s.change(ctx, "reseal connection", resealConnection, id, before, after)
}
