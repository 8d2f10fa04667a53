package sqlstore

import "context"

const (
	selectClaimedRoles = `
SELECT organization_id, roles FROM memberships WHERE user_id = ?1 AND source = 'claim'`

	selectClaimed = `
SELECT m.organization_id, o.slug FROM memberships m JOIN organizations o ON o.id = m.organization_id
WHERE m.user_id = ?1 AND m.source = 'claim'`

	deleteClaimed = `
DELETE FROM memberships WHERE user_id = ?1 AND organization_id = ?2 AND source = 'claim' AND disabled_at IS NULL`

	upsertClaimed = `
INSERT INTO memberships (user_id, organization_id, roles, source, created_at)
SELECT ?1, id, ?3, 'claim', ?4 FROM organizations WHERE slug = ?2
ON CONFLICT (user_id, organization_id) DO UPDATE SET` + asMember + `
WHERE memberships.source = 'claim' OR ` + staffIsOver
)

// ReplaceClaimed implements directory.Store.
func (s members) ReplaceClaimed(ctx context.Context, userID string, roles map[string][]string, now int64) error {
	claimed, err := s.claimed(ctx, userID)
	if err != nil {
		return err
	}
	for slug, named := range roles {
		delete(claimed, slug)
		if err := s.change(ctx, "claimed membership", upsertClaimed, userID, slug, list(named).text(), now); err != nil {
			return err
		}
	}
	for _, organizationID := range claimed {
		if err := s.change(ctx, "claimed membership", deleteClaimed, userID, organizationID); err != nil {
			return err
		}
	}
	return nil
}

// claimed returns the organizations that claims gave a person: ids by slug.
func (s members) claimed(ctx context.Context, userID string) (map[string]string, error) {
	type place struct{ id, slug string }
	scan := func(row scanner) (p place, err error) {
		err = row.Scan(&p.id, &p.slug)
		return p, err
	}
	places, err := collect(ctx, s, "claimed memberships", scan, selectClaimed, userID)
	if err != nil {
		return nil, err
	}
	all := map[string]string{}
	for _, p := range places {
		all[p.slug] = p.id
	}
	return all, nil
}

// ClaimedRoles returns the memberships that a provider's claim gave a person: roles by
// organization.
func (s members) ClaimedRoles(ctx context.Context, userID string) (map[string][]string, error) {
	type place struct {
		organizationID string
		roles          list
	}
	scan := func(row scanner) (p place, err error) {
		err = row.Scan(&p.organizationID, &p.roles)
		return p, err
	}
	places, err := collect(ctx, s, "claimed roles", scan, selectClaimedRoles, userID)
	if err != nil {
		return nil, err
	}
	all := map[string][]string{}
	for _, p := range places {
		all[p.organizationID] = p.roles
	}
	return all, nil
}
