package sqlstore

import "context"

const selectClaimedRoles = `
SELECT organization_id, roles FROM memberships WHERE user_id = ?1 AND source = 'claim'`

// ClaimedRoles returns what a provider's claim made a person: roles by organisation.
func (s *Store) ClaimedRoles(ctx context.Context, userID string) (map[string][]string, error) {
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
