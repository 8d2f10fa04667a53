// Package audit owns the trail: what happened to sessions, members and settings,
// who did it, for whom, in which organization, and how it ended.
package audit

import "context"

// Event is one thing that happened.
type Event struct {
	// ID names the occurrence: recorded twice, it counts once.
	ID string
	// At is in Unix seconds.
	At      int64
	Action  Action
	Outcome Outcome
	// Reason is a stable code, where the outcome has one.
	Reason string
	// Actor is who did it: a person's id, an administration key's, Server or
	// CommandLine. ActorName is what people call an administrator.
	Actor     string
	ActorName string
	// Target is what was administered where it is neither person, organization nor
	// session: a key's id, a connection's.
	Target string
	// Note is what an administrator said of it, in their own words, and ExpiresAt until
	// when it holds, in Unix seconds; 0 says nothing.
	Note      string
	ExpiresAt int64
	// UserID, OrganizationID, SessionID and App say whom and what it is about;
	// empty where it is about none.
	UserID         string
	OrganizationID string
	SessionID      string
	App            string
	// Address is where the request came from.
	Address string
}

// Action is what was done.
type Action string

// The actions of people and of the server itself.
const (
	SignIn            Action = "sign_in"
	SignOut           Action = "sign_out"
	EnterOrganization Action = "organization.enter"
	LeaveOrganization Action = "organization.leave"
	// StepUp is a further authentication, for an organization that asked for it.
	StepUp Action = "organization.step_up"
	// RefreshTokenReused is theft found: two parties held one session's tokens.
	RefreshTokenReused Action = "session.reused"
	// SessionLost is a session that the store had forgotten rotations of.
	SessionLost Action = "session.lost"
	// SessionRepaired is what would have been either, from a browser that proved
	// the session's device key.
	SessionRepaired Action = "session.repaired"
	ProofRefused    Action = "proof.refused"
	// MintToken is an access token that was refused, for the reason that it gives.
	MintToken Action = "token.mint"
	// EnterApp is a session that somebody gets in an app because they are signed in to
	// another; the actor is the workspace API key, and the reason of a refusal what was
	// missing. HandOver is a code for one, and RenewInApp a refresh token that an app's
	// server was refused.
	EnterApp   Action = "app.enter"
	HandOver   Action = "app.hand_over"
	RenewInApp Action = "app.renew"
	// LinkIdentity makes somebody at an organization's own provider be a person; refused
	// where they are somebody else.
	LinkIdentity   Action = "identity.link"
	UnlinkIdentity Action = "identity.unlink"
	// MakeSigningKey and RetireSigningKey are about the key that the event's id names.
	MakeSigningKey   Action = "signing_key.make"
	RetireSigningKey Action = "signing_key.retire"
)

// The changes of an organization's connections.
const (
	CreateConnection  Action = "connection.create"
	UpdateConnection  Action = "connection.update"
	EnableConnection  Action = "connection.enable"
	DisableConnection Action = "connection.disable"
	DeleteConnection  Action = "connection.delete"
)

// The actions of administrators.
const (
	CreateOrganization  Action = "organization.create"
	ReadOrganization    Action = "organization.read"
	UpdateOrganization  Action = "organization.update"
	DisableOrganization Action = "organization.disable"
	EnableOrganization  Action = "organization.enable"
	DeleteOrganization  Action = "organization.delete"
	AdmitMember         Action = "member.admit"
	// InviteMember invites somebody, whom its Note names as the administrator did, and
	// AcceptInvitation is theirs. Both have the invitation's id for a Target.
	InviteMember     Action = "member.invite"
	AcceptInvitation Action = "member.accept"
	ReadMember       Action = "member.read"
	UpdateMember     Action = "member.update"
	RemoveMember     Action = "member.remove"
	DisableMember    Action = "member.disable"
	EnableMember     Action = "member.enable"
	// GrantStaff and EndStaff are about staff access, which its Note gives the reason of;
	// what is done by it has ByStaff for a Reason.
	GrantStaff     Action = "staff.grant"
	ReadStaff      Action = "staff.read"
	EndStaff       Action = "staff.end"
	ReadUser       Action = "user.read"
	DisableUser    Action = "user.disable"
	EnableUser     Action = "user.enable"
	ReadPolicy     Action = "policy.read"
	UpdatePolicy   Action = "policy.update"
	ReadSession    Action = "session.read"
	EndSession     Action = "session.end"
	ReadConnection Action = "connection.read"
	ReadTrail      Action = "audit.read"
	CreateKey      Action = "key.create"
	ReadKey        Action = "key.read"
	RevokeKey      Action = "key.revoke"
	// UseKey is recorded where a key that was revoked, or has expired, is refused.
	UseKey Action = "key.use"
	// ApplyFile is a workspace file that changed something.
	ApplyFile Action = "workspace.apply"
)

// Outcome is how it ended.
type Outcome string

// The outcomes.
const (
	Done    Outcome = "done"
	Refused Outcome = "refused"
)

// ByStaff is the reason of an entry that staff access let somebody do.
const ByStaff = "staff"

// TooLarge is the reason of a token that no verifier would have taken.
const TooLarge = "too_large"

// Actors who are neither persons nor keys.
const (
	Server        = "server"         // of what nobody asked for
	CommandLine   = "command line"   // whoever may open the database
	WorkspaceFile = "workspace_file" // of what one says that was applied
)

// Query selects events, the newest first.
type Query struct {
	OrganizationID string // "" means of all
	UserID         string // "" means of all
	Action         Action // "" means of all
	Actor          string // "" means of all
	// Since and Until bound the time, both included; 0 means unbounded.
	Since, Until int64
	// Before is where the page before ended; its zero value begins.
	Before Position
	Limit  int
}

// Position is an event's place in the trail.
type Position struct {
	At int64
	ID string
}

// Store keeps the trail.
type Store interface {
	// RecordEvent keeps an event; one whose ID is there already is kept as it is.
	RecordEvent(ctx context.Context, e Event) error
	// Events returns a page of the trail.
	Events(ctx context.Context, q Query) ([]Event, error)
}
