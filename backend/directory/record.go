package directory

import (
	"errors"
	"regexp"
)

// OrganizationRecord is an organization as administrators see it. Times are Unix
// seconds; 0 means never.
type OrganizationRecord struct {
	Organization
	CreatedAt, DisabledAt int64
}

// UserRecord is a person as administrators see it.
type UserRecord struct {
	User
	CreatedAt, SeenAt, DisabledAt int64
}

// MemberRecord is a membership as administrators see it. DisabledAt blocks it,
// whichever source gave it, and no source of memberships reverses that.
type MemberRecord struct {
	User
	Roles                 []string
	Attributes            Attributes
	Source                Source
	CreatedAt, DisabledAt int64
}

// Source is the origin of a membership. Only the same source changes it.
type Source string

// The sources.
const (
	FromFile       Source = "file"       // the workspace file
	FromAdmin      Source = "admin"      // an administrator
	FromClaim      Source = "claim"      // a claim of the identity token
	FromConnection Source = "connection" // the organization's own provider
	FromStaff      Source = "staff"      // not a membership: it is [StaffAccess]
)

// Errors of administration, besides those of an Admission.
var (
	ErrSlugTaken = errors.New("directory: another organization has this slug")
	ErrNoMember  = errors.New("directory: the person is not a member of the organization")
	// ErrOvertaken refuses a change because another change came first.
	ErrOvertaken = errors.New("directory: another request changed it meanwhile")
)

var slug = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

// ValidSlug reports whether a text can be an organization's slug.
func ValidSlug(text string) bool { return slug.MatchString(text) }

// MaxSubject is the maximum length of a provider's identifier of a person, in bytes
// (OpenID Connect Core section 2).
const MaxSubject = 255
