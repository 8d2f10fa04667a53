package admin

import (
	"context"
	"strings"
	"unicode"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
)

// MemberStore stores memberships.
type MemberStore interface {
	// Members returns an organization's members by user id, starting after the given
	// id, at most limit.
	Members(ctx context.Context, organizationID, after string, limit int) ([]directory.MemberRecord, error)
	// Member returns a member, or directory.ErrNoMember.
	Member(ctx context.Context, organizationID, userID string) (directory.MemberRecord, error)
	// Admit makes a person a member, or replaces a member's roles. Errors:
	// directory.ErrNoUser, ErrNoRole, ErrFromFile.
	Admit(ctx context.Context, a directory.Admission, now int64) error
	// EnsureUser returns the user of an issuer and subject, and creates it if there is
	// none.
	EnsureUser(ctx context.Context, u directory.User, now int64) (directory.User, error)
	// ChangeMember replaces a member's roles. Errors: directory.ErrNoMember, ErrNoRole,
	// ErrFromFile, ErrStaff.
	ChangeMember(ctx context.Context, organizationID, userID string, roles []string, now int64) error
	// RemoveMember removes a membership. Errors: directory.ErrNoMember, ErrFromFile.
	RemoveMember(ctx context.Context, organizationID, userID string) error
	// SetMemberDisabled disables or enables a membership of any source. Error:
	// directory.ErrNoMember.
	SetMemberDisabled(ctx context.Context, organizationID, userID string, blocked bool, now int64) error
}

// Member is a member of an organization, or an invitation, in the form for
// administrators. Disabled is about the membership; UserDisabled reports that the
// person is disabled everywhere. An invitation has only the fields that it was made
// with.
type Member struct {
	Status MemberStatus `json:"status"`
	// UserID is set for a member, and InvitationID for an invitation.
	UserID       string           `json:"user_id,omitempty"`
	InvitationID string           `json:"invitation_id,omitempty"`
	Issuer       string           `json:"iss"`
	Subject      string           `json:"sub"`
	Name         string           `json:"name"`
	Email        string           `json:"email"`
	Roles        []string         `json:"roles"`
	Attributes   Attributes       `json:"attributes,omitempty"`
	Source       directory.Source `json:"source"`
	Disabled     bool             `json:"disabled"`
	UserDisabled bool             `json:"user_disabled"`
	CreatedAt    int64            `json:"created_at"`
	DisabledAt   int64            `json:"disabled_at,omitempty"`
	// ExpiresAt is when an invitation expires.
	ExpiresAt int64 `json:"expires_at,omitempty"`
	// TokenBytes is the size of access tokens with these roles, if a single member is
	// requested and it exceeds directory.LargeToken: some proxies refuse those.
	TokenBytes int `json:"token_bytes,omitempty"`
}

// MemberStatus distinguishes members from invitations.
type MemberStatus string

// The statuses.
const (
	StatusMember  MemberStatus = "member"
	StatusInvited MemberStatus = "invited"
)

func memberOf(r directory.MemberRecord) Member {
	return Member{
		Status: StatusMember, UserID: r.ID, Issuer: r.Issuer, Subject: r.Subject, Name: r.Name, Email: r.Email, Roles: append([]string{}, r.Roles...), Source: r.Source,
		Attributes: attributesOf(r.Attributes), Disabled: r.DisabledAt != 0, UserDisabled: r.User.Disabled, CreatedAt: r.CreatedAt, DisabledAt: r.DisabledAt,
	}
}

// NewMember is a request to admit or invite a person, named by user id or by issuer and
// subject. Name and Email are used only for a person not known before, or for an
// invitation.
type NewMember struct {
	UserID  string   `json:"user_id"`
	Issuer  string   `json:"iss"`
	Subject string   `json:"sub"`
	Name    string   `json:"name"`
	Email   string   `json:"email"`
	Roles   []string `json:"roles"`
	// Invite requests an invitation for a person who is not a member. With a key to one
	// organization it is implied.
	Invite bool `json:"invite"`
}

func (n NewMember) check() error {
	switch {
	case n.Invite && n.UserID != "":
		return refuse(api.InvalidRequest, "Name the person to invite by iss and sub, not by user_id.")
	case (n.UserID == "") == (n.Subject == ""), (n.Issuer == "") != (n.Subject == ""):
		return refuse(api.InvalidRequest, "Name the person by user_id, or by iss and sub.")
	case len(n.Subject) > directory.MaxSubject:
		return refuse(api.InvalidRequest, "sub must have at most %d bytes.", directory.MaxSubject)
	case strings.ContainsFunc(n.Subject, unicode.IsControl):
		return refuse(api.InvalidRequest, "sub must not contain control characters.")
	}
	for what, text := range map[string]string{"iss": n.Issuer, "sub": n.Subject, "name": n.Name, "email": n.Email} {
		if err := checkName(what, text, false); err != nil && what != "sub" {
			return err
		}
	}
	return nil
}

// Roles are the roles of a member.
type Roles struct {
	Roles []string `json:"roles"`
}

// Members lists an organization's invitations by id, and then its members by user id.
func (o *members) Members(ctx context.Context, by Actor, organization string, p Page) (List[Member], error) {
	return run(ctx, o.base, by, &operation{action: audit.ReadMember, organization: organization},
		func(ctx context.Context, r directory.OrganizationRecord) (List[Member], error) {
			return paginate(p, func(after string, limit int) ([]Member, error) {
				return o.list(ctx, r.ID, after, limit)
			}, func(m Member) Member { return m }, Member.cursor)
		})
}

// Member returns a member, or an invitation by its id.
func (o *members) Member(ctx context.Context, by Actor, organization, user string) (Member, error) {
	a := memberOperation(audit.ReadMember, organization, user)
	return run(ctx, o.base, by, a,
		func(ctx context.Context, r directory.OrganizationRecord) (Member, error) {
			if a.target != "" {
				i, err := o.store.Invitation(ctx, r.ID, a.target, o.now().Unix())
				return invitationMember(i), err
			}
			return o.member(ctx, r.ID, user)
		})
}

// AdmitMember makes a person a member, known to the workspace or not, or replaces a
// member's roles. An administrator of one organization learns nothing of people outside
// it and cannot add them: the request becomes an invitation.
func (o *members) AdmitMember(ctx context.Context, by Actor, organization string, n NewMember) (Member, error) {
	a := &operation{action: audit.AdmitMember, organization: organization, user: n.UserID}
	return run(ctx, o.base, by, a,
		func(ctx context.Context, r directory.OrganizationRecord) (Member, error) {
			if err := n.check(); err != nil {
				return Member{}, err
			}
			switch {
			case by.OrganizationID != "" && n.UserID != "":
				return o.changeRoles(ctx, r.ID, n.UserID, n.Roles)
			case by.OrganizationID != "" || n.Invite:
				return o.invite(ctx, a, r.ID, n)
			case n.UserID == "":
				if err := o.checkIssuer(ctx, r.ID, n.Issuer); err != nil {
					return Member{}, err
				}
				u, err := o.store.EnsureUser(ctx, directory.User{
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

// Admit makes a person who has signed in a member, or replaces a member's roles.
func (o *members) Admit(ctx context.Context, by Actor, n directory.Admission) (Empty, error) {
	return run(ctx, o.base, by, &operation{action: audit.AdmitMember, organization: n.Organization, user: n.UserID},
		func(ctx context.Context, r directory.OrganizationRecord) (Empty, error) {
			n.Organization = r.ID
			return Empty{}, o.store.Admit(ctx, n, o.now().Unix())
		})
}

// UpdateMember replaces the roles of a member or an invitation. For an administrator of
// the workspace it makes a person who is neither a member.
func (o *members) UpdateMember(ctx context.Context, by Actor, organization, user string, roles Roles) (Member, error) {
	a := memberOperation(audit.UpdateMember, organization, user)
	return run(ctx, o.base, by, a,
		func(ctx context.Context, r directory.OrganizationRecord) (Member, error) {
			switch {
			case roles.Roles == nil:
				return Member{}, refuse(api.InvalidRequest, "roles is missing.")
			case a.target != "":
				return o.renewInvitation(ctx, r.ID, a.target, roles.Roles)
			case by.OrganizationID != "":
				return o.changeRoles(ctx, r.ID, user, roles.Roles)
			}
			return o.admit(ctx, r.ID, user, roles.Roles)
		})
}

// changeRoles replaces a member's roles, and makes no one a member.
func (o *members) changeRoles(ctx context.Context, organizationID, userID string, roles []string) (Member, error) {
	if err := o.store.ChangeMember(ctx, organizationID, userID, roles, o.now().Unix()); err != nil {
		return Member{}, err
	}
	return o.member(ctx, organizationID, userID)
}

func (o *members) admit(ctx context.Context, organizationID, userID string, roles []string) (Member, error) {
	a := directory.Admission{Organization: organizationID, UserID: userID, Roles: roles}
	if err := o.store.Admit(ctx, a, o.now().Unix()); err != nil {
		return Member{}, err
	}
	return o.member(ctx, organizationID, userID)
}

// RemoveMember removes a membership. One from the workspace file has to be disabled
// instead; one from a claim returns with the claim. With an invitation's id it
// withdraws the invitation.
func (o *members) RemoveMember(ctx context.Context, by Actor, organization, user string) (Empty, error) {
	a := memberOperation(audit.RemoveMember, organization, user)
	return run(ctx, o.base, by, a,
		func(ctx context.Context, r directory.OrganizationRecord) (Empty, error) {
			if a.target != "" {
				return Empty{}, o.store.WithdrawInvitation(ctx, r.ID, a.target)
			}
			return Empty{}, o.store.RemoveMember(ctx, r.ID, user)
		})
}

// DisableMember disables a membership of any source, until EnableMember.
func (o *members) DisableMember(ctx context.Context, by Actor, organization, user string) (Member, error) {
	return o.setMemberDisabled(ctx, by, audit.DisableMember, organization, user)
}

// EnableMember enables a membership again. Organization sessions from before stay
// ended.
func (o *members) EnableMember(ctx context.Context, by Actor, organization, user string) (Member, error) {
	return o.setMemberDisabled(ctx, by, audit.EnableMember, organization, user)
}

func (o *members) setMemberDisabled(ctx context.Context, by Actor, action audit.Action, organization, user string) (Member, error) {
	return run(ctx, o.base, by, &operation{action: action, organization: organization, user: user},
		func(ctx context.Context, r directory.OrganizationRecord) (Member, error) {
			if err := o.store.SetMemberDisabled(ctx, r.ID, user, action == audit.DisableMember, o.now().Unix()); err != nil {
				return Member{}, err
			}
			return o.member(ctx, r.ID, user)
		})
}

func (o *members) member(ctx context.Context, organizationID, userID string) (Member, error) {
	r, err := o.store.Member(ctx, organizationID, userID)
	if err != nil {
		return Member{}, err
	}
	w, err := o.store.Workspace(ctx)
	if err != nil {
		return Member{}, err
	}
	m := memberOf(r)
	if bytes, _ := w.TokenBytes(r.Roles); bytes > directory.LargeToken {
		m.TokenBytes = bytes
	}
	return m, nil
}
