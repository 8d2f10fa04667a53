package sqlstore

import (
	"context"

	"github.com/tabard-auth/tabard/backend/directory"
)

const (
	// asMember replaces a membership, including staff access, by that of another
	// source.
	asMember = ` roles = excluded.roles, source = excluded.source,
	expires_at = NULL, staff_reason = '', granted_by = '',
	created_at = CASE WHEN memberships.source = 'staff' THEN excluded.created_at ELSE memberships.created_at END`

	// staffIsOver is the condition that a membership is staff access that has ended at
	// ?4.
	staffIsOver = `(memberships.source = 'staff' AND memberships.expires_at <= ?4)`

	grantStaff = `
INSERT INTO memberships (user_id, organization_id, roles, source, created_at, expires_at, staff_reason, granted_by)
VALUES (?1, ?2, ?3, 'staff', ?4, ?5, ?6, ?7)
ON CONFLICT (user_id, organization_id) DO UPDATE SET roles = excluded.roles, created_at = excluded.created_at,
	expires_at = excluded.expires_at, staff_reason = excluded.staff_reason, granted_by = excluded.granted_by
WHERE memberships.source = 'staff'`

	staffRecord = `
SELECT u.id, u.iss, u.sub, u.name, u.email, u.disabled_at,
	m.organization_id, m.roles, m.staff_reason, m.granted_by, m.created_at AS m_created_at, m.expires_at
FROM memberships m JOIN users u ON u.id = m.user_id
WHERE m.organization_id = ?1 AND m.source = 'staff' AND m.expires_at > ?3 AND `

	selectStaff     = staffRecord + `m.user_id = ?2`
	selectStaffPage = staffRecord + `m.user_id > ?2 ORDER BY m.user_id LIMIT ?4`

	endStaff = deleteMember + ` AND source = 'staff'`
)

// staff stores temporary staff access to organizations.
type staff struct{ *database }

// GrantStaff gives a known person staff access and replaces existing staff access. It
// returns directory.ErrMember if the person is a member, disabled or not.
func (s staff) GrantStaff(ctx context.Context, a directory.StaffAccess) error {
	given, err := s.changed(ctx, "grant staff access", grantStaff, a.UserID, a.OrganizationID, list(a.Roles).text(),
		a.CreatedAt, a.ExpiresAt, a.Reason, a.GrantedBy)
	if err == nil && !given {
		return directory.ErrMember
	}
	return err
}

// StaffAccess returns a person's staff access to an organization, or
// directory.ErrNoStaff.
func (s staff) StaffAccess(ctx context.Context, organizationID, userID string, now int64) (directory.StaffRecord, error) {
	r, err := scanStaff(s.row(ctx, selectStaff, organizationID, userID, now))
	return r, found("staff access", err, directory.ErrNoStaff)
}

// Staff returns the people with staff access to an organization by user id, starting
// after one, at most limit.
func (s staff) Staff(ctx context.Context, organizationID, after string, now int64, limit int) ([]directory.StaffRecord, error) {
	return collect(ctx, s, "staff", scanStaff, selectStaffPage, organizationID, after, now, limit)
}

// EndStaff ends staff access. It is not an error if there is none.
func (s staff) EndStaff(ctx context.Context, organizationID, userID string) error {
	return s.change(ctx, "end staff access", endStaff, userID, organizationID)
}

func scanStaff(row scanner) (r directory.StaffRecord, err error) {
	var user userRow
	var roles list
	a := &r.StaffAccess
	if err := row.Scan(append(user.fields(), &a.OrganizationID, &roles, &a.Reason, &a.GrantedBy, &a.CreatedAt, &a.ExpiresAt)...); err != nil {
		return r, err
	}
	r.User, a.UserID, a.Roles = user.user(), user.id, roles
	return r, nil
}
