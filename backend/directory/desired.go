package directory

import (
	"fmt"
	"iter"
	"slices"
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
		n += o.MemberCount()
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
	// Further are members beside those, which need not be in memory all at once.
	Further     MemberSource
	Connections []DesiredConnection
	// Domains are normalized names, see package domain.
	Domains []string
}

// MemberSource yields the same members whenever it is asked.
type MemberSource struct {
	Count int
	Each  iter.Seq[Member]
}

// MemberCount returns how many members the file gives the organization.
func (o *DesiredOrganization) MemberCount() int { return len(o.Members) + o.Further.Count }

// AllMembers yields the members that the file gives the organization.
func (o *DesiredOrganization) AllMembers() iter.Seq[Member] {
	if o.Further.Count == 0 {
		return slices.Values(o.Members)
	}
	return func(yield func(Member) bool) {
		for _, m := range o.Members {
			if !yield(m) {
				return
			}
		}
		o.Further.Each(yield)
	}
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

// CheckTogether returns why an organization cannot have all of these connections, or "".
func CheckTogether(all []DesiredConnection) string {
	enabled, ids := "", map[string]bool{}
	for _, c := range all {
		if ids[c.ID] {
			return fmt.Sprintf("connection %s is repeated", c.ID)
		}
		if ids[c.ID] = true; !c.Enabled {
			continue
		}
		if enabled != "" {
			return fmt.Sprintf("connections %s and %s are both enabled; set enabled: false for one of them", enabled, c.ID)
		}
		enabled = c.ID
	}
	return ""
}

// SecretReference names either an environment variable or a file.
type SecretReference struct{ Variable, File string }

// Member is a person with roles in one organization.
type Member struct {
	User  // ID is empty: (Issuer, Subject) identifies the person
	Roles []string
	// Attributes, if empty, leave those that the member has.
	Attributes Attributes
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
	Domains       Count
}

// Count counts changed rows.
type Count struct{ Added, Changed, Removed int }

// None reports whether there were no changes.
func (c Changes) None() bool { return c == Changes{} }

// Difference is one thing that applying a Desired changes.
type Difference struct {
	Kind         DifferenceKind
	What         string // workspace, organization, connection, membership
	Organization string // its slug
	Name         string // of the connection, or of the member: their subject
	Detail       string // what it becomes, and where it changes what it was
}

// DifferenceKind says whether something is added, changed or removed.
type DifferenceKind byte

// The kinds, as a diff marks them.
const (
	Addition DifferenceKind = '+'
	Change   DifferenceKind = '~'
	Removal  DifferenceKind = '-'
)

// String is the difference's line in a diff.
func (d Difference) String() string {
	words := []string{string(d.Kind), d.What}
	for _, word := range []string{d.Organization, d.Name, d.Detail} {
		if word != "" {
			words = append(words, word)
		}
	}
	return strings.Join(words, " ")
}
