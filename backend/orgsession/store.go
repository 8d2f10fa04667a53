// Package orgsession implements the transitions of organization sessions: a session
// acting for one organization. Package policy defines them and their rules. This
// package starts, steps up, ends and supersedes them in the store, and records that in
// the audit log.
package orgsession

import (
	"context"
	"errors"

	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/backend/session"
)

// Record is an organization session with its owner.
type Record struct {
	SessionID           session.ID
	App                 string
	UserID              string
	OrganizationSession policy.OrganizationSession
}

// ErrEnded is the error of entering an organization that the session signed out of
// meanwhile.
var ErrEnded = errors.New("orgsession: the organization session has ended meanwhile")

// ErrOvertaken refuses to end an organization session for idleness because the person
// was active meanwhile. The next request finds it alive.
var ErrOvertaken = errors.New("orgsession: the person was active in the organization meanwhile")

// Store stores the organization sessions and the authentications of sessions.
//
// If access to an organization was taken away and returns, by any means, the earlier
// organization sessions have ended (policy.Removed).
type Store interface {
	// Enter starts the organization session, or restarts the one that ended at
	// o.EndedAt, the end that was read before. If it ended again during the mint, it
	// stays ended and Enter returns ErrEnded. The companions are recorded if it is live.
	Enter(ctx context.Context, id session.ID, organizationID string, o policy.OrganizationSession, with ...*audit.Companion) error
	// Leave ends the organization session at o.EndedAt, even one that was never
	// entered, so that a mint in progress does not start it afterward. It changes
	// nothing and returns false if the organization session has ended before or the
	// person was active after o.ActiveAt. The companions are recorded in any case.
	Leave(ctx context.Context, id session.ID, organizationID string, o policy.OrganizationSession, with ...*audit.Companion) (ended bool, err error)
	// Inherit copies to a session that was entered from another the parent's state in
	// the only organization that it opens: the organization session and the
	// authentications. It returns ErrEnded if the parent's has ended.
	//
	// A session that was entered from an organization session ends with it, if Leave
	// (by a sign-out), Supersede or an administrator ends that.
	Inherit(ctx context.Context, child session.ID) error
	// Follow copies the organization sessions and authentications of the session that a
	// step-up replaces to the new one.
	Follow(ctx context.Context, id session.ID) error
	// TakeOver completes a step-up that began a new session: it moves the organization
	// sessions, the authentications and the children of the session from to the session
	// to, and ends from. If both have an organization session, the later start applies,
	// and it has ended if either has. A repeated call completes an interrupted one.
	TakeOver(ctx context.Context, from, to session.ID, now int64) error
	// Touch writes down that the person was active at o.ActiveAt, unless the
	// organization session has ended or they were seen later.
	Touch(ctx context.Context, id session.ID, organizationID string, o policy.OrganizationSession) error
	// SetAuthentication stores the authentication that satisfies an organization session, if it has
	// not ended.
	SetAuthentication(ctx context.Context, id session.ID, organizationID string, a policy.Authentication) error
	// Supersede ends organization sessions of the person's other sessions, the longest
	// idle first, until most are left including the session's own.
	Supersede(ctx context.Context, id session.ID, organizationID string, most, now int64) error
	// Authenticate adds an event to the session's authentications. It returns
	// session.ErrAttemptUsed if the attempt added a different one before.
	Authenticate(ctx context.Context, id session.ID, attempt string, a policy.Authentication) error
	// Authentications returns the events that Authenticate added, newest first.
	Authentications(ctx context.Context, id session.ID) ([]policy.Authentication, error)
	// OrganizationSessions returns the live sessions that act for an organization, of one
	// person if userID is not empty, ordered by id, starting after the given id, at
	// most limit.
	OrganizationSessions(ctx context.Context, organizationID, userID, after string, now int64, limit int) ([]Record, error)
	// Subject is the method of directory.Store.
	Subject(ctx context.Context, id session.ID, ref string, now int64) (directory.Subject, error)
}
