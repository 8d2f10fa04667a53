package admin

import (
	"context"
	"errors"
	"strings"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/policy"
)

// StaffStore stores staff access.
type StaffStore interface {
	// Staff returns the staff access to an organization by user id, starting after the
	// given id, at most limit.
	Staff(ctx context.Context, organizationID, after string, now int64, limit int) ([]directory.StaffRecord, error)
	// StaffAccess returns a person's staff access, or directory.ErrNoStaff.
	StaffAccess(ctx context.Context, organizationID, userID string, now int64) (directory.StaffRecord, error)
	// GrantStaff stores a known person's staff access and replaces an earlier one.
	// Error: directory.ErrMember.
	GrantStaff(ctx context.Context, a directory.StaffAccess) error
	// EndStaff ends a person's staff access.
	EndStaff(ctx context.Context, organizationID, userID string) error
}

// Staff is a person's staff access: they may act for an organization until it ends.
type Staff struct {
	UserID    string   `json:"user_id"`
	Issuer    string   `json:"iss"`
	Subject   string   `json:"sub"`
	Name      string   `json:"name"`
	Email     string   `json:"email"`
	Roles     []string `json:"roles"`
	Reason    string   `json:"reason"`
	GrantedBy string   `json:"granted_by"`
	CreatedAt int64    `json:"created_at"`
	ExpiresAt int64    `json:"expires_at"`
}

func staffOf(r directory.StaffRecord) Staff {
	return Staff{
		UserID: r.UserID, Issuer: r.Issuer, Subject: r.Subject, Name: r.Name, Email: r.Email, Roles: append([]string{}, r.Roles...),
		Reason: r.Reason, GrantedBy: r.GrantedBy, CreatedAt: r.CreatedAt, ExpiresAt: r.ExpiresAt,
	}
}

// NewStaff is a request for staff access.
type NewStaff struct {
	UserID string   `json:"user_id"`
	Roles  []string `json:"roles"`
	// Reason is shown to the organization.
	Reason string `json:"reason"`
	// ExpiresIn is the duration, in seconds.
	ExpiresIn int64 `json:"expires_in"`
}

// staffAccess limits the duration of staff access, in seconds.
var staffAccess = policy.Range{Least: 60, Most: directory.MaxStaffAccess}

func (n NewStaff) check() error {
	switch {
	case n.UserID == "":
		return refuse(api.InvalidRequest, "user_id is missing.")
	case !staffAccess.Has(n.ExpiresIn):
		return refuse(api.InvalidRequest, "expires_in must be from %d to %d seconds.", staffAccess.Least, staffAccess.Most)
	}
	return checkName("reason", strings.TrimSpace(n.Reason), true)
}

// Staff lists the staff access to an organization by user id.
func (o *staff) Staff(ctx context.Context, by Actor, organization string, p Page) (List[Staff], error) {
	return run(ctx, o.base, by, &operation{action: audit.ReadStaff, organization: organization},
		func(ctx context.Context, r directory.OrganizationRecord) (List[Staff], error) {
			return paginate(p, func(after string, limit int) ([]directory.StaffRecord, error) {
				return o.store.Staff(ctx, r.ID, after, o.now().Unix(), limit)
			}, staffOf, func(r directory.StaffRecord) string { return r.UserID })
		})
}

// StaffAccess returns a person's staff access to an organization.
func (o *staff) StaffAccess(ctx context.Context, by Actor, organization, user string) (Staff, error) {
	return run(ctx, o.base, by, &operation{action: audit.ReadStaff, organization: organization, user: user},
		func(ctx context.Context, r directory.OrganizationRecord) (Staff, error) {
			found, err := o.store.StaffAccess(ctx, r.ID, user, o.now().Unix())
			return staffOf(found), err
		})
}

// GrantStaff grants a person temporary staff access to an organization of which they
// are not a member, and replaces an earlier access. The organization can forbid it by
// its policy and reads it in its audit log. Only an administrator of the workspace may
// grant it.
func (o *staff) GrantStaff(ctx context.Context, by Actor, organization string, n NewStaff) (Staff, error) {
	a := &operation{action: audit.GrantStaff, scope: workspaceScope, organization: organization, user: n.UserID}
	return run(ctx, o.base, by, a,
		func(ctx context.Context, r directory.OrganizationRecord) (Staff, error) {
			if err := n.check(); err != nil {
				return Staff{}, err
			}
			now := o.now().Unix()
			a.note, a.expiresAt = strings.TrimSpace(n.Reason), now+n.ExpiresIn
			if err := o.checkStaffAllowed(ctx, r, n); err != nil {
				return Staff{}, err
			}
			if err := o.endFormerSessions(ctx, r.ID, n.UserID, now); err != nil {
				return Staff{}, err
			}
			err := o.store.GrantStaff(ctx, directory.StaffAccess{
				OrganizationID: r.ID, UserID: n.UserID, Roles: n.Roles, Reason: a.note, GrantedBy: by.ID,
				CreatedAt: now, ExpiresAt: a.expiresAt,
			})
			if err != nil {
				return Staff{}, err
			}
			found, err := o.store.StaffAccess(ctx, r.ID, n.UserID, now)
			return staffOf(found), err
		})
}

// checkStaffAllowed refuses staff access that a policy forbids, and for unknown people
// and members.
func (o *staff) checkStaffAllowed(ctx context.Context, r directory.OrganizationRecord, n NewStaff) error {
	w, err := o.store.Workspace(ctx)
	if err != nil {
		return err
	}
	if policy.Strictest(w.Policy, r.Rules).NoStaff {
		return refuse(api.StaffForbidden, "The organization's policy, or the workspace's, forbids staff access.")
	}
	if err := w.CheckGiven(n.Roles); err != nil {
		return err
	}
	if _, err := o.store.User(ctx, n.UserID); err != nil {
		return err
	}
	_, err = o.store.Member(ctx, r.ID, n.UserID)
	switch {
	case err == nil:
		return directory.ErrMember
	case errors.Is(err, directory.ErrNoMember):
		return nil
	}
	return err
}

// endFormerSessions ends the organization sessions of a person without staff access, so
// that the audit log records their entry.
func (o *staff) endFormerSessions(ctx context.Context, organizationID, userID string, now int64) error {
	_, err := o.store.StaffAccess(ctx, organizationID, userID, now)
	if errors.Is(err, directory.ErrNoStaff) {
		return o.endSessions(ctx, organizationID, userID, now)
	}
	return err
}

// EndStaff ends staff access immediately, and the sessions that it opened.
func (o *staff) EndStaff(ctx context.Context, by Actor, organization, user string) (Empty, error) {
	return run(ctx, o.base, by, &operation{action: audit.EndStaff, organization: organization, user: user},
		func(ctx context.Context, r directory.OrganizationRecord) (Empty, error) {
			now := o.now().Unix()
			if _, err := o.store.StaffAccess(ctx, r.ID, user, now); err != nil {
				return Empty{}, err
			}
			if err := o.endSessions(ctx, r.ID, user, now); err != nil {
				return Empty{}, err
			}
			return Empty{}, o.store.EndStaff(ctx, r.ID, user)
		})
}
