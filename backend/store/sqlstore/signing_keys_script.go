package sqlstore

import "github.com/tabard-auth/tabard/backend/signingkey"

const (
	scriptNextKey = `
INSERT INTO signing_keys (id, organization_id, generation, algorithm, sealed, created_at, signs_at, made_by)
SELECT ?1, ?2, newest + 1, ?3, ?4, ?5, ?6, ?7 FROM (
	SELECT COALESCE(MAX(generation), 0) AS newest, COALESCE(MAX(CASE WHEN retires_at IS NULL THEN signs_at END), 0) AS last
	FROM signing_keys WHERE organization_id = ?2)
WHERE last <= ?5 AND (newest > 0 OR ?2 = '')`

	scriptAdvanceKey = `
UPDATE signing_keys SET signs_at = MAX(created_at + ?3, ?2)
WHERE organization_id = ?1 AND retires_at IS NULL AND signs_at > MAX(created_at + ?3, ?2)`
)

// NextKeyScript returns SQLite statements that make k the next key of its issuer,
// unless one is prepared already. If soon is set, the prepared key takes over as soon
// as it may. An organization without its own keys gets none.
func NextKeyScript(k signingkey.Stored, soon bool) string {
	s := &script{}
	s.add(scriptNextKey, k.ID, k.Organization, string(k.Algorithm), k.Sealed, k.CreatedAt, k.SignsAt, k.MadeBy)
	if soon {
		s.add(scriptAdvanceKey, k.Organization, k.CreatedAt, int64(signingkey.Soonest))
	}
	return s.text.String()
}

// RetireKeyScript returns SQLite statements that retire a key.
func RetireKeyScript(id, actor string, now int64) string {
	s := &script{}
	s.add(retireSigningKey, id, now, actor)
	s.add(reviseWorkspace)
	return s.text.String()
}
