package sqlstore

import (
	"context"

	"github.com/tabard-auth/tabard/backend/directory"
)

const (
	giveMembership = `
INSERT INTO memberships (user_id, organization_id, roles, source, created_at, attributes) VALUES (?1, ?2, ?3, '` + fromFile + `', ?4, ?5)
ON CONFLICT (user_id, organization_id) DO UPDATE SET` + asMember + statedAttributes

	// statedAttributes keeps the attributes of a member that the file states none for.
	statedAttributes = `,
	attributes = CASE WHEN excluded.attributes = '' THEN memberships.attributes ELSE excluded.attributes END`

	withdrawMembership = deleteMember + ` AND source = '` + fromFile + `'`
)

// SetFileMembership implements admin.FileStore.
func (s members) SetFileMembership(ctx context.Context, organizationID, userID string, roles []string, attributes directory.Attributes, now int64) error {
	return s.change(ctx, "give membership", giveMembership, userID, organizationID, list(roles).text(), now, string(attributes))
}

// RemoveFileMembership implements admin.FileStore.
func (s members) RemoveFileMembership(ctx context.Context, organizationID, userID string) error {
	return s.change(ctx, "withdraw membership", withdrawMembership, userID, organizationID)
}
