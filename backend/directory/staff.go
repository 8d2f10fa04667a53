package directory

import "errors"

// StaffAccess is temporary access of the operator's staff to an organization that they
// are not a member of. It ends by itself. No source of memberships prolongs it or turns
// it into a membership, except an administrator or a workspace file that names the
// person.
type StaffAccess struct {
	OrganizationID string
	UserID         string
	Roles          []string
	// Reason is the purpose, which the organization can read.
	Reason string
	// GrantedBy is an administration key's id, or audit.CommandLine.
	GrantedBy string
	// CreatedAt and ExpiresAt bound it, in Unix seconds. ExpiresAt is exclusive.
	CreatedAt, ExpiresAt int64
}

// StaffRecord is staff access as administrators see it.
type StaffRecord struct {
	User
	StaffAccess
}

// MaxStaffAccess is the maximum length of staff access, in seconds.
const MaxStaffAccess = 12 * 60 * 60

// Errors of staff access.
var (
	// ErrMember refuses staff access for a member.
	ErrMember = errors.New("directory: the person is a member of the organization")
	// ErrStaff refuses membership for a person with staff access.
	ErrStaff = errors.New("directory: the person has staff access to the organization")
	// ErrNoStaff is the error for staff access that does not exist or has ended.
	ErrNoStaff = errors.New("directory: the person has no staff access to the organization")
)
