package sqlstore

import (
	"context"
	"strings"

	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/session"
)

// insertEventIf records an event if a condition is true, whose parameters begin with ?16.
const insertEventIf = `
INSERT INTO audit (id, at, action, outcome, reason, actor, user_id, organization_id, session_id, app, address, actor_name, target, note, expires_at)
SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15 WHERE `

const (
	always         = `1 = 1`
	isEntered      = `EXISTS (SELECT 1 FROM organization_sessions WHERE session_id = ?16 AND organization_id = ?17 AND ended_at IS NULL)`
	isStored       = `EXISTS (SELECT 1 FROM sessions WHERE id = ?16 AND secret = ?17)`
	recordedBefore = ` ON CONFLICT (id) DO NOTHING`
)

// accompanied runs statements with their events, which are recorded if a condition is true
// after the statements. Without a database that takes several at once, it only runs the
// statements.
func (db *database) accompanied(ctx context.Context, what string, with []*audit.Companion, condition string, args []any, all ...*Statement) error {
	if db.batch == nil {
		with = nil
	}
	for _, c := range with {
		all = append(all, &Statement{Text: insertEventIf + condition + recordedBefore, Args: append(eventArgs(c.Event), args...)})
	}
	if err := db.together(ctx, what, all...); err != nil {
		return err
	}
	for _, c := range with {
		c.Recorded = true
	}
	return nil
}

// CreateAccompanied is Create with an event, which a refused attempt does not record.
func (s sessions) CreateAccompanied(ctx context.Context, n session.Session, with *audit.Companion) error {
	return s.create(ctx, n, with)
}

// RevokeAccompanied is Revoke with an event.
func (s sessions) RevokeAccompanied(ctx context.Context, id session.ID, reason session.Reason, now int64, with *audit.Companion) error {
	revoke := &Statement{Text: revokeSession, Args: []any{id.String(), now, string(reason)}}
	return s.accompanied(ctx, "revoke session", []*audit.Companion{with}, always, nil, revoke)
}

// returns reports whether a statement that writes answers with a row.
func returns(statement string) bool { return strings.Contains(statement, "\nRETURNING ") }
