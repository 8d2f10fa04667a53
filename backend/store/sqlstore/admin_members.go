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
SELECT u.id, u.iss, u.sub, u.name, u.email, u.disabled_at, m.roles, m.source, m.created_at, m.disabled_at AS m_disabled_at
FROM memberships m JOIN users u ON u.id = m.user_id WHERE m.organization_id = ?1 AND m.source <> 'staff' AND `

	selectMemberPage = memberRecord + `m.user_id > ?2 ORDER BY m.user_id LIMIT ?3`
	selectMember     = memberRecord + `m.user_id = ?2`

	knowUser = `
INSERT INTO users (id, iss, sub, name, email, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
ON CONFLICT (iss, sub) DO UPDATE SET iss = excluded.iss
RETURNING id, iss, sub, name, email, disabled_at`

	// Who is a member already, for whoever may make nobody one.
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

	userRecord = `
SELECT id, iss, sub, name, email, disabled_at, created_at, seen_at FROM users WHERE `

	selectUserPage = userRecord + `id > ?1 ORDER BY id LIMIT ?2`
	selectUser     = userRecord + `id = ?1`

	blockUser = `
UPDATE users SET disabled_at = COALESCE(disabled_at, ?2) WHERE id = ?1`

	unblockUser = `
UPDATE users SET disabled_at = NULL WHERE id = ?1`
)

// Members returns an organisation's members by user id, those after one, at most
// limit.
func (s *Store) Members(ctx context.Context, organizationID, after string, limit int) ([]directory.MemberRecord, error) {
	return collect(ctx, s, "members", scanMember, selectMemberPage, organizationID, after, limit)
}

// Member returns one member, or directory.ErrNoMember.
func (s *Store) Member(ctx context.Context, organizationID, userID string) (directory.MemberRecord, error) {
	m, err := scanMember(s.row(ctx, selectMember, organizationID, userID))
	return m, found("member", err, directory.ErrNoMember)
}

// KnowUser returns the user of (u.Issuer, u.Subject), made of u where there is none.
// Unlike SignIn it changes nothing of one who is there.
func (s *Store) KnowUser(ctx context.Context, u directory.User, now int64) (directory.User, error) {
	var row userRow
	if err := s.returning(ctx, row.fields(), knowUser, u.ID, u.Issuer, u.Subject, u.Name, u.Email, now); err != nil {
		return directory.User{}, fmt.Errorf("sqlstore: know user: %w", err)
	}
	return row.user(), nil
}

// ChangeMember gives a member other roles, and makes nobody one: directory.ErrNoMember,
// ErrNoRole, ErrFromFile, ErrStaff.
func (s *Store) ChangeMember(ctx context.Context, organizationID, userID string, roles []string, now int64) error {
	w, err := s.Workspace(ctx)
	if err != nil {
		return err
	}
	if err := w.CheckGiven(roles); err != nil {
		return err
	}
	changed, err := s.changed(ctx, "change member", changeMember, userID, organizationID, list(roles).text())
	if err != nil || changed {
		return err
	}
	if _, err := s.Member(ctx, organizationID, userID); !errors.Is(err, directory.ErrNoMember) {
		return cmp.Or(err, directory.ErrFromFile)
	}
	if _, err := s.StaffAccess(ctx, organizationID, userID, now); !errors.Is(err, directory.ErrNoStaff) {
		return cmp.Or(err, directory.ErrStaff)
	}
	return directory.ErrNoMember
}

// RemoveMember ends a membership: directory.ErrNoMember where there is none,
// ErrFromFile where the workspace file gave it. Like all that end one it ends what the
// person was invited to before (migration 0015).
func (s *Store) RemoveMember(ctx context.Context, organizationID, userID string) error {
	removed, err := s.changed(ctx, "remove member", removeMember, userID, organizationID)
	if err != nil || removed {
		return err
	}
	if _, err := s.Member(ctx, organizationID, userID); err != nil {
		return err
	}
	return directory.ErrFromFile
}

// BlockMember disables a membership, or enables it; directory.ErrNoMember where there
// is none.
func (s *Store) BlockMember(ctx context.Context, organizationID, userID string, blocked bool, now int64) error {
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

// Users returns all people by id, those after one, at most limit.
func (s *Store) Users(ctx context.Context, after string, limit int) ([]directory.UserRecord, error) {
	return collect(ctx, s, "users", scanUser, selectUserPage, after, limit)
}

// User returns a person, or directory.ErrNoUser.
func (s *Store) User(ctx context.Context, id string) (directory.UserRecord, error) {
	u, err := scanUser(s.row(ctx, selectUser, id))
	return u, found("user", err, directory.ErrNoUser)
}

// BlockUser disables a person everywhere, or enables them; directory.ErrNoUser where
// there is nobody.
func (s *Store) BlockUser(ctx context.Context, id string, blocked bool, now int64) error {
	statement, args := unblockUser, []any{id}
	if blocked {
		statement, args = blockUser, append(args, now)
	}
	there, err := s.changed(ctx, "block user", statement, args...)
	if err == nil && !there {
		return directory.ErrNoUser
	}
	return err
}

func scanMember(row scanner) (m directory.MemberRecord, err error) {
	var user userRow
	var roles list
	var disabledAt sql.NullInt64
	if err := row.Scan(append(user.fields(), &roles, &m.Source, &m.CreatedAt, &disabledAt)...); err != nil {
		return m, err
	}
	m.User, m.Roles, m.DisabledAt = user.user(), roles, disabledAt.Int64
	return m, nil
}

func scanUser(row scanner) (u directory.UserRecord, err error) {
	var user userRow
	var seenAt sql.NullInt64
	if err := row.Scan(append(user.fields(), &u.CreatedAt, &seenAt)...); err != nil {
		return u, err
	}
	u.User, u.SeenAt, u.DisabledAt = user.user(), seenAt.Int64, user.disabledAt.Int64
	return u, nil
}
