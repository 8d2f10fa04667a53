package directory

import (
	"fmt"
	"strings"
)

// Desired is the directory as a workspace file wants it.
type Desired struct {
	Workspace     Workspace
	Organizations []DesiredOrganization
}

// MemberCount returns how many memberships there are in all.
func (d *Desired) MemberCount() (n int) {
	for _, o := range d.Organizations {
		n += len(o.Members)
	}
	return n
}

// ConnectionCount returns how many connections there are in all.
func (d *Desired) ConnectionCount() (n int) {
	for _, o := range d.Organizations {
		n += len(o.Connections)
	}
	return n
}

// DesiredOrganization is an organization with all the members that the file gives
// it. Members of other sources stay beside them.
type DesiredOrganization struct {
	Organization // ID may be empty: the one of that slug, or a new one
	Line         int
	Members      []Member
	Connections  []DesiredConnection
}

// DesiredConnection is a connection of the file's. It is sealed before it is applied.
type DesiredConnection struct {
	Connection
	Line int
	// ClientSecret says where the client's secret is read: no file holds it.
	ClientSecret SecretReference
}

// SecretReference names an environment variable or a file; one of the two.
type SecretReference struct{ Variable, File string }

// Member is a person with their roles in one organization.
type Member struct {
	User  // ID is empty: (Issuer, Subject) names the person
	Roles []string
}

// MaxProblems is how many mistakes of a file are told at once.
const MaxProblems = 20

// Conflict is a place where a Desired cannot be reached from the directory as it
// is.
type Conflict struct {
	Line int // of the workspace file
	Text string
}

// Conflicts is the error of all of them.
type Conflicts []Conflict

func (c Conflicts) Error() string {
	lines := make([]string, len(c))
	for i, conflict := range c {
		lines[i] = fmt.Sprintf("line %d: %s", conflict.Line, conflict.Text)
	}
	return strings.Join(lines, "\n")
}

// Changes counts what applying a Desired changed.
type Changes struct {
	Workspace     bool
	Organizations Count
	Members       Count
	Connections   Count
}

// Count counts changed rows.
type Count struct{ Added, Changed, Removed int }

// None tells that nothing changed.
func (c Changes) None() bool { return c == Changes{} }
