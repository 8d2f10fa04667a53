package directory

import "errors"

// Pending is a person who signed in and belongs to no organization.
type Pending struct {
	User
	SeenAt int64 // Unix seconds of the last sign-in
}

// Admission gives a person a place in an organization, by an administrator's
// decision. The workspace file leaves it as it is, unless it names the person
// itself: then the file's word counts from then on.
type Admission struct {
	Organization string // id (org_…) or slug
	// UserID names the person, or (Issuer, Subject) does.
	UserID          string
	Issuer, Subject string
	Roles           []string
}

// Errors of an Admission.
var (
	ErrNoOrganization = errors.New("directory: there is no such organisation")
	ErrNoUser         = errors.New("directory: there is no such person")
	ErrNoRole         = errors.New("directory: the workspace has no such role")
	// ErrFromFile refuses to change what the next workspace file would change back.
	ErrFromFile = errors.New("directory: the workspace file says what this person is in the organisation")
)
