package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/tabard-auth/tabard/backend/directory"
)

const (
	memberRecord = `
SELECT u.id, u.iss, u.sub, u.name, u.email, u.disabled_at, m.roles, m.attributes, m.source, m.created_at, m.disabled_at AS m_disabled_at
FROM memberships m JOIN users u ON u.id = m.user_id WHERE m.organization_id = ?1 AND m.source <> 'staff' AND `

	selectMemberPage = memberRecord + `m.user_id > ?2 ORDER BY m.user_id LIMIT ?3`
	selectMember     = memberRecord + `m.user_id = ?2`

	// Updates existing members only, for keys that may not add members.
	changeMember = `
UPDATE memberships SET roles = ?3, source = 'admin'
WHERE user_id = ?1 AND organization_id = ?2 AND source NOT IN ('file', 'staff')`

	removeMember = deleteMember + ` AND source NOT IN ('file', 'staff')`

	blockMember = `
UPDATE memberships SET disabled_at = COALESCE(disabled_at, ?3)
WHERE organization_id = ?1 AND user_id = ?2 AND source <> 'staff'`

	unblockMember = `
UPDATE memberships SET disabled_at = NULL
WHERE organization_id = ?1 AND user_id = ?2 AND source <> 'staff'`

	selectPlace = `
SELECT u.id, o.id
FROM (SELECT 1 AS one) AS always
LEFT JOIN users u ON u.id = ?1 OR (u.iss = ?2 AND u.sub = ?3)
LEFT JOIN organizations o ON (o.id = ?4 OR o.slug = ?4) AND o.deleted_at IS NULL`

	changeMemberAttributes = `
UPDATE memberships SET attributes = ?3
WHERE organization_id = ?1 AND user_id = ?2 AND source <> 'staff' AND attributes = ?4`

	admitMember = `
INSERT INTO memberships (user_id, organization_id, roles, source, created_at) VALUES (?1, ?2, ?3, 'admin', ?4)
ON CONFLICT (user_id, organization_id) DO UPDATE SET` + asMember + `
WHERE memberships.source NOT IN ('file', 'staff') OR ` + staffIsOver
)

// members stores the memberships that are not staff access.
type members struct{ *database }

var selectMemberNamed = memberRecord + `m.user_id IN (` + fmt.Sprintf(peopleNamed, "?2", "?3") + `)`

// Members returns an organization's members by user id, starting after one, at most
// limit.
func (s members) Members(ctx context.Context, organizationID, after string, limit int) ([]directory.MemberRecord, error) {
	return collect(ctx, s, "members", scanMember, selectMemberPage, organizationID, after, limit)
}

// Member returns one member, or directory.ErrNoMember.
func (s members) Member(ctx context.Context, organizationID, userID string) (directory.MemberRecord, error) {
	m, err := scanMember(s.row(ctx, selectMember, organizationID, userID))
	return m, found("member", err, directory.ErrNoMember)
}

// MemberNamed returns the member with an issuer and a subject, or
// directory.ErrNoMember.
func (s members) MemberNamed(ctx context.Context, organizationID, issuer, subject string) (directory.MemberRecord, error) {
	m, err := scanMember(s.row(ctx, selectMemberNamed, organizationID, issuer, subject))
	return m, found("member", err, directory.ErrNoMember)
}

// Admit gives a known person access to an organization, or changes the roles. The error
// is directory.ErrNoOrganization, ErrNoUser, ErrNoRole, ErrFromFile or ErrStaff if the
// Admission is invalid.
func (s members) Admit(ctx context.Context, a directory.Admission, now int64) error {
	if err := workspace(s).checkRoles(ctx, a.Roles); err != nil {
		return err
	}
	var user, organization sql.NullString
	err := s.row(ctx, selectPlace, a.UserID, a.Issuer, a.Subject, a.Organization).Scan(&user, &organization)
	switch {
	case err != nil:
		return fmt.Errorf("sqlstore: admit: %w", err)
	case !organization.Valid:
		return fmt.Errorf("%w: %q", directory.ErrNoOrganization, a.Organization)
	case !user.Valid:
		return directory.ErrNoUser
	}
	result, err := s.exec(ctx, admitMember, user.String, organization.String, list(a.Roles).text(), now)
	if err != nil {
		return fmt.Errorf("sqlstore: admit: %w", err)
	}
	changed, err := result.RowsAffected()
	if err != nil || changed > 0 {
		return err
	}
	return s.notAdmitted(ctx, organization.String, user.String, now)
}

// notAdmitted returns why a person was not admitted.
func (s members) notAdmitted(ctx context.Context, organizationID, userID string, now int64) error {
	_, err := staff(s).StaffAccess(ctx, organizationID, userID, now)
	switch {
	case errors.Is(err, directory.ErrNoStaff):
		return directory.ErrFromFile
	case err == nil:
		return directory.ErrStaff
	}
	return err
}

// ChangeMember changes the roles of a member. It adds no member. The error is
// directory.ErrNoMember, ErrNoRole, ErrFromFile or ErrStaff.
func (s members) ChangeMember(ctx context.Context, organizationID, userID string, roles []string, now int64) error {
	if err := workspace(s).checkRoles(ctx, roles); err != nil {
		return err
	}
	changed, err := s.changed(ctx, "change member", changeMember, userID, organizationID, list(roles).text())
	if err != nil || changed {
		return err
	}
	if _, err := s.Member(ctx, organizationID, userID); !errors.Is(err, directory.ErrNoMember) {
		return cmp.Or(err, directory.ErrFromFile)
	}
	if _, err := staff(s).StaffAccess(ctx, organizationID, userID, now); !errors.Is(err, directory.ErrNoStaff) {
		return cmp.Or(err, directory.ErrStaff)
	}
	return directory.ErrNoMember
}

// RemoveMember ends a membership. The error is directory.ErrNoMember if there is none,
// and ErrFromFile if the workspace file gave it. Like every end of a membership, it
// also ends earlier invitations of the person (migration 0015).
func (s members) RemoveMember(ctx context.Context, organizationID, userID string) error {
	removed, err := s.changed(ctx, "remove member", removeMember, userID, organizationID)
	if err != nil || removed {
		return err
	}
	if _, err := s.Member(ctx, organizationID, userID); err != nil {
		return err
	}
	return directory.ErrFromFile
}

// SetMemberDisabled disables or enables a membership. The error is directory.ErrNoMember if
// there is none.
func (s members) SetMemberDisabled(ctx context.Context, organizationID, userID string, blocked bool, now int64) error {
	statement, args := unblockMember, []any{organizationID, userID}
	if blocked {
		statement, args = blockMember, append(args, now)
	}
	there, err := s.changed(ctx, "block member", statement, args...)
	if err == nil && !there {
		return directory.ErrNoMember
	}
	return err
}

// ChangeMemberAttributes replaces a member's attributes, as they were read. It returns
// directory.ErrOvertaken if they have changed since, or the membership has ended.
func (s members) ChangeMemberAttributes(ctx context.Context, organizationID, userID string, from, to directory.Attributes) error {
	changed, err := s.changed(ctx, "attributes of member", changeMemberAttributes, organizationID, userID, string(to), string(from))
	if err == nil && !changed {
		return directory.ErrOvertaken
	}
	return err
}

func scanMember(row scanner) (m directory.MemberRecord, err error) {
	var user userRow
	var roles list
	var disabledAt sql.NullInt64
	if err := row.Scan(append(user.fields(), &roles, &m.Attributes, &m.Source, &m.CreatedAt, &disabledAt)...); err != nil {
		return m, err
	}
	m.User, m.Roles, m.DisabledAt = user.user(), roles, disabledAt.Int64
	return m, nil
}
