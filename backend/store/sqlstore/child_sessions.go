package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/tabard-auth/tabard/backend/orgsession"
	"github.com/tabard-auth/tabard/backend/session"
)

// The state that a session inherits from the session that it was entered from, and ends
// with.
const (
	inheritOrganizationSession = `
INSERT INTO organization_sessions (session_id, organization_id, auth_time, acr, amr, connection, made_for, auth_until,
	started_at, active_at)
SELECT s.id, e.organization_id, e.auth_time, e.acr, e.amr, e.connection, e.made_for, e.auth_until, e.started_at, e.active_at
FROM sessions s JOIN organization_sessions e ON e.session_id = s.parent_id AND e.organization_id = s.confined_to
WHERE s.id = ?1 AND e.ended_at IS NULL
ON CONFLICT (session_id, organization_id) DO NOTHING`

	selectInherited = `
SELECT e.ended_at FROM organization_sessions e JOIN sessions s ON s.id = e.session_id AND e.organization_id = s.confined_to
WHERE s.id = ?1`

	inheritAuthentications = `
INSERT INTO authentications (session_id, attempt, auth_time, acr, amr, connection, made_for, until)
SELECT s.id, a.attempt || '/' || s.id, a.auth_time, a.acr, a.amr, a.connection, a.made_for, a.until
FROM sessions s JOIN authentications a ON a.session_id = s.parent_id
WHERE s.id = ?1
ON CONFLICT (attempt) DO NOTHING`

	endChildren = `
UPDATE sessions SET revoked_at = ?3, revoke_reason = 'parent'
WHERE revoked_at IS NULL AND parent_id IS NOT NULL AND holder <> 'joined' AND confined_to = ?2
	AND user_id IN (SELECT user_id FROM sessions own WHERE own.id = ?1)
	AND EXISTS (
		SELECT 1 FROM organization_sessions e
		WHERE e.session_id = sessions.parent_id AND e.organization_id = ?2
			AND e.ending IN ('signed_out', 'revoked', 'superseded', 'provider_refused'))`
)

// Inherit implements orgsession.Store.
func (s organizationSessions) Inherit(ctx context.Context, child session.ID) error {
	if err := s.change(ctx, "inherit", inheritAuthentications, child.String()); err != nil {
		return err
	}
	if err := s.change(ctx, "inherit", inheritOrganizationSession, child.String()); err != nil {
		return err
	}
	var ended sql.NullInt64
	err := s.row(ctx, selectInherited, child.String()).Scan(&ended)
	switch {
	case errors.Is(err, sql.ErrNoRows) || err == nil && ended.Valid:
		return orgsession.ErrEnded
	case err != nil:
		return fmt.Errorf("sqlstore: inherit: %w", err)
	}
	return nil
}

// endChildrenOf ends the sessions that were entered from a person's organization sessions
// in an organization after these were ended for good. Idle time and age end each
// session by itself. It runs after those have ended, so that none is inherited in
// between.
func endChildrenOf(id session.ID, organizationID string, now int64) *Statement {
	return &Statement{Text: endChildren, Args: []any{id.String(), organizationID, now}}
}

func (s organizationSessions) endChildren(ctx context.Context, of session.ID, organizationID string, now int64) error {
	return s.together(ctx, "end what was entered from it", endChildrenOf(of, organizationID, now))
}
