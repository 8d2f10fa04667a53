package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/tabard-auth/tabard/backend/directory"
)

const (
	selectPending = `
SELECT id, iss, sub, name, email, seen_at FROM users
WHERE seen_at IS NOT NULL AND disabled_at IS NULL
AND NOT EXISTS (SELECT 1 FROM memberships m WHERE m.user_id = users.id AND m.source <> 'staff')
ORDER BY seen_at DESC, id LIMIT ?1`

	selectPlace = `
SELECT u.id, o.id
FROM (SELECT 1 AS one) AS always
LEFT JOIN users u ON u.id = ?1 OR (u.iss = ?2 AND u.sub = ?3)
LEFT JOIN organizations o ON (o.id = ?4 OR o.slug = ?4) AND o.deleted_at IS NULL`

	admitMember = `
INSERT INTO memberships (user_id, organization_id, roles, source, created_at) VALUES (?1, ?2, ?3, 'admin', ?4)
ON CONFLICT (user_id, organization_id) DO UPDATE SET` + asMember + `
WHERE memberships.source NOT IN ('file', 'staff') OR ` + staffIsOver
)

// Pending returns the people who signed in and belong to no organisation, who
// signed in last first, at most limit of them.
func (s *Store) Pending(ctx context.Context, limit int) ([]directory.Pending, error) {
	return collect(ctx, s, "pending", scanPending, selectPending, limit)
}

func scanPending(row scanner) (p directory.Pending, err error) {
	err = row.Scan(&p.ID, &p.Issuer, &p.Subject, &p.Name, &p.Email, &p.SeenAt)
	return p, err
}

// Admit gives a known person a place in an organisation, or other roles in it. The
// error is directory.ErrNoOrganization, ErrNoUser, ErrNoRole, ErrFromFile or ErrStaff
// where the Admission is at fault.
func (s *Store) Admit(ctx context.Context, a directory.Admission, now int64) error {
	w, err := s.Workspace(ctx)
	if err != nil {
		return err
	}
	if err := w.CheckGiven(a.Roles); err != nil {
		return err
	}
	var user, organization sql.NullString
	err = s.row(ctx, selectPlace, a.UserID, a.Issuer, a.Subject, a.Organization).Scan(&user, &organization)
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

// notAdmitted tells what kept somebody from being admitted.
func (s *Store) notAdmitted(ctx context.Context, organizationID, userID string, now int64) error {
	_, err := s.StaffAccess(ctx, organizationID, userID, now)
	switch {
	case errors.Is(err, directory.ErrNoStaff):
		return directory.ErrFromFile
	case err == nil:
		return directory.ErrStaff
	}
	return err
}
