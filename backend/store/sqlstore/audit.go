package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"

	"github.com/tabard-auth/tabard/backend/audit"
)

const (
	insertEvent = `
INSERT INTO audit (id, at, action, outcome, reason, actor, user_id, organization_id, session_id, app, address, actor_name, target, note, expires_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
ON CONFLICT (id) DO NOTHING`

	selectRecorded = `SELECT at FROM audit WHERE id = ?1`

	// One of these three, depending on the most selective condition. Each has an index.
	selectEvents               = events + `(?1 = '' OR organization_id = ?1) AND (?2 = '' OR user_id = ?2)` + eventsEnd
	selectEventsOfOrganization = events + `organization_id = ?1 AND (?2 = '' OR user_id = ?2)` + eventsEnd
	selectEventsOfUser         = events + `(?1 = '' OR organization_id = ?1) AND user_id = ?2` + eventsEnd

	events = `
SELECT id, at, action, outcome, reason, actor, user_id, organization_id, session_id, app, address, actor_name, target, note, expires_at
FROM audit WHERE `
	eventsEnd = ` AND (at < ?3 OR (at = ?3 AND id < ?4))
	AND (?6 = '' OR action = ?6) AND (?7 = '' OR actor = ?7) AND at >= ?8
ORDER BY at DESC, id DESC
LIMIT ?5`

	deleteEvents = `
DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE at < ?1 ORDER BY at, id LIMIT ?2)`
)

// auditLog stores the audit log.
type auditLog struct{ *database }

// RecordEvent implements audit.Store.
func (s auditLog) RecordEvent(ctx context.Context, e audit.Event) error {
	return s.change(ctx, "record event", insertEvent, eventArgs(e)...)
}

// Recorded implements audit.Store.
func (s auditLog) Recorded(ctx context.Context, id string) (at int64, err error) {
	err = s.row(ctx, selectRecorded, id).Scan(&at)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("sqlstore: event: %w", err)
	}
	return at, nil
}

func eventArgs(e audit.Event) []any {
	return []any{e.ID, e.At, string(e.Action), string(e.Outcome), e.Reason,
		e.Actor, e.UserID, e.OrganizationID, e.SessionID, e.App, e.Address, e.ActorName, e.Target, e.Note, e.ExpiresAt}
}

// Events implements audit.Store.
func (s auditLog) Events(ctx context.Context, q audit.Query) ([]audit.Event, error) {
	if q.Before == (audit.Position{}) {
		q.Before.At = math.MaxInt32 * 1000 // later than every time that D1 binds exactly
		if q.Until != 0 {
			q.Before.At = q.Until + 1
		}
	}
	statement := selectEvents
	switch {
	case q.OrganizationID != "":
		statement = selectEventsOfOrganization
	case q.UserID != "":
		statement = selectEventsOfUser
	}
	return collect(ctx, s, "events", scanEvent, statement, q.OrganizationID, q.UserID, q.Before.At, q.Before.ID, q.Limit,
		string(q.Action), q.Actor, q.Since)
}

// DeleteEvents deletes events from before a time (Unix seconds), oldest first, at most
// limit. It returns their number.
func (s auditLog) DeleteEvents(ctx context.Context, before, limit int64) (int64, error) {
	result, err := s.exec(ctx, deleteEvents, before, limit)
	if err != nil {
		return 0, fmt.Errorf("sqlstore: forget events: %w", err)
	}
	return result.RowsAffected()
}

func scanEvent(row scanner) (e audit.Event, err error) {
	err = row.Scan(&e.ID, &e.At, &e.Action, &e.Outcome, &e.Reason, &e.Actor, &e.UserID,
		&e.OrganizationID, &e.SessionID, &e.App, &e.Address, &e.ActorName, &e.Target, &e.Note, &e.ExpiresAt)
	return e, err
}
