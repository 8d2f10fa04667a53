package sqlstore

import (
	"context"

	"github.com/tabard-auth/tabard/backend/orgsession"
	"github.com/tabard-auth/tabard/backend/session"
)

const (
	selectOrganizationSessions = `
SELECT s.id, s.app, s.user_id, e.started_at, e.active_at, e.auth_time, e.acr, e.amr, e.connection, e.made_for, e.auth_until
FROM organization_sessions e JOIN sessions s ON s.id = e.session_id
WHERE e.organization_id = ?1 AND e.ended_at IS NULL AND s.revoked_at IS NULL AND s.expires_at > ?2
	AND (?3 = '' OR s.user_id = ?3) AND e.session_id > ?4 AND ` + parentLives + `
ORDER BY e.session_id
LIMIT ?5`

	endOrganizationSession = `
UPDATE organization_sessions SET ended_at = ?3, ending = 'revoked'
WHERE organization_id = ?1 AND session_id = ?2 AND ended_at IS NULL`

	endOrganizationSessions = `
UPDATE organization_sessions SET ended_at = ?3, ending = 'revoked'
WHERE organization_id = ?1 AND ended_at IS NULL AND session_id IN (SELECT id FROM sessions WHERE user_id = ?2)`
)

// OrganizationSessions returns the live sessions that act for an organization, by id, starting
// after one, at most limit. If userID is not empty, it returns those of one person.
func (s organizationSessions) OrganizationSessions(ctx context.Context, organizationID, userID, after string, now int64, limit int) ([]orgsession.Record, error) {
	return collect(ctx, s, "organization sessions", scanOrganizationSession, selectOrganizationSessions, organizationID, now, userID, after, limit)
}

// EndOrganizationSession ends a session's organization session and reports whether there was one to
// end. The session itself goes on.
func (s organizationSessions) EndOrganizationSession(ctx context.Context, organizationID string, id session.ID, now int64) (bool, error) {
	ended, err := s.changed(ctx, "end organization session", endOrganizationSession, organizationID, id.String(), now)
	if err != nil {
		return ended, err
	}
	return ended, s.endChildren(ctx, id, organizationID, now)
}

// EndOrganizationSessions ends the organization sessions of all of a person's sessions in one
// organization.
func (s organizationSessions) EndOrganizationSessions(ctx context.Context, organizationID, userID string, now int64) error {
	return s.change(ctx, "end organization sessions", endOrganizationSessions, organizationID, userID, now)
}

func scanOrganizationSession(row scanner) (d orgsession.Record, err error) {
	var id string
	a := &d.OrganizationSession.Authentication
	if err := row.Scan(&id, &d.App, &d.UserID, &d.OrganizationSession.StartedAt, &d.OrganizationSession.ActiveAt,
		&a.Time, &a.ACR, (*list)(&a.AMR), &a.Connection, &a.Organization, &a.Until); err != nil {
		return d, err
	}
	a.Time = readTime(a.Time)
	d.SessionID, err = session.ParseID(id)
	return d, err
}
