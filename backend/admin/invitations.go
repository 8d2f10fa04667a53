package admin

import (
	"context"
	"errors"
	"strings"

	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
)

// InvitationStore stores invitations.
type InvitationStore interface {
	// MemberNamed returns the member of an issuer and a subject, or
	// directory.ErrNoMember.
	MemberNamed(ctx context.Context, organizationID, issuer, subject string) (directory.MemberRecord, error)
	// Invite stores an invitation, or replaces roles and end of an existing one, and
	// returns it. Error: directory.ErrNoRole.
	Invite(ctx context.Context, i directory.Invitation) (directory.Invitation, error)
	// Invitations returns an organization's valid invitations by id, starting after the
	// given id, at most limit. It leaves out those of members.
	Invitations(ctx context.Context, organizationID, after string, now int64, limit int) ([]directory.Invitation, error)
	// Invitation returns an invitation, or directory.ErrNoInvitation.
	Invitation(ctx context.Context, organizationID, id string, now int64) (directory.Invitation, error)
	// WithdrawInvitation deletes an invitation. Error: directory.ErrNoInvitation.
	WithdrawInvitation(ctx context.Context, organizationID, id string) error
}

func invitationMember(i directory.Invitation) Member {
	return Member{
		Status: StatusInvited, InvitationID: i.ID, Issuer: i.Issuer, Subject: i.Subject, Name: i.Name, Email: i.Email,
		Roles: append([]string{}, i.Roles...), Source: directory.FromAdmin, CreatedAt: i.CreatedAt, ExpiresAt: i.ExpiresAt,
	}
}

// cursor returns a member's position in a list. Invitations come first.
func (m Member) cursor() string { return m.UserID + m.InvitationID }

// memberOperation returns an operation on a member, or on an invitation if its id is
// given.
func memberOperation(action audit.Action, organization, user string) *operation {
	if directory.IsInvitationID(user) {
		return &operation{action: action, organization: organization, target: user}
	}
	return &operation{action: action, organization: organization, user: user}
}

// list returns an organization's invitations and then its members, starting after a
// cursor, at most limit.
func (o *members) list(ctx context.Context, organizationID, after string, limit int) ([]Member, error) {
	var all []Member
	if after == "" || directory.IsInvitationID(after) {
		invited, err := o.store.Invitations(ctx, organizationID, after, o.now().Unix(), limit)
		if err != nil {
			return nil, err
		}
		for _, i := range invited {
			all = append(all, invitationMember(i))
		}
		after = ""
	}
	if len(all) == limit {
		return all, nil
	}
	members, err := o.store.Members(ctx, organizationID, after, limit-len(all))
	for _, m := range members {
		all = append(all, memberOf(m))
	}
	return all, err
}

// invite invites a person, or changes the roles of a member. The response is the same
// whether the workspace knows the person or not.
func (o *members) invite(ctx context.Context, a *operation, organizationID string, n NewMember) (Member, error) {
	if err := o.checkIssuer(ctx, organizationID, n.Issuer); err != nil {
		return Member{}, err
	}
	m, err := o.store.MemberNamed(ctx, organizationID, n.Issuer, n.Subject)
	switch {
	case err == nil:
		a.user = m.ID
		return o.changeRoles(ctx, organizationID, m.ID, n.Roles)
	case !errors.Is(err, directory.ErrNoMember):
		return Member{}, err
	}
	now := o.now().Unix()
	a.action, a.note = audit.InviteMember, n.Subject+" of "+n.Issuer
	i, err := o.store.Invite(ctx, directory.Invitation{
		ID: directory.NewID(directory.InvitationPrefix), OrganizationID: organizationID,
		Issuer: n.Issuer, Subject: n.Subject, Name: n.Name, Email: n.Email, Roles: n.Roles,
		CreatedAt: now, ExpiresAt: now + directory.InvitationLife,
	})
	if err != nil {
		return Member{}, err
	}
	a.target, a.expiresAt = i.ID, i.ExpiresAt
	return invitationMember(i), nil
}

// renewInvitation replaces an invitation's roles and starts its time again.
func (o *members) renewInvitation(ctx context.Context, organizationID, id string, roles []string) (Member, error) {
	now := o.now().Unix()
	i, err := o.store.Invitation(ctx, organizationID, id, now)
	if err != nil {
		return Member{}, err
	}
	i.Roles, i.ExpiresAt = roles, now+directory.InvitationLife
	i, err = o.store.Invite(ctx, i)
	return invitationMember(i), err
}

// checkIssuer refuses another organization's connection like one that does not exist,
// because its people enter that organization only.
func (o *members) checkIssuer(ctx context.Context, organizationID, issuer string) error {
	if !strings.HasPrefix(issuer, directory.ConnectionPrefix) {
		return nil
	}
	_, err := o.ownConnection(ctx, organizationID, issuer)
	return err
}
