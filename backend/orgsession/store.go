// Package orgsession keeps the organization sessions: a session acting for one
// organization. What one is, and what the rules make of it, is policy's; here it is
// begun, raised, left and superseded in the store, and recorded in the audit log.
package orgsession

import (
	"context"
	"errors"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/backend/session"
)

// Record is an organization session with whose it is.
type Record struct {
	SessionID session.ID
	App       string
	UserID    string
	Stay      policy.OrganizationSession
}

// ErrEnded is the error of entering an organization that was signed out of meanwhile.
var ErrEnded = errors.New("orgsession: the organization session has ended meanwhile")

// ErrOvertaken refuses to end an organization session for idleness in which somebody
// was active meanwhile: who asks again finds it alive.
var ErrOvertaken = errors.New("orgsession: somebody was active in the organization meanwhile")

// Store keeps where sessions stand in organizations, and what they authenticated
// with.
//
// Where access to an organization was taken away and returns, by whatever way, the
// organization sessions from before have ended (policy.Removed).
type Store interface {
	// Enter starts the organization session, or starts it anew where it ended at
	// o.EndedAt, the end that was read before. One that ended since, while the mint
	// was under way, stays ended: ErrEnded.
	Enter(ctx context.Context, id session.ID, organizationID string, o policy.OrganizationSession) error
	// Leave ends the organization session at o.EndedAt, also one that was never
	// entered: a mint under way does not start it after that. It ends nothing, and
	// says so, where it has ended before or the person was active after o.ActiveAt.
	Leave(ctx context.Context, id session.ID, organizationID string, o policy.OrganizationSession) (ended bool, err error)
	// Inherit gives a session that was entered from another what that one has in the
	// only organization that it opens: the organization session as it stands, and the
	// authentications. ErrEnded where that has ended.
	//
	// What was entered from an organization session ends with it, where Leave ends that
	// by a sign-out, or Supersede does, or an administrator.
	Inherit(ctx context.Context, child session.ID) error
	// Follow gives a session that a step-up began a copy of what the one that it replaces
	// has entered and authenticated.
	Follow(ctx context.Context, id session.ID) error
	// TakeOver puts a session in the place of another, for the step-up that began it: it
	// has from then on what the other has entered and authenticated, and what was entered
	// from the other; the other ends. An organization session that both have goes on from
	// the later start, and has ended where either has. Called again it does the rest of
	// what it was kept from.
	TakeOver(ctx context.Context, from, to session.ID, now int64) error
	// Touch writes down that the person was active at o.ActiveAt, unless the
	// organization session has ended or they were seen later.
	Touch(ctx context.Context, id session.ID, organizationID string, o policy.OrganizationSession) error
	// Raise gives an organization session that has not ended the authentication that
	// satisfies it.
	Raise(ctx context.Context, id session.ID, organizationID string, a policy.Authentication) error
	// Supersede ends the organization sessions of the person's other sessions, those
	// idle longest first, until there are most of them with the session's own.
	Supersede(ctx context.Context, id session.ID, organizationID string, most, now int64) error
	// Authenticate adds an event to the session's authentications;
	// session.ErrAttemptUsed where the attempt brought another one before.
	Authenticate(ctx context.Context, id session.ID, attempt string, a policy.Authentication) error
	// Authentications returns what Authenticate added, the newest first.
	Authentications(ctx context.Context, id session.ID) ([]policy.Authentication, error)
	// SessionStays returns the live sessions that act for an organization, of one person
	// where userID is not empty, by id, those after one, at most limit.
	SessionStays(ctx context.Context, organizationID, userID, after string, now int64, limit int) ([]Record, error)
	// Subject is directory.Store's.
	Subject(ctx context.Context, id session.ID, ref string, now int64) (directory.Subject, error)
}
