package directory

import (
	"context"
	"errors"
	"strings"
)

// Invitation invites a person to an organization. Until the person accepts it, it is
// only an administrator's claim: it creates no user, changes none, and is no evidence
// about the person that it names. Times are Unix seconds.
type Invitation struct {
	ID             string // inv_…; unique in its organization
	OrganizationID string
	// Issuer and Subject identify the person as [User]'s do, or as linked at the
	// organization's own connection.
	Issuer, Subject string
	// Name and Email are the administrator's names for the person. They never become
	// the person's own.
	Name, Email string
	Roles       []string
	CreatedAt   int64
	// ExpiresAt is the time from which it can no longer be accepted.
	ExpiresAt int64
}

// InvitationPrefix begins every invitation's id. No person's id begins with it.
const InvitationPrefix = "inv_"

// IsInvitationID reports whether an id is an invitation's, as opposed to a person's.
func IsInvitationID(id string) bool { return strings.HasPrefix(id, InvitationPrefix) }

// InvitationLife is how long an invitation can be accepted, in seconds: 30 days from
// the last time that the person was invited.
const InvitationLife = 30 * 24 * 60 * 60

// ErrNoInvitation is the error for an invitation that does not exist or has expired.
var ErrNoInvitation = errors.New("directory: there is no such invitation")

// Invitations stores invitations, as far as invited people need them.
type Invitations interface {
	// Invited returns a person's invitation to the organization that ref names by id or
	// slug, or ErrNoInvitation. A session that is confined to another organization has
	// no invitation.
	Invited(ctx context.Context, userID, confinedTo, ref string, now int64) (Invitation, error)
	// Accept makes a person a member according to the invitation and ends the
	// invitation. It reports whether it did. It does not if the person is a member
	// already, even a disabled one, or has staff access, or if the person or the
	// organization is disabled.
	Accept(ctx context.Context, i Invitation, userID string, now int64) (bool, error)
}
