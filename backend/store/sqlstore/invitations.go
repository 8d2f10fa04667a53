package sqlstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/tabard-auth/tabard/backend/directory"
)

const (
	invitationColumns = `i.id, i.organization_id, i.iss, i.sub, i.name, i.email, i.roles, i.created_at, i.expires_at`

	// A renewed invitation keeps its id, and the names that are not given again.
	invite = `
INSERT INTO invitations (id, organization_id, iss, sub, name, email, roles, created_at, expires_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
ON CONFLICT (organization_id, iss, sub) DO UPDATE SET
	name = CASE WHEN excluded.name = '' THEN invitations.name ELSE excluded.name END,
	email = CASE WHEN excluded.email = '' THEN invitations.email ELSE excluded.email END,
	roles = excluded.roles, expires_at = excluded.expires_at
RETURNING id, organization_id, iss, sub, name, email, roles, created_at, expires_at`

	// peopleNamed selects the ids of the people with an issuer and a subject: at their
	// own provider, or as linked at an organization's.
	peopleNamed = `SELECT u.id FROM users u WHERE u.iss = %[1]s AND u.sub = %[2]s
	UNION ALL SELECT l.user_id FROM links l WHERE l.connection_id = %[1]s AND l.sub = %[2]s`

	// liveInvitation is the condition of an invitation of an organization that can
	// still be accepted: the person must not be a member.
	liveInvitation = `
SELECT ` + invitationColumns + ` FROM invitations i
WHERE i.organization_id = ?1 AND i.expires_at > ?2 AND NOT EXISTS (
	SELECT 1 FROM memberships m WHERE m.organization_id = i.organization_id AND m.source <> 'staff' AND m.user_id IN (
	%s)) AND `

	withdrawInvitation = `
DELETE FROM invitations WHERE organization_id = ?1 AND id = ?2`

	withdrawAll = `DELETE FROM invitations WHERE organization_id = ?1`

	deleteExpiredInvitations = `
DELETE FROM invitations WHERE (organization_id, id) IN (
	SELECT organization_id, id FROM invitations WHERE expires_at < ?1 ORDER BY expires_at, id LIMIT ?2)`

	// By the person's own provider, or by the organization's.
	selectInvited = `
SELECT ` + invitationColumns + ` FROM organizations o
JOIN users u ON u.id = ?1
JOIN invitations i ON i.organization_id = o.id AND i.iss = u.iss AND i.sub = u.sub
WHERE ` + invitedTo + `
UNION ALL
SELECT ` + invitationColumns + ` FROM organizations o
JOIN connections c ON c.organization_id = o.id AND c.deleted_at IS NULL
JOIN links l ON l.connection_id = c.id AND l.user_id = ?1
JOIN invitations i ON i.organization_id = o.id AND i.iss = l.connection_id AND i.sub = l.sub
WHERE ` + invitedTo + `
LIMIT 1`

	invitedTo = `(o.id = ?3 OR o.slug = ?3) AND o.disabled_at IS NULL AND ?2 IN ('', o.id) AND i.expires_at > ?4`

	acceptInvitation = `
INSERT INTO memberships (user_id, organization_id, roles, source, created_at)
SELECT u.id, i.organization_id, i.roles, 'admin', ?4
FROM invitations i
JOIN organizations o ON o.id = i.organization_id AND o.disabled_at IS NULL
JOIN users u ON u.id = ?3 AND u.disabled_at IS NULL
WHERE i.organization_id = ?1 AND i.id = ?2 AND i.expires_at > ?4
ON CONFLICT (user_id, organization_id) DO UPDATE SET` + asMember + `
WHERE ` + staffIsOver
)

var (
	selectInvitation     = fmt.Sprintf(liveInvitation, fmt.Sprintf(peopleNamed, "i.iss", "i.sub")) + `i.id = ?3`
	selectInvitationPage = fmt.Sprintf(liveInvitation, fmt.Sprintf(peopleNamed, "i.iss", "i.sub")) + `i.id > ?3 ORDER BY i.id LIMIT ?4`
)

// invitations stores invitations.
type invitations struct{ *database }

// Invite invites a person, or renews an existing invitation with these roles. It
// returns the invitation.
func (s invitations) Invite(ctx context.Context, i directory.Invitation) (directory.Invitation, error) {
	if err := workspace(s).checkRoles(ctx, i.Roles); err != nil {
		return i, err
	}
	var kept directory.Invitation
	err := s.returning(ctx, invitationFields(&kept), invite, i.ID, i.OrganizationID, i.Issuer, i.Subject, i.Name, i.Email,
		list(i.Roles).text(), i.CreatedAt, i.ExpiresAt)
	if err != nil {
		return i, fmt.Errorf("sqlstore: invite: %w", err)
	}
	return kept, nil
}

// Invitations returns an organization's invitations by id, starting after one, at most
// limit.
func (s invitations) Invitations(ctx context.Context, organizationID, after string, now int64, limit int) ([]directory.Invitation, error) {
	return collect(ctx, s, "invitations", scanInvitation, selectInvitationPage, organizationID, now, after, limit)
}

// Invitation returns an organization's invitation, or directory.ErrNoInvitation.
func (s invitations) Invitation(ctx context.Context, organizationID, id string, now int64) (directory.Invitation, error) {
	i, err := scanInvitation(s.row(ctx, selectInvitation, organizationID, now, id))
	return i, found("invitation", err, directory.ErrNoInvitation)
}

// WithdrawInvitation ends an invitation. It returns directory.ErrNoInvitation if there
// is none.
func (s invitations) WithdrawInvitation(ctx context.Context, organizationID, id string) error {
	there, err := s.changed(ctx, "withdraw invitation", withdrawInvitation, organizationID, id)
	if err == nil && !there {
		return directory.ErrNoInvitation
	}
	return err
}

// Invited implements directory.Invitations.
func (s invitations) Invited(ctx context.Context, userID, confinedTo, ref string, now int64) (directory.Invitation, error) {
	i, err := scanInvitation(s.row(ctx, selectInvited, userID, confinedTo, ref, now))
	return i, found("invited", err, directory.ErrNoInvitation)
}

// Accept implements directory.Invitations. An invitation that a crash left behind after
// its acceptance is for a member and has no effect.
func (s invitations) Accept(ctx context.Context, i directory.Invitation, userID string, now int64) (bool, error) {
	accepted, err := s.changed(ctx, "accept", acceptInvitation, i.OrganizationID, i.ID, userID, now)
	if err != nil || !accepted {
		return false, err
	}
	err = s.WithdrawInvitation(ctx, i.OrganizationID, i.ID)
	if errors.Is(err, directory.ErrNoInvitation) { // withdrawn meanwhile
		err = nil
	}
	return true, err
}

func invitationFields(i *directory.Invitation) []any {
	return []any{&i.ID, &i.OrganizationID, &i.Issuer, &i.Subject, &i.Name, &i.Email, (*list)(&i.Roles), &i.CreatedAt, &i.ExpiresAt}
}

func scanInvitation(row scanner) (i directory.Invitation, err error) {
	err = row.Scan(invitationFields(&i)...)
	return i, err
}
