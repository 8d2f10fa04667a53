// Package audit owns the trail: what happened to sessions, members and settings,
// who did it, for whom, in which organisation, and how it ended.
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
	// Actor is who did it: a person's id, an administration key's, or Server.
	Actor string
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
	// StepUp is a further authentication, for an organisation that asked for it.
	StepUp Action = "organization.step_up"
	// RefreshTokenReused is theft found: two parties held one session's tokens.
	RefreshTokenReused Action = "session.reused"
	// SessionLost is a session that the store had forgotten rotations of.
	SessionLost Action = "session.lost"
	// SessionRepaired is what would have been either, from a browser that proved
	// the session's device key.
	SessionRepaired Action = "session.repaired"
	ProofRefused    Action = "proof.refused"
	// MakeSigningKey and RetireSigningKey are about the key that the event's id names.
	MakeSigningKey   Action = "signing_key.make"
	RetireSigningKey Action = "signing_key.retire"
)

// Outcome is how it ended.
type Outcome string

// The outcomes.
const (
	Done    Outcome = "done"
	Refused Outcome = "refused"
)

// Actors who are neither persons nor keys.
const (
	Server      = "server"       // of what nobody asked for
	CommandLine = "command line" // whoever may open the database
)

// Query selects events, the newest first.
type Query struct {
	OrganizationID string // "" means of all
	UserID         string // "" means of all
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
