package directory

import (
	"fmt"
	"strings"
)

// Desired is the directory as a workspace file describes it.
type Desired struct {
	Workspace     Workspace
	Organizations []DesiredOrganization
}

// MemberCount returns the number of memberships.
func (d *Desired) MemberCount() (n int) {
	for _, o := range d.Organizations {
		n += len(o.Members)
	}
	return n
}

// ConnectionCount returns the number of connections.
func (d *Desired) ConnectionCount() (n int) {
	for _, o := range d.Organizations {
		n += len(o.Connections)
	}
	return n
}

// DesiredOrganization is an organization with all the members that the file gives it.
// Members from other sources are kept.
type DesiredOrganization struct {
	Organization // ID may be empty: the organization with that slug, or a new one
	Line         int
	Members      []Member
	Connections  []DesiredConnection
}

// DesiredConnection is a connection in the file. Its secret is sealed before it is
// applied.
type DesiredConnection struct {
	Connection
	Line int
	// ClientSecret names the place of the client secret, which is never in the file
	// itself.
	ClientSecret SecretReference
}

// SecretReference names either an environment variable or a file.
type SecretReference struct{ Variable, File string }

// Member is a person with roles in one organization.
type Member struct {
	User  // ID is empty: (Issuer, Subject) identifies the person
	Roles []string
}

// MaxProblems is the most mistakes of a file that are reported at once.
const MaxProblems = 20

// Conflict is a part of a Desired that cannot be reached from the directory as it is.
type Conflict struct {
	Line int // of the workspace file
	Text string
}

// Conflicts is the error that lists all of them.
type Conflicts []Conflict

func (c Conflicts) Error() string {
	lines := make([]string, len(c))
	for i, conflict := range c {
		lines[i] = fmt.Sprintf("line %d: %s", conflict.Line, conflict.Text)
	}
	return strings.Join(lines, "\n")
}

// Changes counts the changes made by applying a Desired.
type Changes struct {
	Workspace     bool
	Organizations Count
	Members       Count
	Connections   Count
}

// Count counts changed rows.
type Count struct{ Added, Changed, Removed int }

// None reports whether there were no changes.
func (c Changes) None() bool { return c == Changes{} }
