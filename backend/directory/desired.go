package directory

// Desired is the directory as a workspace file wants it.
type Desired struct {
	Workspace     Workspace
	Organizations []DesiredOrganization
}

// DesiredOrganization is an organisation with all the members that the file gives
// it. Members of other sources stay beside them.
type DesiredOrganization struct {
	Organization // ID may be empty: the one of that slug, or a new one
	Members      []Member
}

// Member is a person with their roles in one organisation.
type Member struct {
	User  // ID is empty: (Issuer, Subject) names the person
	Roles []string
}

// Changes counts what applying a Desired changed.
type Changes struct {
	Workspace     bool
	Organizations Count
	Members       Count
}

// Count counts changed rows.
type Count struct{ Added, Changed, Removed int }

// None tells that nothing changed.
func (c Changes) None() bool { return c == Changes{} }
