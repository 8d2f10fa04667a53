// Package directory owns who belongs to which organization, with which roles: the
// workspace's document, its organizations, its people and their memberships.
package directory

import (
	"context"
	"crypto/rand"
	"strings"

	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/backend/session"
)

// User is a person. (Issuer, Subject) is their key; an e-mail address never is.
type User struct {
	ID string
	// Issuer is the workspace's provider's. Of a person who came by an organization's
	// own connection it is the connection's id: whatever issuer a tenant's provider
	// claims to be, it names nobody else's people.
	Issuer   string
	Subject  string
	Name     string
	Email    string
	Disabled bool
}

// Organization is a tenant.
type Organization struct {
	ID       string
	Slug     string
	Name     string
	Rules    policy.Rules
	Disabled bool
	// Connection is the id of its own connection that is enabled; empty without one.
	Connection string
}

// Membership is one person's place in one organization.
type Membership struct {
	Organization Organization
	Roles        []string
	// StaffUntil is when staff access ends (see [StaffAccess]), in Unix seconds; 0 of a
	// member.
	StaffUntil int64
	// Stay is how the session that asked stands in the organization; zero where it
	// never entered.
	Stay policy.OrganizationSession
}

// Subject is all that a mint has to know, in one read of the store.
type Subject struct {
	// Session is without what only its end and the list of sessions tell of:
	// Attempt, UpstreamSID, UpstreamToken, UserAgent and Address.
	Session session.Session
	User    User
	// Membership is nil where the organization that was named does not exist, or
	// does not admit the person: a client cannot tell the two apart.
	Membership *Membership
	// Revision is the workspace document's: another than the one at hand means
	// that it has to be read again.
	Revision int64
}

// Is reports whether the person is the one that is expected, by id; empty expects nobody.
func (s *Subject) Is(user string) bool { return user == "" || user == s.User.ID }

// Store keeps the directory, as far as minting and signing in need it.
type Store interface {
	// Workspace returns the workspace's document.
	Workspace(ctx context.Context) (*Workspace, error)
	// WorkspaceRevision returns that document's revision alone, which is cheap to read.
	WorkspaceRevision(ctx context.Context) (int64, error)
	// Subject reads a session and its person's place in an organization, which
	// ref names by id (org_…) or slug. An unknown session is
	// session.ErrNotFound.
	Subject(ctx context.Context, id session.ID, ref string, now int64) (Subject, error)
	// Memberships returns the organizations that admit the session's person, by
	// name, at most limit of them. Both know of no organization that a confined
	// session does not open, and of no staff access that is over now.
	Memberships(ctx context.Context, id session.ID, limit int, now int64) ([]Membership, error)
	// OrganizationRules returns what an organization demands, and the revision of the
	// workspace's document. One that is disabled or not there is ErrNoOrganization.
	OrganizationRules(ctx context.Context, id string) (r policy.Rules, revision int64, err error)
	// SignIn returns the user of (u.Issuer, u.Subject), made with u.ID where
	// there is none, and writes down the name and e-mail that u has.
	SignIn(ctx context.Context, u User, now int64) (User, error)
	// ReplaceClaimed makes the memberships that a provider's claim gave a person
	// be these, by organization slug; those of other sources stay.
	ReplaceClaimed(ctx context.Context, userID string, roles map[string][]string, now int64) error

	Connections
	Invitations
}

// OrganizationPrefix begins every organization's id and no slug.
const OrganizationPrefix = "org_"

// NewID returns a new identifier of 130 random bits with a prefix, which tells
// people what it is an id of. Ids are never used again.
func NewID(prefix string) string {
	return prefix + strings.ToLower(rand.Text())
}
