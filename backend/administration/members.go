package administration

import (
	"context"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
)

// MemberStore keeps memberships.
type MemberStore interface {
	// Members returns an organisation's by user id, those after one, at most limit.
	Members(ctx context.Context, organizationID, after string, limit int) ([]directory.MemberRecord, error)
	// Member returns one, or directory.ErrNoMember.
	Member(ctx context.Context, organizationID, userID string) (directory.MemberRecord, error)
	// Admit makes a person a member, or gives a member other roles;
	// directory.ErrNoUser, ErrNoRole, ErrFromFile.
	Admit(ctx context.Context, a directory.Admission, now int64) error
	// KnowUser returns the user of an issuer and subject, made where there is none.
	KnowUser(ctx context.Context, u directory.User, now int64) (directory.User, error)
	// RemoveMember ends a membership; directory.ErrNoMember, ErrFromFile.
	RemoveMember(ctx context.Context, organizationID, userID string) error
	// BlockMember disables a membership, whatever gave it, or enables it;
	// directory.ErrNoMember.
	BlockMember(ctx context.Context, organizationID, userID string, blocked bool, now int64) error
}

// Member is a member of an organisation as its administrators see them. Disabled is
// the membership; where the person is disabled everywhere, UserDisabled says so.
type Member struct {
	UserID       string           `json:"user_id"`
	Issuer       string           `json:"iss"`
	Subject      string           `json:"sub"`
	Name         string           `json:"name"`
	Email        string           `json:"email"`
	Roles        []string         `json:"roles"`
	Source       directory.Source `json:"source"`
	Disabled     bool             `json:"disabled"`
	UserDisabled bool             `json:"user_disabled"`
	CreatedAt    int64            `json:"created_at"`
	DisabledAt   int64            `json:"disabled_at,omitempty"`
}

func memberOf(r directory.MemberRecord) Member {
	return Member{
		UserID: r.ID, Issuer: r.Issuer, Subject: r.Subject, Name: r.Name, Email: r.Email, Roles: append([]string{}, r.Roles...), Source: r.Source,
		Disabled: r.DisabledAt != 0, UserDisabled: r.User.Disabled, CreatedAt: r.CreatedAt, DisabledAt: r.DisabledAt,
	}
}

// NewMember names a person, by user id or by issuer and subject, and their roles.
// Name and e-mail are kept of somebody who was not known.
type NewMember struct {
	UserID  string   `json:"user_id"`
	Issuer  string   `json:"iss"`
	Subject string   `json:"sub"`
	Name    string   `json:"name"`
	Email   string   `json:"email"`
	Roles   []string `json:"roles"`
}

func (n NewMember) check() error {
	switch {
	case (n.UserID == "") == (n.Subject == ""), (n.Issuer == "") != (n.Subject == ""):
		return refuse(api.InvalidRequest, "A person is named by user_id, or by iss and sub.")
	case len(n.Subject) > directory.MaxSubject:
		return refuse(api.InvalidRequest, "sub is longer than %d bytes.", directory.MaxSubject)
	}
	for what, text := range map[string]string{"iss": n.Issuer, "sub": n.Subject, "name": n.Name, "email": n.Email} {
		if err := checkName(what, text, false); err != nil && what != "sub" {
			return err
		}
	}
	return nil
}

// Roles are what a member may do.
type Roles struct {
	Roles []string `json:"roles"`
}

// Members lists an organisation's members by user id.
func (o *Office) Members(ctx context.Context, by Actor, organization string, p Page) (List[Member], error) {
	return perform(ctx, o, by, &act{action: audit.ReadMember, organization: organization},
		func(ctx context.Context, r directory.OrganizationRecord) (List[Member], error) {
			return listed(p, func(after string, limit int) ([]directory.MemberRecord, error) {
				return o.store.Members(ctx, r.ID, after, limit)
			}, memberOf, func(m directory.MemberRecord) string { return m.ID })
		})
}

// Member returns one member.
func (o *Office) Member(ctx context.Context, by Actor, organization, user string) (Member, error) {
	return perform(ctx, o, by, &act{action: audit.ReadMember, organization: organization, user: user},
		func(ctx context.Context, r directory.OrganizationRecord) (Member, error) {
			return o.member(ctx, r.ID, user)
		})
}

// AdmitMember makes somebody a member, known to the workspace or not yet, or gives a
// member other roles.
func (o *Office) AdmitMember(ctx context.Context, by Actor, organization string, n NewMember) (Member, error) {
	a := &act{action: audit.AdmitMember, organization: organization, user: n.UserID}
	return perform(ctx, o, by, a,
		func(ctx context.Context, r directory.OrganizationRecord) (Member, error) {
			if err := n.check(); err != nil {
				return Member{}, err
			}
			if n.UserID == "" {
				u, err := o.store.KnowUser(ctx, directory.User{
					ID: directory.NewID("usr_"), Issuer: n.Issuer, Subject: n.Subject, Name: n.Name, Email: n.Email,
				}, o.now().Unix())
				if err != nil {
					return Member{}, err
				}
				a.user = u.ID
			}
			return o.admit(ctx, r.ID, a.user, n.Roles)
		})
}

// Admit gives somebody who has signed in a place in an organisation, or other roles in
// it.
func (o *Office) Admit(ctx context.Context, by Actor, n directory.Admission) (Nothing, error) {
	return perform(ctx, o, by, &act{action: audit.AdmitMember, organization: n.Organization, user: n.UserID},
		func(ctx context.Context, r directory.OrganizationRecord) (Nothing, error) {
			n.Organization = r.ID
			return Nothing{}, o.store.Admit(ctx, n, o.now().Unix())
		})
}

// UpdateMember gives a member other roles; somebody who is none becomes one.
func (o *Office) UpdateMember(ctx context.Context, by Actor, organization, user string, roles Roles) (Member, error) {
	return perform(ctx, o, by, &act{action: audit.UpdateMember, organization: organization, user: user},
		func(ctx context.Context, r directory.OrganizationRecord) (Member, error) {
			if roles.Roles == nil {
				return Member{}, refuse(api.InvalidRequest, "roles is missing.")
			}
			return o.admit(ctx, r.ID, user, roles.Roles)
		})
}

func (o *Office) admit(ctx context.Context, organizationID, userID string, roles []string) (Member, error) {
	a := directory.Admission{Organization: organizationID, UserID: userID, Roles: roles}
	if err := o.store.Admit(ctx, a, o.now().Unix()); err != nil {
		return Member{}, err
	}
	return o.member(ctx, organizationID, userID)
}

// RemoveMember ends a membership. One that the workspace file gives is disabled
// instead; one that a claim gives comes back with it.
func (o *Office) RemoveMember(ctx context.Context, by Actor, organization, user string) (Nothing, error) {
	return perform(ctx, o, by, &act{action: audit.RemoveMember, organization: organization, user: user},
		func(ctx context.Context, r directory.OrganizationRecord) (Nothing, error) {
			return Nothing{}, o.store.RemoveMember(ctx, r.ID, user)
		})
}

// DisableMember keeps a member out of the organisation, whatever made them one, until
// they are enabled here.
func (o *Office) DisableMember(ctx context.Context, by Actor, organization, user string) (Member, error) {
	return o.blockMember(ctx, by, audit.DisableMember, organization, user)
}

// EnableMember lets a member enter the organisation again. What their sessions did in
// it has ended.
func (o *Office) EnableMember(ctx context.Context, by Actor, organization, user string) (Member, error) {
	return o.blockMember(ctx, by, audit.EnableMember, organization, user)
}

func (o *Office) blockMember(ctx context.Context, by Actor, action audit.Action, organization, user string) (Member, error) {
	return perform(ctx, o, by, &act{action: action, organization: organization, user: user},
		func(ctx context.Context, r directory.OrganizationRecord) (Member, error) {
			if err := o.store.BlockMember(ctx, r.ID, user, action == audit.DisableMember, o.now().Unix()); err != nil {
				return Member{}, err
			}
			return o.member(ctx, r.ID, user)
		})
}

func (o *Office) member(ctx context.Context, organizationID, userID string) (Member, error) {
	m, err := o.store.Member(ctx, organizationID, userID)
	return memberOf(m), err
}
