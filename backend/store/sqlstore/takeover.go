package sqlstore

import (
	"context"

	"github.com/tabard-auth/tabard/backend/session"
)

// The parts of a take-over by a session that a step-up began. Each statement can be
// repeated. The first three come before the others, so that children never have an ended
// parent and nothing new begins in the old session meanwhile.
const (
	takeChildren = `
UPDATE sessions SET parent_id = ?2
WHERE parent_id = ?1 AND EXISTS (
	SELECT 1 FROM sessions f WHERE f.id = ?1 AND (f.revoked_at IS NULL OR f.revoke_reason = 'step_up'))`

	// Before the end of the session, which deletes its tokens. Those that the step-up brought
	// are newer.
	takeProviderTokens = `
UPDATE provider_tokens SET session_id = ?2
WHERE session_id = ?1 AND NOT EXISTS (
	SELECT 1 FROM provider_tokens t WHERE t.session_id = ?2 AND t.connection = provider_tokens.connection)`

	endReplaced = `
UPDATE sessions SET revoked_at = ?3, revoke_reason = 'step_up', replaced_by = ?2
WHERE id = ?1 AND revoked_at IS NULL`

	takeAuthentications = `
UPDATE authentications SET session_id = ?2
WHERE session_id = ?1 AND NOT EXISTS (SELECT 1 FROM authentications c WHERE c.attempt = authentications.attempt || '/' || ?2)`

	followAuthentications = `
INSERT INTO authentications (session_id, attempt, auth_time, acr, amr, connection, made_for, until, confirmed_at)
SELECT s.id, a.attempt || '/' || s.id, a.auth_time, a.acr, a.amr, a.connection, a.made_for, a.until, a.confirmed_at
FROM sessions s JOIN authentications a ON a.session_id = s.replaces
WHERE s.id = ?1
ON CONFLICT (attempt) DO NOTHING`

	copyOrganizationSessions = `
INSERT INTO organization_sessions (session_id, organization_id, auth_time, acr, amr, connection, made_for, auth_until,
	started_at, active_at, ended_at, ending)
SELECT s.id, e.organization_id, e.auth_time, e.acr, e.amr, e.connection, e.made_for, e.auth_until,
	e.started_at, e.active_at, e.ended_at, e.ending
FROM sessions s JOIN organization_sessions e ON e.session_id = s.replaces
WHERE s.id = ?1
ON CONFLICT (session_id, organization_id) DO NOTHING`

	// The sign-in, if it differs from the other session's.
	takeSignIn = `
INSERT INTO authentications (session_id, attempt, auth_time, acr, amr, connection, made_for)
SELECT t.id, 'sign-in/' || f.id, f.auth_time, f.acr, f.amr, f.connection, ''
FROM sessions f JOIN sessions t ON t.id = ?2
WHERE f.id = ?1 AND (f.auth_time <> t.auth_time OR f.acr <> t.acr OR f.amr <> t.amr OR f.connection <> t.connection)
ON CONFLICT (attempt) DO NOTHING`

	takeOrganizationSessions = `
INSERT INTO organization_sessions (session_id, organization_id, auth_time, acr, amr, connection, made_for, auth_until,
	started_at, active_at, ended_at, ending)
SELECT ?2, e.organization_id, e.auth_time, e.acr, e.amr, e.connection, e.made_for, e.auth_until,
	e.started_at, e.active_at, e.ended_at, e.ending
FROM organization_sessions e WHERE e.session_id = ?1
ON CONFLICT (session_id, organization_id) DO UPDATE SET
	started_at = excluded.started_at,
	active_at = CASE WHEN excluded.active_at > organization_sessions.active_at THEN excluded.active_at ELSE organization_sessions.active_at END,
	ended_at = CASE WHEN excluded.started_at = organization_sessions.started_at AND organization_sessions.ended_at IS NOT NULL
		THEN organization_sessions.ended_at ELSE excluded.ended_at END,
	ending = CASE WHEN excluded.started_at = organization_sessions.started_at AND organization_sessions.ended_at IS NOT NULL
		THEN organization_sessions.ending ELSE excluded.ending END
WHERE excluded.started_at >= organization_sessions.started_at`

	leaveOrganizationSessions = `
DELETE FROM organization_sessions WHERE session_id = ?1`
)

// TakeOver implements directory.Stays.
func (s organizationSessions) TakeOver(ctx context.Context, from, to session.ID, now int64) error {
	ids := []any{from.String(), to.String()}
	for _, step := range []struct {
		statement string
		args      []any
	}{
		{takeChildren, ids}, {takeProviderTokens, ids}, {scheduleRevalidation, []any{to.String(), sign(false)}}, {endReplaced, append(ids, now)}, {takeAuthentications, ids}, {takeSignIn, ids},
		{takeOrganizationSessions, ids}, {leaveOrganizationSessions, ids[:1]},
	} {
		if err := s.change(ctx, "take over", step.statement, step.args...); err != nil {
			return err
		}
	}
	return nil
}

// Follow implements directory.Stays.
func (s organizationSessions) Follow(ctx context.Context, id session.ID) error {
	if err := s.change(ctx, "follow", followAuthentications, id.String()); err != nil {
		return err
	}
	return s.change(ctx, "follow", copyOrganizationSessions, id.String())
}
