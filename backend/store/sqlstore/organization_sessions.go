package sqlstore

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/orgsession"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/backend/session"
)

const (
	enterOrganization = `
INSERT INTO organization_sessions (session_id, organization_id, auth_time, acr, amr, connection, made_for, auth_until,
	started_at, active_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
ON CONFLICT (session_id, organization_id) DO UPDATE SET
	started_at = excluded.started_at, active_at = excluded.active_at, ended_at = NULL, ending = '',
	auth_time = excluded.auth_time, acr = excluded.acr, amr = excluded.amr,
	connection = excluded.connection, made_for = excluded.made_for, auth_until = excluded.auth_until
WHERE organization_sessions.ended_at = ?11`

	selectEnded = `
SELECT ended_at FROM organization_sessions WHERE session_id = ?1 AND organization_id = ?2`

	leaveOrganization = `
INSERT INTO organization_sessions (session_id, organization_id, auth_time, acr, amr, connection, made_for, auth_until,
	started_at, active_at, ended_at, ending)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
ON CONFLICT (session_id, organization_id) DO UPDATE SET ended_at = excluded.ended_at, ending = excluded.ending
WHERE organization_sessions.ended_at IS NULL AND organization_sessions.active_at <= excluded.active_at
RETURNING session_id`

	touchOrganization = `
UPDATE organization_sessions SET active_at = ?3
WHERE session_id = ?1 AND organization_id = ?2 AND ended_at IS NULL AND active_at < ?3`

	raiseOrganization = `
UPDATE organization_sessions SET auth_time = ?3, acr = ?4, amr = ?5, connection = ?6, made_for = ?7, auth_until = ?8
WHERE session_id = ?1 AND organization_id = ?2 AND ended_at IS NULL`

	// Sessions entered from a session count with it. SQLite has no OFFSET without a
	// LIMIT, and PostgreSQL requires a positive one.
	supersedeOrganization = `
UPDATE organization_sessions SET ended_at = ?4, ending = 'superseded'
WHERE organization_id = ?2 AND ended_at IS NULL AND session_id IN (
	SELECT e.session_id FROM sessions own
	JOIN sessions s ON s.user_id = own.user_id AND s.revoked_at IS NULL AND s.expires_at > ?4 AND s.parent_id IS NULL
	JOIN organization_sessions e ON e.session_id = s.id AND e.organization_id = ?2 AND e.ended_at IS NULL
	WHERE own.id = ?1
	ORDER BY CASE WHEN e.session_id = COALESCE(own.parent_id, own.id) THEN 0 ELSE 1 END, e.active_at DESC, e.session_id
	LIMIT 1000000 OFFSET ?3)`

	insertAuthentication = `
INSERT INTO authentications (session_id, attempt, auth_time, acr, amr, connection, made_for, until, confirmed_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
ON CONFLICT (attempt) DO NOTHING`

	selectAuthentication = `
SELECT COUNT(*) FROM authentications
WHERE session_id = ?1 AND attempt = ?2 AND auth_time = ?3 AND acr = ?4 AND amr = ?5 AND connection = ?6 AND made_for = ?7
	AND until = ?8 AND confirmed_at = ?9`

	selectAuthentications = `
SELECT auth_time, acr, amr, connection, made_for, until, confirmed_at FROM authentications
WHERE session_id = ?1 ORDER BY auth_time DESC, attempt LIMIT 50`
)

// organizationSessions stores the organization sessions.
type organizationSessions struct{ *database }

// Enter implements orgsession.Store.
func (s organizationSessions) Enter(ctx context.Context, id session.ID, organizationID string, o policy.OrganizationSession, with ...*audit.Companion) error {
	enter := &Statement{Text: enterOrganization, Args: append(authenticated(id, organizationID, o.Authentication), o.StartedAt, o.ActiveAt, o.EndedAt)}
	var ended sql.NullInt64
	of := []any{id.String(), organizationID}
	read := &Statement{Text: selectEnded, Args: of, Fields: []any{&ended}}
	if err := s.accompanied(ctx, "enter organization", with, isEntered, of, enter, read); err != nil {
		return err
	}
	switch {
	case !read.Found:
		return fmt.Errorf("sqlstore: enter organization: %w", sql.ErrNoRows)
	case ended.Valid:
		return orgsession.ErrEnded
	}
	return nil
}

// Leave implements orgsession.Store.
func (s organizationSessions) Leave(ctx context.Context, id session.ID, organizationID string, o policy.OrganizationSession, with ...*audit.Companion) (bool, error) {
	args := append(authenticated(id, organizationID, o.Authentication), o.StartedAt, o.ActiveAt, o.EndedAt, string(o.EndReason))
	var left string
	all := []*Statement{{Text: leaveOrganization, Args: args, Fields: []any{&left}}}
	if o.EndReason == policy.SignedOut {
		all = append(all, endChildrenOf(id, organizationID, o.EndedAt))
	}
	if err := s.accompanied(ctx, "leave organization", with, always, nil, all...); err != nil {
		return false, err
	}
	return all[0].Found, nil
}

// Touch implements orgsession.Store.
func (s organizationSessions) Touch(ctx context.Context, id session.ID, organizationID string, o policy.OrganizationSession) error {
	return s.change(ctx, "touch organization", touchOrganization, id.String(), organizationID, o.ActiveAt)
}

// SetAuthentication implements orgsession.Store.
func (s organizationSessions) SetAuthentication(ctx context.Context, id session.ID, organizationID string, a policy.Authentication) error {
	return s.change(ctx, "raise organization", raiseOrganization, authenticated(id, organizationID, a)...)
}

// Supersede implements orgsession.Store.
func (s organizationSessions) Supersede(ctx context.Context, id session.ID, organizationID string, most, now int64) error {
	supersede := &Statement{Text: supersedeOrganization, Args: []any{id.String(), organizationID, most, now}}
	return s.together(ctx, "supersede", supersede, endChildrenOf(id, organizationID, now))
}

// Authenticate implements orgsession.Store.
func (s organizationSessions) Authenticate(ctx context.Context, id session.ID, attempt string, a policy.Authentication) error {
	args := append(authenticated(id, attempt, a), a.ConfirmedAt)
	var n int
	insert := &Statement{Text: insertAuthentication, Args: args}
	read := &Statement{Text: selectAuthentication, Args: args, Fields: []any{&n}}
	if err := s.together(ctx, "authenticate", insert, read); err != nil {
		return err
	}
	if n == 0 {
		return session.ErrAttemptUsed
	}
	return nil
}

// Authentications implements orgsession.Store.
func (s organizationSessions) Authentications(ctx context.Context, id session.ID) ([]policy.Authentication, error) {
	return collect(ctx, s, "authentications", scanAuthentication, selectAuthentications, id.String())
}

func scanAuthentication(row scanner) (a policy.Authentication, err error) {
	err = row.Scan(&a.Time, &a.ACR, (*list)(&a.AMR), &a.Connection, &a.Organization, &a.Until, &a.ConfirmedAt)
	a.Time = readTime(a.Time)
	return a, err
}

// unknownTime is the auth_time of an authentication whose time the provider does not
// send. It is not 0, which the previous release takes for earlier than any end. With 1,
// that release also finds an unknown time too old for every rule about age, and
// sufficient without one.
const unknownTime = 1

func storedTime(t int64) int64 { return max(t, unknownTime) }

func readTime(t int64) int64 {
	if t <= unknownTime {
		return 0
	}
	return t
}

// authenticated returns the parameters for a session's authentication in every
// statement: for an organization, or by an attempt.
func authenticated(id session.ID, of string, a policy.Authentication) []any {
	return []any{id.String(), of, storedTime(a.Time), a.ACR, list(a.AMR).text(), a.Connection, a.Organization, a.Until}
}
