package sqlstore

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/tabard-auth/tabard/backend/directory"
)

const (
	upsertUser = `
INSERT INTO users (id, iss, sub, name, email, created_at, seen_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)
ON CONFLICT (iss, sub) DO UPDATE SET
	name = CASE WHEN excluded.name = '' THEN users.name ELSE excluded.name END,
	email = CASE WHEN excluded.email = '' THEN users.email ELSE excluded.email END,
	seen_at = excluded.seen_at
RETURNING id, iss, sub, name, email, disabled_at`

	knowUser = `
INSERT INTO users (id, iss, sub, name, email, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
ON CONFLICT (iss, sub) DO UPDATE SET iss = excluded.iss
RETURNING id, iss, sub, name, email, disabled_at`

	selectUserOf = `
SELECT id, iss, sub, name, email, disabled_at FROM users WHERE iss = ?1 AND sub = ?2`

	selectProviderClaims = `SELECT claims FROM users WHERE id = ?1`

	changeProviderClaims = `UPDATE users SET claims = ?2 WHERE id = ?1 AND claims = ?3`

	selectPending = `
SELECT id, iss, sub, name, email, seen_at FROM users
WHERE seen_at IS NOT NULL AND disabled_at IS NULL
AND NOT EXISTS (SELECT 1 FROM memberships m WHERE m.user_id = users.id AND m.source <> 'staff')
ORDER BY seen_at DESC, id LIMIT ?1`

	userRecord = `
SELECT id, iss, sub, name, email, disabled_at, created_at, seen_at FROM users WHERE `

	selectUserPage = userRecord + `id > ?1 ORDER BY id LIMIT ?2`
	selectUser     = userRecord + `id = ?1`

	blockUser = `
UPDATE users SET disabled_at = COALESCE(disabled_at, ?2) WHERE id = ?1`

	unblockUser = `
UPDATE users SET disabled_at = NULL WHERE id = ?1`
)

// users stores the people, of all providers.
type users struct{ *database }

// SignIn implements directory.Store.
func (s users) SignIn(ctx context.Context, u directory.User, now int64) (directory.User, error) {
	var row userRow
	err := s.returning(ctx, row.fields(), upsertUser, u.ID, u.Issuer, u.Subject, u.Name, u.Email, now)
	if err != nil {
		return directory.User{}, fmt.Errorf("sqlstore: sign in: %w", err)
	}
	return row.user(), nil
}

// UserOf implements directory.Store.
func (s users) UserOf(ctx context.Context, issuer, subject string) (directory.User, error) {
	var row userRow
	err := s.row(ctx, selectUserOf, issuer, subject).Scan(row.fields()...)
	return row.user(), found("user", err, directory.ErrNoUser)
}

// EnsureUser returns the user with (u.Issuer, u.Subject) and creates it from u if there
// is none. Unlike SignIn, it does not change an existing user.
func (s users) EnsureUser(ctx context.Context, u directory.User, now int64) (directory.User, error) {
	var row userRow
	if err := s.returning(ctx, row.fields(), knowUser, u.ID, u.Issuer, u.Subject, u.Name, u.Email, now); err != nil {
		return directory.User{}, fmt.Errorf("sqlstore: know user: %w", err)
	}
	return row.user(), nil
}

// ProviderClaims implements provisioning.Store.
func (s users) ProviderClaims(ctx context.Context, userID string) (claims directory.ProviderClaims, err error) {
	err = s.row(ctx, selectProviderClaims, userID).Scan(&claims)
	return claims, found("provider's claims", err, directory.ErrNoUser)
}

// ChangeProviderClaims implements provisioning.Store.
func (s users) ChangeProviderClaims(ctx context.Context, userID string, from, to directory.ProviderClaims) error {
	changed, err := s.changed(ctx, "provider's claims", changeProviderClaims, userID, string(to), string(from))
	if err == nil && !changed {
		return directory.ErrOvertaken
	}
	return err
}

// Pending returns the people that signed in and have no organization, latest sign-in
// first, at most limit.
func (s users) Pending(ctx context.Context, limit int) ([]directory.Pending, error) {
	return collect(ctx, s, "pending", scanPending, selectPending, limit)
}

func scanPending(row scanner) (p directory.Pending, err error) {
	err = row.Scan(&p.ID, &p.Issuer, &p.Subject, &p.Name, &p.Email, &p.SeenAt)
	return p, err
}

// Users returns all people by id, starting after one, at most limit.
func (s users) Users(ctx context.Context, after string, limit int) ([]directory.UserRecord, error) {
	return collect(ctx, s, "users", scanUser, selectUserPage, after, limit)
}

// User returns a person, or directory.ErrNoUser.
func (s users) User(ctx context.Context, id string) (directory.UserRecord, error) {
	u, err := scanUser(s.row(ctx, selectUser, id))
	return u, found("user", err, directory.ErrNoUser)
}

// SetUserDisabled disables or enables a person everywhere. It returns directory.ErrNoUser if
// there is no such person.
func (s users) SetUserDisabled(ctx context.Context, id string, blocked bool, now int64) error {
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

func scanUser(row scanner) (u directory.UserRecord, err error) {
	var user userRow
	var seenAt sql.NullInt64
	if err := row.Scan(append(user.fields(), &u.CreatedAt, &seenAt)...); err != nil {
		return u, err
	}
	u.User, u.SeenAt, u.DisabledAt = user.user(), seenAt.Int64, user.disabledAt.Int64
	return u, nil
}

type userRow struct {
	id, iss, sub, name, email string
	disabledAt                sql.NullInt64
}

func (r *userRow) fields() []any {
	return []any{&r.id, &r.iss, &r.sub, &r.name, &r.email, &r.disabledAt}
}

func (r *userRow) user() directory.User {
	return directory.User{
		ID: r.id, Issuer: r.iss, Subject: r.sub, Name: r.name, Email: r.email,
		Disabled: r.disabledAt.Valid,
	}
}
