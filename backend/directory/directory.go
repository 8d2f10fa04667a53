// Package directory owns the workspace's document, organizations, people and
// memberships.
package directory

import (
	"context"
	"crypto/rand"
	"strings"

	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/backend/session"
)

// User is a person. (Issuer, Subject) is the key; an e-mail address never is.
type User struct {
	ID string
	// Issuer is the workspace's provider. For a person that came by an organization's
	// own connection it is the connection's id, so that a tenant's provider cannot
	// claim another provider's people.
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
	// Connection is the id of its own enabled connection, or empty.
	Connection string
	Attributes Attributes
}

// Membership is a person's access to one organization.
type Membership struct {
	Organization Organization
	Roles        []string
	Attributes   Attributes
	// StaffUntil is when staff access ends (see [StaffAccess]), in Unix seconds. It is
	// 0 for a member.
	StaffUntil int64
	// OrganizationSession is the organization session of the session that asked. It is zero if the
	// session never entered.
	OrganizationSession policy.OrganizationSession
}

// Subject is everything that a mint needs to know, read in one statement.
type Subject struct {
	// Session lacks the fields that only its end and the list of sessions need:
	// Attempt, UpstreamSID, UpstreamToken, UserAgent and Address.
	Session session.Session
	User    User
	// Membership is nil if the named organization does not exist or does not admit the
	// person. A client cannot tell the two apart.
	Membership *Membership
	// Revision is the workspace document's. If it differs from the cached document's,
	// the document must be read again.
	Revision int64
	// Event is the number of the feed's newest event when all of this was read.
	Event int64
	// ProviderClaims are what identity providers said of the person.
	ProviderClaims ProviderClaims
}

// Is reports whether the person has the expected id. An empty id matches every person.
func (s *Subject) Is(user string) bool { return user == "" || user == s.User.ID }

// Store stores the directory, as far as minting and sign-in need it.
type Store interface {
	// Workspace returns the workspace's document.
	Workspace(ctx context.Context) (*Workspace, error)
	// WorkspaceRevision returns only that document's revision, which is cheap to read.
	WorkspaceRevision(ctx context.Context) (int64, error)
	// Subject reads a session and its person's access to the organization that ref
	// names by id (org_…) or slug. For an unknown session it returns
	// session.ErrNotFound.
	Subject(ctx context.Context, id session.ID, ref string, now int64) (Subject, error)
	// Memberships returns the organizations that admit the session's person, by name,
	// at most limit of them. Subject and Memberships omit organizations that a confined
	// session does not open, and staff access that has ended.
	Memberships(ctx context.Context, id session.ID, limit int, now int64) ([]Membership, error)
	// MembershipsAfter returns the memberships that follow the organization after, by id,
	// in the order of Memberships.
	MembershipsAfter(ctx context.Context, id session.ID, after string, limit int, now int64) ([]Membership, error)
	// OrganizationRules returns an organization's rules and the revision of the
	// workspace's document. If the organization is disabled or does not exist, it
	// returns ErrNoOrganization.
	OrganizationRules(ctx context.Context, id string) (r policy.Rules, revision int64, err error)
	// EnabledOrganization returns id, slug and name of an organization by id (org_…) or
	// slug, or ErrNoOrganization if there is none or it is disabled.
	EnabledOrganization(ctx context.Context, ref string) (Organization, error)
	// SignIn returns the user with (u.Issuer, u.Subject) and stores the name and e-mail
	// of u. It creates the user with u.ID if there is none.
	SignIn(ctx context.Context, u User, now int64) (User, error)
	// UserOf returns the user with an issuer and a subject, or ErrNoUser.
	UserOf(ctx context.Context, issuer, subject string) (User, error)
	// ReplaceClaimed replaces the memberships that a provider's claim gave a person by
	// these, by organization slug. Memberships from other sources are kept.
	ReplaceClaimed(ctx context.Context, userID string, roles map[string][]string, now int64) error

	Connections
	Invitations
}

// OrganizationPrefix begins every organization's id. No slug begins with it.
const OrganizationPrefix = "org_"

// NewID returns a new identifier: a prefix that names its kind, and 130 random bits.
// Ids are never used again.
func NewID(prefix string) string {
	return prefix + strings.ToLower(rand.Text())
}
