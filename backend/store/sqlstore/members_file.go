package sqlstore

import "context"

const (
	giveMembership = `
INSERT INTO memberships (user_id, organization_id, roles, source, created_at) VALUES (?1, ?2, ?3, '` + fromFile + `', ?4)
ON CONFLICT (user_id, organization_id) DO UPDATE SET` + asMember

	withdrawMembership = deleteMember + ` AND source = '` + fromFile + `'`
)

// SetFileMembership implements admin.FileStore.
func (s members) SetFileMembership(ctx context.Context, organizationID, userID string, roles []string, now int64) error {
	return s.change(ctx, "give membership", giveMembership, userID, organizationID, list(roles).text(), now)
}

// RemoveFileMembership implements admin.FileStore.
func (s members) RemoveFileMembership(ctx context.Context, organizationID, userID string) error {
	return s.change(ctx, "withdraw membership", withdrawMembership, userID, organizationID)
}
