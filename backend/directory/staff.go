package directory

import "errors"

// StaffAccess is what somebody of the operator's staff may do in an organization that
// they are no member of, for a while. It ends by itself. No source of memberships
// prolongs it or makes one of it, but an administrator or a workspace file that names
// the person.
type StaffAccess struct {
	OrganizationID string
	UserID         string
	Roles          []string
	// Reason is why, for the organization to read.
	Reason string
	// GrantedBy is an administration key's id, or audit.CommandLine.
	GrantedBy string
	// CreatedAt and ExpiresAt bound it, in Unix seconds: from the first on, and until
	// before the second.
	CreatedAt, ExpiresAt int64
}

// StaffRecord is staff access as administrators see it.
type StaffRecord struct {
	User
	StaffAccess
}

// MaxStaffAccess is the longest that staff access lasts, in seconds.
const MaxStaffAccess = 12 * 60 * 60

// Errors of staff access.
var (
	// ErrMember refuses staff access to a member.
	ErrMember = errors.New("directory: the person is a member of the organisation")
	// ErrStaff refuses to make a member of somebody who has staff access.
	ErrStaff = errors.New("directory: the person has staff access to the organisation")
	// ErrNoStaff is the error for staff access that is not there, or is over.
	ErrNoStaff = errors.New("directory: the person has no staff access to the organisation")
)
