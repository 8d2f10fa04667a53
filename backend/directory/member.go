package directory

import "errors"

// Pending is a person that signed in and has no organization.
type Pending struct {
	User
	SeenAt int64 // Unix seconds of the last sign-in
}

// Admission is an administrator's decision to give a person access to an organization.
// The workspace file does not change it, unless the file names the person: from then on
// the file counts.
type Admission struct {
	Organization string // id (org_…) or slug
	// UserID identifies the person, or (Issuer, Subject) does.
	UserID          string
	Issuer, Subject string
	Roles           []string
}

// Errors of an Admission.
var (
	ErrNoOrganization = errors.New("directory: there is no such organization")
	ErrNoUser         = errors.New("directory: there is no such person")
	ErrNoRole         = errors.New("directory: the workspace has no such role")
	// ErrFromFile refuses a change that the next workspace file would undo.
	ErrFromFile = errors.New("directory: the membership is managed by the workspace file")
)
