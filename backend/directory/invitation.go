package directory

import (
	"context"
	"errors"
	"strings"
)

// Invitation invites a person to an organization. Until the person accepts it, it is
// nothing but what an administrator said: it makes nobody known, changes nothing of
// anybody, and says nothing of whom it names. Times are Unix seconds.
type Invitation struct {
	ID             string // inv_…; unique in its organization
	OrganizationID string
	// Issuer and Subject name the person as [User]'s do, or as they are linked at the
	// organization's own connection.
	Issuer, Subject string
	// Name and Email are what the administrator calls the person. They never become
	// the person's own.
	Name, Email string
	Roles       []string
	CreatedAt   int64
	// ExpiresAt is when it can no longer be accepted.
	ExpiresAt int64
}

// InvitationPrefix begins every invitation's id and no person's.
const InvitationPrefix = "inv_"

// IsInvitationID reports whether an id is an invitation's, and not a person's.
func IsInvitationID(id string) bool { return strings.HasPrefix(id, InvitationPrefix) }

// InvitationLife is how long an invitation can be accepted, in seconds: 30 days, from
// the last time that the person was invited.
const InvitationLife = 30 * 24 * 60 * 60

// ErrNoInvitation is the error for an invitation that is not there, or has expired.
var ErrNoInvitation = errors.New("directory: there is no such invitation")

// Invitations keeps invitations, as far as the invited need it.
type Invitations interface {
	// Invited returns a person's invitation to the organization that ref names by id or
	// slug, or ErrNoInvitation. A session that is confined to another organization
	// accepts none.
	Invited(ctx context.Context, userID, confinedTo, ref string, now int64) (Invitation, error)
	// Accept makes a person a member as their invitation says, and ends it. It reports
	// whether it did: not of somebody who is a member, disabled or not, or has staff
	// access, nor where the person or the organization is disabled.
	Accept(ctx context.Context, i Invitation, userID string, now int64) (bool, error)
}
