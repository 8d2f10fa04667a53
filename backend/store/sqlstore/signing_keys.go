package sqlstore

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/backend/signingkey"
)

const (
	signingKeyColumns = `
	k.id AS k_id, k.organization_id, k.generation, k.algorithm, k.sealed, k.created_at AS k_created_at,
	k.signs_at, k.retires_at, k.made_by`

	selectSigningKeys = `SELECT` + signingKeyColumns + `
FROM signing_keys k WHERE k.organization_id = ?1 ORDER BY k.generation`

	insertSigningKey = `
INSERT INTO signing_keys (id, organization_id, generation, algorithm, sealed, created_at, signs_at, made_by)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
ON CONFLICT (organization_id, generation) DO NOTHING`

	resumeSigningKeys = `
UPDATE signing_keys SET retires_at = NULL, retired_by = '' WHERE organization_id = ?1 AND retires_at > ?2`

	selectSigningKeyIssuers = `SELECT` + signingKeyColumns + `, o.rules, o.disabled_at
FROM signing_keys k LEFT JOIN organizations o ON o.id = k.organization_id
WHERE k.organization_id IN (
	SELECT organization_id FROM signing_keys WHERE organization_id > ?1 GROUP BY organization_id ORDER BY organization_id LIMIT ?2)
ORDER BY k.organization_id, k.generation`

	endSigningKeys = `
UPDATE signing_keys SET retires_at = ?2, retired_by = ?3 WHERE organization_id = ?1 AND retires_at IS NULL`

	advanceSigningKey = `
UPDATE signing_keys SET signs_at = ?2 WHERE id = ?1 AND signs_at > ?2`

	retireSigningKey = `
UPDATE signing_keys SET retires_at = ?2, retired_by = ?3 WHERE id = ?1 AND (retires_at IS NULL OR retires_at > ?2)`

	// Every mint reads the revision and thereby learns that a key is no longer valid.
	reviseWorkspace = `
UPDATE workspace SET revision = revision + 1`

	auditMadeKeys = `
INSERT INTO audit (id, at, action, outcome, reason, actor, user_id, organization_id, session_id, app, address)
SELECT 'made:' || k.id, k.created_at, '` + string(audit.MakeSigningKey) + `', 'done', '', k.made_by, '', k.organization_id, '', '', ''
FROM signing_keys k WHERE TRUE
ON CONFLICT (id) DO NOTHING`

	auditRetiredKeys = `
INSERT INTO audit (id, at, action, outcome, reason, actor, user_id, organization_id, session_id, app, address)
SELECT 'retired:' || k.id, k.retires_at, '` + string(audit.RetireSigningKey) + `', 'done', '', k.retired_by, '', k.organization_id, '', '', ''
FROM signing_keys k WHERE k.retires_at <= ?1
ON CONFLICT (id) DO NOTHING`

	// A key that was retired before it began to sign replaced no other.
	deleteSigningKeys = `
DELETE FROM signing_keys WHERE retires_at <= ?1 OR EXISTS (
	SELECT 1 FROM signing_keys n
	WHERE n.organization_id = signing_keys.organization_id AND n.generation > signing_keys.generation
		AND n.signs_at <= ?1 AND (n.retires_at IS NULL OR n.retires_at > n.signs_at))`
)

// signingKeys stores the keys that sign access tokens.
type signingKeys struct{ *database }

// signingKeyRow is a row of signing_keys.
type signingKeyRow struct {
	signingkey.Stored
	retiresAt sql.NullInt64
}

func (r *signingKeyRow) fields() []any {
	return []any{&r.ID, &r.Organization, &r.Generation, &r.Algorithm, &r.Sealed, &r.CreatedAt, &r.SignsAt, &r.retiresAt, &r.MadeBy}
}

func (r *signingKeyRow) stored() signingkey.Stored {
	r.RetiresAt = r.retiresAt.Int64
	return r.Stored
}

// SigningKeys implements signingkey.Store.
func (s signingKeys) SigningKeys(ctx context.Context, organization string) (signingkey.Chain, error) {
	return collect(ctx, s, "signing keys", scanSigningKey, selectSigningKeys, organization)
}

func scanSigningKey(row scanner) (signingkey.Stored, error) {
	var r signingKeyRow
	err := row.Scan(r.fields()...)
	return r.stored(), err
}

// AddSigningKey implements signingkey.Store.
func (s signingKeys) AddSigningKey(ctx context.Context, k signingkey.Stored) error {
	return s.change(ctx, "add signing key", insertSigningKey,
		k.ID, k.Organization, k.Generation, string(k.Algorithm), k.Sealed, k.CreatedAt, k.SignsAt, k.MadeBy)
}

// ResumeSigningKeys implements signingkey.Store.
func (s signingKeys) ResumeSigningKeys(ctx context.Context, organization string, after int64) error {
	return s.change(ctx, "resume signing keys", resumeSigningKeys, organization, after)
}

// SigningKeyIssuers implements signingkey.Admin.
func (s signingKeys) SigningKeyIssuers(ctx context.Context, after string, limit int) ([]signingkey.Issuer, error) {
	type issuing struct {
		key        signingKeyRow
		rules      sql.NullString
		disabledAt sql.NullInt64
	}
	scan := func(row scanner) (r issuing, err error) {
		err = row.Scan(append(r.key.fields(), &r.rules, &r.disabledAt)...)
		return r, err
	}
	rows, err := collect(ctx, s, "issuers", scan, selectSigningKeyIssuers, after, limit)
	if err != nil {
		return nil, err
	}
	var all []signingkey.Issuer
	for _, row := range rows {
		if len(all) == 0 || all[len(all)-1].Organization != row.key.Organization {
			i := signingkey.Issuer{Organization: row.key.Organization, Closed: !row.rules.Valid || row.disabledAt.Valid}
			if i.Rules, err = rulesOf(row.rules); err != nil {
				return nil, err
			}
			all = append(all, i)
		}
		last := &all[len(all)-1]
		last.Keys = append(last.Keys, row.key.stored())
	}
	return all, nil
}

func rulesOf(text sql.NullString) (rules policy.Rules, err error) {
	if !text.Valid {
		return rules, nil
	}
	if err := scanJSON(text.String, &rules); err != nil {
		return rules, fmt.Errorf("sqlstore: rules: %w", err)
	}
	return rules, nil
}

// EndSigningKeys implements signingkey.Admin.
func (s signingKeys) EndSigningKeys(ctx context.Context, organization string, at int64) error {
	return s.change(ctx, "end signing keys", endSigningKeys, organization, at, audit.Server)
}

// AdvanceSigningKey implements signingkey.Admin.
func (s signingKeys) AdvanceSigningKey(ctx context.Context, id string, signsAt int64) error {
	return s.change(ctx, "advance signing key", advanceSigningKey, id, signsAt)
}

// RetireSigningKey implements signingkey.Admin.
func (s signingKeys) RetireSigningKey(ctx context.Context, id, actor string, now int64) (bool, error) {
	result, err := s.exec(ctx, retireSigningKey, id, now, actor)
	if err != nil {
		return false, fmt.Errorf("sqlstore: retire signing key: %w", err)
	}
	changed, err := result.RowsAffected()
	if err != nil {
		return false, fmt.Errorf("sqlstore: retire signing key: %w", err)
	}
	return changed > 0, s.change(ctx, "retire signing key", reviseWorkspace)
}

// FollowUpSigningKeys implements signingkey.Admin.
func (s signingKeys) FollowUpSigningKeys(ctx context.Context, before, now int64) error {
	if err := s.change(ctx, "record signing keys", auditMadeKeys); err != nil {
		return err
	}
	if err := s.change(ctx, "record signing keys", auditRetiredKeys, now); err != nil {
		return err
	}
	return s.change(ctx, "forget signing keys", deleteSigningKeys, before)
}
