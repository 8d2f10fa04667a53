package sqlstore

import (
	"context"
	"fmt"

	"github.com/tabard-auth/tabard/backend/session"
)

const (
	keepProviderToken = `
INSERT INTO provider_tokens (session_id, connection, token, answered_at, due_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
ON CONFLICT (session_id, connection) DO UPDATE SET token = excluded.token, answered_at = excluded.answered_at,
	due_at = excluded.due_at, unanswered = 0`

	forgetProviderToken = `
DELETE FROM provider_tokens WHERE session_id = ?1 AND connection = ?2`

	// The lease: of several mints that find the time come, one moves it.
	claimRevalidation = `
UPDATE sessions SET revalidate_at = CASE WHEN revalidate_at < 0 THEN -CAST(?3 AS BIGINT) ELSE CAST(?3 AS BIGINT) END
WHERE id = ?1 AND revalidate_at <> 0 AND ABS(revalidate_at) <= ?2 AND revoked_at IS NULL`

	// The last parameter is 1, or -1 to hold mints back.
	scheduleRevalidation = `
UPDATE sessions SET revalidate_at = CAST(?2 AS BIGINT) * COALESCE((
	SELECT MIN(t.due_at) FROM provider_tokens t WHERE t.session_id = sessions.id), 0)
WHERE id = ?1 AND parent_id IS NULL`

	followRevalidation = `
UPDATE sessions SET revalidate_at = (SELECT p.revalidate_at FROM sessions p WHERE p.id = sessions.parent_id)
WHERE id = ?1 AND parent_id IS NOT NULL
RETURNING revalidate_at`

	selectDueProviderTokens = `
SELECT connection, token, answered_at, due_at, unanswered, expires_at FROM provider_tokens
WHERE session_id = ?1 AND due_at <= ?2 ORDER BY connection`

	useProviderToken = `
UPDATE provider_tokens SET unanswered = unanswered + 1 WHERE session_id = ?1 AND connection = ?2 AND token = ?3`

	// A step-up may have moved the token to another session meanwhile.
	recordRevalidation = `
UPDATE provider_tokens SET token = ?4, answered_at = ?5, due_at = ?6, unanswered = ?7
WHERE session_id IN (?1, COALESCE((SELECT s.replaced_by FROM sessions s WHERE s.id = ?1), ''))
	AND connection = ?2 AND token = ?3`

	endConnected = `
UPDATE organization_sessions SET ended_at = ?3, ending = 'provider_refused'
WHERE session_id = ?1 AND connection = ?2 AND ended_at IS NULL`

	forgetAuthenticationsAt = `
DELETE FROM authentications WHERE session_id = ?1 AND connection = ?2`
)

// providerTokens stores the refresh tokens of providers.
type providerTokens struct{ *database }

// KeepProviderToken implements revalidation.Store.
func (s providerTokens) KeepProviderToken(ctx context.Context, t session.ProviderToken) error {
	return s.change(ctx, "keep a provider's token", keepProviderToken, t.Session.String(), t.Connection, t.Sealed, t.AnsweredAt, t.DueAt, t.ExpiresAt)
}

// ForgetProviderToken implements revalidation.Store.
func (s providerTokens) ForgetProviderToken(ctx context.Context, id session.ID, connection string) error {
	return s.change(ctx, "forget a provider's token", forgetProviderToken, id.String(), connection)
}

// ClaimRevalidation implements revalidation.Store.
func (s providerTokens) ClaimRevalidation(ctx context.Context, id session.ID, now, until int64) (bool, error) {
	return s.changed(ctx, "claim revalidation", claimRevalidation, id.String(), now, until)
}

// ScheduleRevalidation implements revalidation.Store.
func (s providerTokens) ScheduleRevalidation(ctx context.Context, id session.ID, held bool) error {
	return s.change(ctx, "schedule revalidation", scheduleRevalidation, id.String(), sign(held))
}

// sign returns the factor of scheduleRevalidation.
func sign(held bool) int64 {
	if held {
		return -1
	}
	return 1
}

// FollowRevalidation implements revalidation.Store.
func (s providerTokens) FollowRevalidation(ctx context.Context, child session.ID) (at int64, err error) {
	err = s.returning(ctx, []any{&at}, followRevalidation, child.String())
	return at, found("follow revalidation", err, session.ErrNotFound)
}

// DueProviderTokens implements revalidation.Store.
func (s providerTokens) DueProviderTokens(ctx context.Context, id session.ID, now int64) ([]session.ProviderToken, error) {
	return collect(ctx, s, "providers' tokens", func(row scanner) (session.ProviderToken, error) {
		t := session.ProviderToken{Session: id}
		err := row.Scan(&t.Connection, &t.Sealed, &t.AnsweredAt, &t.DueAt, &t.Unanswered, &t.ExpiresAt)
		return t, err
	}, selectDueProviderTokens, id.String(), now)
}

// UseProviderToken implements revalidation.Store.
func (s providerTokens) UseProviderToken(ctx context.Context, t session.ProviderToken) (bool, error) {
	return s.changed(ctx, "use a provider's token", useProviderToken, t.Session.String(), t.Connection, t.Sealed)
}

// RecordRevalidation implements revalidation.Store.
func (s providerTokens) RecordRevalidation(ctx context.Context, before, after session.ProviderToken, _ session.Revalidation) error {
	return s.change(ctx, "record a revalidation", recordRevalidation,
		before.Session.String(), before.Connection, before.Sealed, after.Sealed, after.AnsweredAt, after.DueAt, after.Unanswered)
}

// EndConnected implements revalidation.Store.
func (s providerTokens) EndConnected(ctx context.Context, id session.ID, connection, organizationID string, now int64) error {
	for _, step := range []struct {
		statement string
		args      []any
	}{
		{forgetAuthenticationsAt, []any{id.String(), connection}},
		{endConnected, []any{id.String(), connection, now}},
		{forgetProviderToken, []any{id.String(), connection}},
	} {
		if err := s.change(ctx, "end what rests on a connection", step.statement, step.args...); err != nil {
			return err
		}
	}
	if err := organizationSessions(s).endChildren(ctx, id, organizationID, now); err != nil {
		return fmt.Errorf("sqlstore: end what rests on a connection: %w", err)
	}
	return nil
}
