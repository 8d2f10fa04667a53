package admin

import (
	"context"

	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
)

// UserStore stores people.
type UserStore interface {
	// Users returns people by id, starting after the given id, at most limit.
	Users(ctx context.Context, after string, limit int) ([]directory.UserRecord, error)
	// User returns a person, or directory.ErrNoUser.
	User(ctx context.Context, id string) (directory.UserRecord, error)
	// SetUserDisabled disables or enables a person everywhere. Error:
	// directory.ErrNoUser.
	SetUserDisabled(ctx context.Context, id string, blocked bool, now int64) error
}

// User is a person in the form for administrators of the workspace. SeenAt is the last
// sign-in.
type User struct {
	ID         string `json:"id"`
	Issuer     string `json:"iss"`
	Subject    string `json:"sub"`
	Name       string `json:"name"`
	Email      string `json:"email"`
	Disabled   bool   `json:"disabled"`
	CreatedAt  int64  `json:"created_at"`
	SeenAt     int64  `json:"seen_at,omitempty"`
	DisabledAt int64  `json:"disabled_at,omitempty"`
}

func userOf(r directory.UserRecord) User {
	return User{
		ID: r.ID, Issuer: r.Issuer, Subject: r.Subject, Name: r.Name, Email: r.Email,
		Disabled: r.Disabled, CreatedAt: r.CreatedAt, SeenAt: r.SeenAt, DisabledAt: r.DisabledAt,
	}
}

// Users lists all people by id.
func (o *users) Users(ctx context.Context, by Actor, p Page) (List[User], error) {
	return run(ctx, o.base, by, &operation{action: audit.ReadUser, scope: workspaceScope},
		func(ctx context.Context, _ directory.OrganizationRecord) (List[User], error) {
			return paginate(p, func(after string, limit int) ([]directory.UserRecord, error) {
				return o.store.Users(ctx, after, limit)
			}, userOf, func(r directory.UserRecord) string { return r.ID })
		})
}

// User returns one person.
func (o *users) User(ctx context.Context, by Actor, id string) (User, error) {
	return o.change(ctx, by, audit.ReadUser, id, func(context.Context) error { return nil })
}

// DisableUser refuses a person all access, until EnableUser.
func (o *users) DisableUser(ctx context.Context, by Actor, id string) (User, error) {
	return o.change(ctx, by, audit.DisableUser, id, func(ctx context.Context) error {
		return o.store.SetUserDisabled(ctx, id, true, o.now().Unix())
	})
}

// EnableUser allows a person access again. Sessions that have not ended go on, but have
// to enter each organization again.
func (o *users) EnableUser(ctx context.Context, by Actor, id string) (User, error) {
	return o.change(ctx, by, audit.EnableUser, id, func(ctx context.Context) error {
		return o.store.SetUserDisabled(ctx, id, false, o.now().Unix())
	})
}

func (o *users) change(ctx context.Context, by Actor, action audit.Action, id string, do func(context.Context) error) (User, error) {
	return run(ctx, o.base, by, &operation{action: action, scope: workspaceScope, user: id},
		func(ctx context.Context, _ directory.OrganizationRecord) (User, error) {
			if err := do(ctx); err != nil {
				return User{}, err
			}
			r, err := o.store.User(ctx, id)
			return userOf(r), err
		})
}
