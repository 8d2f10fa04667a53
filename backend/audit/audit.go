// Package audit is the audit log of sessions, members and settings: each action with
// its actor, the person concerned, the organization and the outcome.
package audit

import (
	"context"
	"time"
)

// Trail records the events of one request.
type Trail interface {
	// Audit records an event. If that fails, it logs the event that the audit log misses.
	Audit(Event) error
	// Complete adds to an event what Audit adds.
	Complete(Event) Event
}

// Event is an entry of the audit log.
type Event struct {
	// ID names the event. Recorded twice, it counts once.
	ID string
	// At is in Unix seconds.
	At      int64
	Action  Action
	Outcome Outcome
	// Reason is a stable code, if the outcome has one.
	Reason string
	// Actor is the id of a person or of an administration key, Server or CommandLine.
	// ActorName is an administrator's display name.
	Actor     string
	ActorName string
	// Target is the subject of administration if it is not a person, organization or
	// session: a key's id, a connection's.
	Target string
	// Note is an administrator's remark. ExpiresAt is the end of validity, in Unix
	// seconds, or 0.
	Note      string
	ExpiresAt int64
	// UserID, OrganizationID, SessionID and App are the subjects of the event. Each is
	// empty if it does not apply.
	UserID         string
	OrganizationID string
	SessionID      string
	App            string
	// Address is the network address of the request.
	Address string
}

// Action is the kind of an event.
type Action string

// The actions of people and of the server itself.
const (
	SignIn            Action = "sign_in"
	SignOut           Action = "sign_out"
	EnterOrganization Action = "organization.enter"
	LeaveOrganization Action = "organization.leave"
	// StepUp is a further authentication that an organization required.
	StepUp Action = "organization.step_up"
	// RefreshTokenReused is a detected theft: two parties held one session's tokens.
	RefreshTokenReused Action = "session.reused"
	// SessionLost is a session whose rotations the store had lost.
	SessionLost Action = "session.lost"
	// SessionRepaired would have been one of the two above, but the browser proved the
	// session's device key.
	SessionRepaired Action = "session.repaired"
	ProofRefused    Action = "proof.refused"
	// MintToken is the refusal of an access token, with its reason.
	MintToken Action = "token.mint"
	// EnterApp is a session made in an app for a person that is signed in to another
	// app. The actor is the workspace API key, and the reason of a refusal is the
	// missing condition. HandOver is a code for such a session. RenewInApp is a refused
	// refresh token of an app's server.
	EnterApp   Action = "app.enter"
	HandOver   Action = "app.hand_over"
	RenewInApp Action = "app.renew"
	// JoinOrigin is a session that another origin of the app gets by the browser's first one.
	JoinOrigin Action = "origin.join"
	// LinkIdentity links an identity at an organization's own provider to a person. It
	// is refused if the identity is linked to another person.
	LinkIdentity   Action = "identity.link"
	UnlinkIdentity Action = "identity.unlink"
	// MakeSigningKey and RetireSigningKey concern the key that the event's id names.
	MakeSigningKey   Action = "signing_key.make"
	RetireSigningKey Action = "signing_key.retire"
)

// Changes of an organization's connections.
const (
	CreateConnection  Action = "connection.create"
	UpdateConnection  Action = "connection.update"
	EnableConnection  Action = "connection.enable"
	DisableConnection Action = "connection.disable"
	DeleteConnection  Action = "connection.delete"
)

// Changes of an organization's domains. The Note names the domain. VerifyDomain and
// LoseDomain are the results of a check; the Reason of the latter says why.
const (
	CreateDomain Action = "domain.create"
	ReadDomain   Action = "domain.read"
	CheckDomain  Action = "domain.check"
	VerifyDomain Action = "domain.verify"
	LoseDomain   Action = "domain.lose"
	DeleteDomain Action = "domain.delete"
)

// Actions of administrators.
const (
	CreateOrganization  Action = "organization.create"
	ReadOrganization    Action = "organization.read"
	UpdateOrganization  Action = "organization.update"
	DisableOrganization Action = "organization.disable"
	EnableOrganization  Action = "organization.enable"
	DeleteOrganization  Action = "organization.delete"
	AdmitMember         Action = "member.admit"
	// InviteMember is an invitation. Its Note is the administrator's name for the
	// person. AcceptInvitation is the person's acceptance. The Target of both is the
	// invitation's id.
	InviteMember     Action = "member.invite"
	AcceptInvitation Action = "member.accept"
	ReadMember       Action = "member.read"
	UpdateMember     Action = "member.update"
	RemoveMember     Action = "member.remove"
	// KeepMember leaves roles and memberships as they are, for the reason why it is not
	// known what the person's provider says of them (directory.Unknown).
	KeepMember    Action = "member.keep"
	DisableMember Action = "member.disable"
	EnableMember  Action = "member.enable"
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
	ReadAuditLog   Action = "audit.read"
	CreateKey      Action = "key.create"
	ReadKey        Action = "key.read"
	RevokeKey      Action = "key.revoke"
	// UseKey is the refused use of a key that was revoked or has expired.
	UseKey Action = "key.use"
	// UpdateWorkspace replaces the workspace's document: apps, roles, policy, sign-ins.
	ReadWorkspace   Action = "workspace.read"
	UpdateWorkspace Action = "workspace.update"
	// ApplyFile is the application of a workspace file that made changes.
	ApplyFile Action = "workspace.apply"
	// AcceptRestore lets a database that was restored from a backup be served.
	AcceptRestore Action = "workspace.restore"
)

// Outcome is the result of an action.
type Outcome string

// The outcomes.
const (
	Done    Outcome = "done"
	Refused Outcome = "refused"
)

// ByStaff is the reason of an event that staff access made possible.
const ByStaff = "staff"

// TooLarge is the reason of a token that is too large for a verifier.
const TooLarge = "too_large"

// Actors that are neither persons nor keys.
const (
	Server        = "server"         // of actions without a request
	CommandLine   = "command line"   // any user that can open the database
	WorkspaceFile = "workspace_file" // of changes in an applied workspace file
)

// Query selects events, newest first.
type Query struct {
	OrganizationID string // "" means all
	UserID         string // "" means all
	Action         Action // "" means all
	Actor          string // "" means all
	// Since and Until limit the time, inclusive. 0 means no limit.
	Since, Until int64
	// Before is the position of the last event of the previous page. Its zero value
	// selects the first page.
	Before Position
	Limit  int
}

// Position is an event's position in the audit log.
type Position struct {
	At int64
	ID string
}

// Export is how far a named export of the audit log has come.
type Export struct {
	Name string
	Position
	// Waiting is the time of the oldest event that it has not written, or 0.
	Waiting int64
}

// Behind returns how long the oldest event waits that the export has not written.
func (e Export) Behind(now time.Time) time.Duration {
	if e.Waiting == 0 {
		return 0
	}
	return max(now.Sub(time.Unix(e.Waiting, 0)), 0)
}

// LateExport is how far an export is behind that seems to run no more.
const LateExport = 3 * 24 * time.Hour

// Store stores the audit log.
type Store interface {
	// RecordEvent stores an event. If an event with its ID exists, that is kept
	// unchanged.
	RecordEvent(ctx context.Context, e Event) error
	// Recorded returns the time of the event with an ID, or 0 if there is none.
	Recorded(ctx context.Context, id string) (at int64, err error)
	// Events returns a page of the audit log.
	Events(ctx context.Context, q Query) ([]Event, error)
}
