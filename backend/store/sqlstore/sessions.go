package sqlstore

import (
	"context"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"

	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/backend/session"
)

// Every column has a unique name, because D1 returns rows by name. Every column costs a
// third of a microsecond on each side, so a mint reads only the columns that it needs.
const (
	sessionColumns = `
	s.app, s.user_id, s.secret,
	s.gen, s.cur, s.prev, s.cur_at, s.cur_last, s.rolled, s.rollbacks,
	s.revoked_at, s.revoke_reason,
	s.created_at AS s_created_at, s.expires_at, s.auth_time AS s_auth_time, s.acr AS s_acr, s.amr AS s_amr,
	s.connection AS s_connection, s.confined_to, s.jkt, s.parent_id, s.holder, s.replaces, s.revalidate_at, s.origin`

	wholeSession = `
SELECT s.id AS s_id, s.attempt, s.upstream_sid, s.upstream_token, s.user_agent, s.address, s.bound_at, s.browser, s.replaced_by, s.ends_with_browser, s.added,` + sessionColumns + ` FROM sessions s`

	selectLivePage = wholeSession + `
WHERE s.user_id = ?1 AND s.revoked_at IS NULL AND s.expires_at > ?2 AND s.id > ?3 AND ` + parentLives + `
ORDER BY s.id
LIMIT ?4`

	selectSessionsFrom = `
SELECT COUNT(*), COALESCE(MAX(expires_at), 0) FROM sessions
WHERE created_at <= ?1 AND expires_at > ?2 AND revoked_at IS NULL`
)

// parentLives is the condition that the parent of session s, if any, has not ended.
const parentLives = `(s.parent_id IS NULL OR EXISTS (SELECT 1 FROM sessions p WHERE p.id = s.parent_id AND p.revoked_at IS NULL))`

const (
	insertSession = `
INSERT INTO sessions (id, app, user_id, secret, gen, cur, prev, cur_at, cur_last, rolled, rollbacks,
	created_at, expires_at, auth_time, acr, amr, attempt, jkt, upstream_sid, upstream_token, user_agent, address, connection,
	confined_to, parent_id, holder, browser, replaces, ends_with_browser, revalidate_at, origin, added)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, NULL, ?7, ?7, 0, 0, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28)
ON CONFLICT DO NOTHING`

	selectSession = wholeSession + ` WHERE s.id = ?1`

	selectOfAttempt = wholeSession + `
WHERE s.id = COALESCE(
	(SELECT id FROM sessions WHERE attempt = ?1),
	(SELECT session_id FROM authentications WHERE attempt = ?1))`

	selectEnd = `SELECT revoked_at FROM sessions WHERE id = ?1`

	selectAttempt = `SELECT id, secret FROM sessions WHERE attempt = ?1`

	bindSession = `
UPDATE sessions SET jkt = CASE
	WHEN jkt = '' AND revoked_at IS NULL AND created_at >= CAST(?3 AS BIGINT) THEN CAST(?2 AS TEXT)
	ELSE jkt END,
	bound_at = CASE
	WHEN jkt = '' AND revoked_at IS NULL AND created_at >= CAST(?3 AS BIGINT) THEN CAST(?4 AS BIGINT)
	ELSE bound_at END
WHERE id = ?1
RETURNING jkt`

	setUpstream = `
UPDATE sessions SET upstream_sid = ?2, upstream_token = ?3 WHERE id = ?1`

	selectUpstream = `SELECT COUNT(*) FROM (SELECT 1 AS found FROM sessions WHERE upstream_sid = ?1 LIMIT 1) named`

	revokeSession = `
UPDATE sessions SET revoked_at = ?2, revoke_reason = ?3 WHERE id = ?1 AND revoked_at IS NULL`

	revokeUser = `
UPDATE sessions SET revoked_at = ?2, revoke_reason = ?3
WHERE user_id = ?1 AND revoked_at IS NULL AND expires_at > ?2 AND (?4 = '' OR confined_to = ?4)
	AND (?3 <> 'reuse_elsewhere' OR holder = '')`

	revokeAtOrigin = `
UPDATE sessions SET revoked_at = ?2, revoke_reason = ?3
WHERE user_id = ?1 AND revoked_at IS NULL AND expires_at > ?2 AND origin = ?4 AND origin <> ''`

	revokeUpstream = `
UPDATE sessions SET revoked_at = ?6, revoke_reason = ?5
WHERE revoked_at IS NULL AND expires_at > ?6 AND created_at <= ?4 AND connection = ''
	AND (?3 = '' OR upstream_sid = ?3 OR id IN (SELECT n.replaces FROM sessions n WHERE n.upstream_sid = ?3 AND n.created_at <= ?4 AND n.replaces <> ''))
	AND user_id IN (SELECT id FROM users WHERE iss = ?1 AND (?2 = '' OR sub = ?2))`

	revokeConnected = `
UPDATE sessions SET revoked_at = ?6, revoke_reason = ?5
WHERE revoked_at IS NULL AND expires_at > ?6 AND created_at <= ?4 AND connection = ?1
	AND (?3 = '' OR upstream_sid = ?3 OR id IN (SELECT n.replaces FROM sessions n WHERE n.upstream_sid = ?3 AND n.created_at <= ?4 AND n.replaces <> ''))
	AND user_id IN (SELECT user_id FROM links WHERE connection_id = ?1 AND (?2 = '' OR sub = ?2))`

	selectLive = wholeSession + `
WHERE s.user_id = ?1 AND s.revoked_at IS NULL AND s.expires_at > ?2 AND (?4 = '' OR s.confined_to = ?4) AND ` + parentLives + `
ORDER BY s.created_at DESC, s.id
LIMIT ?3`
)

// sessions stores the sign-in sessions and their rotation.
type sessions struct{ *database }

// Create implements session.Store. If a reply was lost, the repeated call finds the
// session, which is not a second use of the attempt.
func (s sessions) Create(ctx context.Context, n session.Session) error { return s.create(ctx, n) }

func (s sessions) create(ctx context.Context, n session.Session, with ...*audit.Companion) error {
	insert := &Statement{Text: insertSession, Args: []any{
		n.ID.String(), n.App, n.UserID, base64.RawURLEncoding.EncodeToString(n.Secret[:]),
		n.Gen, n.Cur.String(), n.CurAt, n.CreatedAt, n.ExpiresAt,
		storedTime(n.SignIn.Time), n.SignIn.ACR, list(n.SignIn.AMR).text(),
		n.Attempt, n.JKT, n.UpstreamSID, n.UpstreamToken, n.UserAgent, n.Address, n.SignIn.Connection, n.ConfinedTo,
		sessionIDOrNull(n.Parent), string(n.Holder), n.Browser, sessionIDOrEmpty(n.Replaces), number(n.EndsWithBrowser), n.RevalidateAt, n.Origin, number(n.Added),
	}}
	var id, secret string
	read := &Statement{Text: selectAttempt, Args: []any{n.Attempt}, Fields: []any{&id, &secret}}
	of := []any{n.ID.String(), base64.RawURLEncoding.EncodeToString(n.Secret[:])}
	if err := s.accompanied(ctx, "create session", with, isStored, of, insert, read); err != nil {
		return err
	}
	switch {
	case !read.Found:
		return session.ErrIDTaken
	case id != of[0] || secret != of[1]:
		return session.ErrAttemptUsed
	}
	return nil
}

// Session implements session.Store.
func (s sessions) Session(ctx context.Context, id session.ID) (session.Session, error) {
	return s.whole(ctx, selectSession, id.String())
}

// OfAttempt implements session.Store.
func (s sessions) OfAttempt(ctx context.Context, attempt string) (session.Session, error) {
	return s.whole(ctx, selectOfAttempt, attempt)
}

// whole returns the session that a query finds.
func (s sessions) whole(ctx context.Context, query, arg string) (session.Session, error) {
	own, err := scanSession(s.row(ctx, query, arg))
	if err := found("session", err, session.ErrNotFound); err != nil {
		return session.Session{}, err
	}
	err = s.endWithParent(ctx, &own)
	return own, err
}

// endWithParent marks a session that was read as ended if its parent has ended. Nearly
// all sessions have no parent, so the second row is only read when needed.
func (s sessions) endWithParent(ctx context.Context, own *session.Session) error {
	if own.Parent == (session.ID{}) || own.RevokedAt != 0 {
		return nil
	}
	var end sql.NullInt64
	err := s.row(ctx, selectEnd, own.Parent.String()).Scan(&end)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("sqlstore: parent of session %s: %w", own.ID, err)
	}
	if end.Valid {
		own.RevokedAt, own.RevokeReason = end.Int64, session.ReasonParent
	}
	return nil
}

// Bind implements session.Store.
func (s sessions) Bind(ctx context.Context, id session.ID, jkt string, now int64) (string, error) {
	err := s.returning(ctx, []any{&jkt}, bindSession, id.String(), jkt, now-session.BindWithin, now)
	if err := found("bind session", err, session.ErrNotFound); err != nil {
		return "", err
	}
	return jkt, nil
}

// SetUpstream implements session.Store.
func (s sessions) SetUpstream(ctx context.Context, id session.ID, sid, token string) error {
	return s.change(ctx, "set the provider's session", setUpstream, id.String(), sid, token)
}

// Revoke implements session.Store.
func (s sessions) Revoke(ctx context.Context, id session.ID, reason session.Reason, now int64) error {
	return s.change(ctx, "revoke session", revokeSession, id.String(), now, string(reason))
}

// RevokeUser implements session.Store.
func (s sessions) RevokeUser(ctx context.Context, userID, confinedTo string, reason session.Reason, now int64) error {
	return s.change(ctx, "revoke a person's sessions", revokeUser, userID, now, string(reason), confinedTo)
}

// RevokeAtOrigin implements session.Store.
func (s sessions) RevokeAtOrigin(ctx context.Context, userID, origin string, reason session.Reason, now int64) error {
	return s.change(ctx, "revoke a person's sessions at an origin", revokeAtOrigin, userID, now, string(reason), origin)
}

// KnowsUpstream implements session.Store.
func (s sessions) KnowsUpstream(ctx context.Context, sid string) (bool, error) {
	n := 0
	if err := s.row(ctx, selectUpstream, sid).Scan(&n); err != nil {
		return false, fmt.Errorf("sqlstore: provider's session: %w", err)
	}
	return sid != "" && n > 0, nil
}

// RevokeUpstream implements session.Store.
func (s sessions) RevokeUpstream(ctx context.Context, l session.UpstreamLogout, reason session.Reason, now int64) error {
	if l.SessionID == "" && l.Subject == "" {
		return errors.New("sqlstore: a provider's logout names neither a person nor a session")
	}
	statement, provider := revokeUpstream, l.Issuer
	if l.Connection != "" {
		statement, provider = revokeConnected, l.Connection
	}
	return s.change(ctx, "provider's logout", statement, provider, l.Subject, l.SessionID, l.Until, string(reason), now)
}

// Live implements session.Store.
func (s sessions) Live(ctx context.Context, userID, confinedTo string, now int64, limit int) ([]session.Session, error) {
	return collect(ctx, s, "live sessions", scanSession, selectLive, userID, now, limit, confinedTo)
}

// LivePage returns a person's live sessions by id, starting after one, at most limit.
func (s sessions) LivePage(ctx context.Context, userID, after string, now int64, limit int) ([]session.Session, error) {
	return collect(ctx, s, "live sessions", scanSession, selectLivePage, userID, now, after, limit)
}

// SessionsFrom counts the live sessions that began at a time or before, and returns the
// end of the last.
func (s sessions) SessionsFrom(ctx context.Context, until, now int64) (count, end int64, err error) {
	err = s.row(ctx, selectSessionsFrom, until, now).Scan(&count, &end)
	return count, end, err
}

func scanSession(row scanner) (session.Session, error) {
	var r wholeRow
	if err := row.Scan(r.fields()...); err != nil {
		return session.Session{}, err
	}
	return r.session()
}

// wholeRow is a row of wholeSession in the database's types.
type wholeRow struct {
	sessionRow
	id, attempt, upstreamSID, upstreamToken, userAgent, address string
	browser                                                     string
	boundAt                                                     int64
	replacedBy                                                  string
	endsWithBrowser, added                                      int64
}

func (r *wholeRow) fields() []any {
	own := []any{&r.id, &r.attempt, &r.upstreamSID, &r.upstreamToken, &r.userAgent, &r.address, &r.boundAt, &r.browser, &r.replacedBy, &r.endsWithBrowser, &r.added}
	return append(own, r.sessionRow.fields()...)
}

func (r *wholeRow) session() (session.Session, error) {
	id, err := session.ParseID(r.id)
	if err != nil {
		return session.Session{}, fmt.Errorf("sqlstore: session %q: %w", r.id, err)
	}
	s, err := r.sessionRow.session(id)
	if err == nil {
		s.ReplacedBy, err = sessionIDOrZero(r.replacedBy)
	}
	s.Attempt, s.UpstreamSID, s.UpstreamToken = r.attempt, r.upstreamSID, r.upstreamToken
	s.UserAgent, s.Address, s.BoundAt, s.Browser = r.userAgent, r.address, r.boundAt, r.browser
	s.EndsWithBrowser, s.Added = r.endsWithBrowser != 0, r.added != 0
	return s, err
}

// sessionRow is sessionColumns in the database's types.
type sessionRow struct {
	app, userID, secret            string
	rotation                       rotationRow
	createdAt, expiresAt, authTime int64
	acr, connection, confinedTo    string
	jkt, holder, replaces          string
	parentID                       sql.NullString
	amr                            list
	revalidateAt                   int64
	origin                         string
}

func (r *sessionRow) fields() []any {
	return slices.Concat([]any{&r.app, &r.userID, &r.secret}, r.rotation.fields(), []any{
		&r.createdAt, &r.expiresAt, &r.authTime, &r.acr, &r.amr, &r.connection, &r.confinedTo, &r.jkt,
		&r.parentID, &r.holder, &r.replaces, &r.revalidateAt, &r.origin,
	})
}

func (r *sessionRow) session(id session.ID) (session.Session, error) {
	secret, err := base64.RawURLEncoding.DecodeString(r.secret)
	if err != nil || len(secret) != len(session.Secret{}) {
		return session.Session{}, fmt.Errorf("sqlstore: session %s has no secret", id)
	}
	var parent session.ID
	if r.parentID.Valid {
		if parent, err = session.ParseID(r.parentID.String); err != nil {
			return session.Session{}, fmt.Errorf("sqlstore: parent of session %s: %w", id, err)
		}
	}
	replaces, err := sessionIDOrZero(r.replaces)
	if err != nil {
		return session.Session{}, fmt.Errorf("sqlstore: session replaced by %s: %w", id, err)
	}
	row, err := r.rotation.row()
	if err != nil {
		return session.Session{}, fmt.Errorf("sqlstore: session %s: %w", id, err)
	}
	return session.Session{
		ID: id, App: r.app, UserID: r.userID, Secret: session.Secret(secret), Row: row,
		CreatedAt: r.createdAt, ExpiresAt: r.expiresAt, JKT: r.jkt, ConfinedTo: r.confinedTo, Parent: parent, Holder: session.Holder(r.holder), Replaces: replaces, RevalidateAt: r.revalidateAt, Origin: r.origin,
		SignIn: policy.Authentication{Time: readTime(r.authTime), ACR: r.acr, AMR: r.amr, Connection: r.connection},
	}, nil
}

func sessionIDOrNull(id session.ID) any {
	if id == (session.ID{}) {
		return nil
	}
	return id.String()
}

func sessionIDOrEmpty(id session.ID) string {
	if id == (session.ID{}) {
		return ""
	}
	return id.String()
}

func sessionIDOrZero(text string) (session.ID, error) {
	if text == "" {
		return session.ID{}, nil
	}
	return session.ParseID(text)
}

// rotationRow is the columns of session.Row, as the database has them.
type rotationRow struct {
	gen, curAt, curLast, rolled, rollbacks int64
	cur                                    string
	prev, reason                           sql.NullString
	revokedAt                              sql.NullInt64
}

func (r *rotationRow) fields() []any {
	return []any{&r.gen, &r.cur, &r.prev, &r.curAt, &r.curLast, &r.rolled, &r.rollbacks, &r.revokedAt, &r.reason}
}

func (r *rotationRow) row() (session.Row, error) {
	row := session.Row{
		Gen: r.gen, CurAt: r.curAt, CurLast: r.curLast, Rolled: r.rolled != 0, Rollbacks: r.rollbacks,
		RevokedAt: r.revokedAt.Int64, RevokeReason: session.Reason(r.reason.String),
	}
	var err error
	if row.Cur, err = session.ParseTokenID(r.cur); err != nil {
		return row, err
	}
	if r.prev.Valid {
		row.Prev, err = session.ParseTokenID(r.prev.String)
	}
	return row, err
}
