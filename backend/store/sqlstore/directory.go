package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/backend/session"
)

const (
	selectDocument          = `SELECT revision, document FROM workspace WHERE one = 1`
	selectWorkspace         = `SELECT revision, document, session_idle FROM workspace WHERE one = 1`
	selectWorkspaceRevision = `SELECT revision FROM workspace WHERE one = 1`

	userColumns = `
	u.id AS u_id, u.iss, u.sub, u.name AS u_name, u.email, u.disabled_at AS u_disabled_at`

	organizationColumns = `
	o.id AS o_id, o.slug, o.name AS o_name, o.rules, o.connection AS o_connection`

	stayColumns = `
	e.started_at, e.active_at, e.ended_at, e.ending,
	e.auth_time AS e_auth_time, e.acr AS e_acr, e.amr AS e_amr, e.connection AS e_connection, e.made_for`

	// A member's roles; before those of staff stands when their access ends.
	placeColumn = ` COALESCE(CAST(m.expires_at AS TEXT), '') || m.roles`

	// notOver is the condition on a membership m that it is no staff access that ended.
	notOver = `(m.expires_at IS NULL OR m.expires_at > ?3)`

	// A mint reads all that it has to know by one of these two. What gives one column is
	// no join: PostgreSQL builds the whole row anew at every join.
	selectSubjectByID   = selectSubject + `o.id = ?2` + subjectOf
	selectSubjectBySlug = selectSubject + `o.slug = ?2` + subjectOf

	selectSubject = `
SELECT` + sessionColumns + `,` + userColumns + `,` + organizationColumns + `,
	(SELECT` + placeColumn + ` FROM memberships m
		WHERE m.user_id = s.user_id AND m.organization_id = o.id AND m.disabled_at IS NULL AND ` + notOver + `) AS place,` + stayColumns + `,
	(SELECT w.revision FROM workspace w WHERE w.one = 1) AS revision
FROM sessions s
JOIN users u ON u.id = s.user_id
LEFT JOIN organizations o ON o.disabled_at IS NULL AND s.confined_to IN ('', o.id) AND `
	subjectOf = `
LEFT JOIN organization_sessions e ON e.session_id = s.id AND e.organization_id = o.id
WHERE s.id = ?1`

	selectMemberships = `
SELECT` + organizationColumns + `,` + placeColumn + ` AS place,` + stayColumns + `
FROM sessions s
JOIN memberships m ON m.user_id = s.user_id AND m.disabled_at IS NULL AND ` + notOver + `
JOIN organizations o ON o.id = m.organization_id
LEFT JOIN organization_sessions e ON e.session_id = s.id AND e.organization_id = o.id
WHERE s.id = ?1 AND o.disabled_at IS NULL AND s.confined_to IN ('', o.id)
ORDER BY o.name, o.id
LIMIT ?2`

	selectOrganizationRules = `
SELECT o.rules, w.revision FROM organizations o LEFT JOIN workspace w ON w.one = 1
WHERE o.id = ?1 AND o.disabled_at IS NULL`

	upsertUser = `
INSERT INTO users (id, iss, sub, name, email, created_at, seen_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)
ON CONFLICT (iss, sub) DO UPDATE SET
	name = CASE WHEN excluded.name = '' THEN users.name ELSE excluded.name END,
	email = CASE WHEN excluded.email = '' THEN users.email ELSE excluded.email END,
	seen_at = excluded.seen_at
RETURNING id, iss, sub, name, email, disabled_at`

	selectClaimed = `
SELECT m.organization_id, o.slug FROM memberships m JOIN organizations o ON o.id = m.organization_id
WHERE m.user_id = ?1 AND m.source = 'claim'`

	deleteClaimed = `
DELETE FROM memberships WHERE user_id = ?1 AND organization_id = ?2 AND source = 'claim' AND disabled_at IS NULL`

	upsertClaimed = `
INSERT INTO memberships (user_id, organization_id, roles, source, created_at)
SELECT ?1, id, ?3, 'claim', ?4 FROM organizations WHERE slug = ?2
ON CONFLICT (user_id, organization_id) DO UPDATE SET` + asMember + `
WHERE memberships.source = 'claim' OR ` + staffIsOver
)

// Workspace implements directory.Store. An empty store has an empty workspace.
func (s *Store) Workspace(ctx context.Context) (*directory.Workspace, error) {
	var w directory.Workspace
	var document string
	var idle int64
	err := s.row(ctx, selectWorkspace).Scan(&w.Revision, &document, &idle)
	if errors.Is(err, sql.ErrNoRows) {
		return &w, nil
	}
	if err != nil {
		return nil, fmt.Errorf("sqlstore: workspace: %w", err)
	}
	if err := json.Unmarshal([]byte(document), &w); err != nil {
		return nil, fmt.Errorf("sqlstore: workspace: %w", err)
	}
	w.Policy.SessionIdle = max(0, cmp.Or(w.Policy.SessionIdle, idle)) // policy.NoLimit is below 0
	return &w, nil
}

// WorkspaceRevision implements directory.Store.
func (s *Store) WorkspaceRevision(ctx context.Context) (revision int64, err error) {
	err = s.row(ctx, selectWorkspaceRevision).Scan(&revision)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("sqlstore: workspace revision: %w", err)
	}
	return revision, nil
}

// Subject implements directory.Store.
func (s *Store) Subject(ctx context.Context, id session.ID, ref string, now int64) (directory.Subject, error) {
	statement := selectSubjectBySlug
	if strings.HasPrefix(ref, directory.OrganizationPrefix) {
		statement = selectSubjectByID
	}
	var (
		own      sessionRow
		user     userRow
		member   membershipRow
		revision sql.NullInt64
	)
	fields := append(append(own.fields(), user.fields()...), member.fields()...)
	err := s.row(ctx, statement, id.String(), ref, now).Scan(append(fields, &revision)...)
	if err := found("subject", err, session.ErrNotFound); err != nil {
		return directory.Subject{}, err
	}
	subject := directory.Subject{User: user.user(), Revision: revision.Int64}
	if subject.Session, err = own.session(id); err != nil {
		return directory.Subject{}, err
	}
	if subject.Membership, err = member.membership(); err != nil {
		return directory.Subject{}, err
	}
	err = s.endWithParent(ctx, &subject.Session)
	return subject, err
}

// Memberships implements directory.Store.
func (s *Store) Memberships(ctx context.Context, id session.ID, limit int, now int64) ([]directory.Membership, error) {
	return collect(ctx, s, "memberships", scanMembership, selectMemberships, id.String(), limit, now)
}

func scanMembership(row scanner) (directory.Membership, error) {
	var r membershipRow
	if err := row.Scan(r.fields()...); err != nil {
		return directory.Membership{}, err
	}
	m, err := r.membership()
	if err != nil {
		return directory.Membership{}, err
	}
	return *m, nil
}

// OrganizationRules implements directory.Store.
func (s *Store) OrganizationRules(ctx context.Context, id string) (rules policy.Rules, revision int64, err error) {
	var text string
	var known sql.NullInt64
	err = s.row(ctx, selectOrganizationRules, id).Scan(&text, &known)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return rules, 0, fmt.Errorf("%w: %q", directory.ErrNoOrganization, id)
	case err == nil:
		err = scanJSON(text, &rules)
	}
	if err != nil {
		return rules, 0, fmt.Errorf("sqlstore: rules: %w", err)
	}
	return rules, known.Int64, nil
}

// SignIn implements directory.Store.
func (s *Store) SignIn(ctx context.Context, u directory.User, now int64) (directory.User, error) {
	var row userRow
	err := s.returning(ctx, row.fields(), upsertUser, u.ID, u.Issuer, u.Subject, u.Name, u.Email, now)
	if err != nil {
		return directory.User{}, fmt.Errorf("sqlstore: sign in: %w", err)
	}
	return row.user(), nil
}

// ReplaceClaimed implements directory.Store.
func (s *Store) ReplaceClaimed(ctx context.Context, userID string, roles map[string][]string, now int64) error {
	claimed, err := s.claimed(ctx, userID)
	if err != nil {
		return err
	}
	for slug, named := range roles {
		delete(claimed, slug)
		if err := s.change(ctx, "claimed membership", upsertClaimed, userID, slug, list(named).text(), now); err != nil {
			return err
		}
	}
	for _, organizationID := range claimed {
		if err := s.change(ctx, "claimed membership", deleteClaimed, userID, organizationID); err != nil {
			return err
		}
	}
	return nil
}

// claimed returns the organisations that claims gave a person: ids by slug.
func (s *Store) claimed(ctx context.Context, userID string) (map[string]string, error) {
	type place struct{ id, slug string }
	scan := func(row scanner) (p place, err error) {
		err = row.Scan(&p.id, &p.slug)
		return p, err
	}
	places, err := collect(ctx, s, "claimed memberships", scan, selectClaimed, userID)
	if err != nil {
		return nil, err
	}
	all := map[string]string{}
	for _, p := range places {
		all[p.slug] = p.id
	}
	return all, nil
}

type userRow struct {
	id, iss, sub, name, email string
	disabledAt                sql.NullInt64
}

func (r *userRow) fields() []any {
	return []any{&r.id, &r.iss, &r.sub, &r.name, &r.email, &r.disabledAt}
}

func (r *userRow) user() directory.User {
	return directory.User{
		ID: r.id, Issuer: r.iss, Subject: r.sub, Name: r.name, Email: r.email,
		Disabled: r.disabledAt.Valid,
	}
}

// membershipRow is an organisation's columns, the person's place in it and a stay's; all of it is
// NULL where there is no organisation, and place where the person does not belong to it.
type membershipRow struct {
	id, slug, name, rules, own, place      sql.NullString
	startedAt, activeAt, endedAt, authTime sql.NullInt64
	ending, acr, connection, madeFor       sql.NullString
	amr                                    list
}

func (r *membershipRow) fields() []any {
	return []any{&r.id, &r.slug, &r.name, &r.rules, &r.own, &r.place, &r.startedAt, &r.activeAt, &r.endedAt, &r.ending,
		&r.authTime, &r.acr, &r.amr, &r.connection, &r.madeFor}
}

func (r *membershipRow) membership() (*directory.Membership, error) {
	if !r.place.Valid {
		return nil, nil
	}
	m := &directory.Membership{
		Organization: directory.Organization{ID: r.id.String, Slug: r.slug.String, Name: r.name.String, Connection: r.own.String},
	}
	if err := scanJSON(r.rules.String, &m.Organization.Rules); err != nil {
		return nil, fmt.Errorf("sqlstore: rules of %s: %w", r.id.String, err)
	}
	if err := readPlace(r.place.String, m); err != nil {
		return nil, fmt.Errorf("sqlstore: place in %s: %w", r.id.String, err)
	}
	if r.startedAt.Valid {
		m.Stay = policy.OrganizationSession{
			StartedAt: r.startedAt.Int64, ActiveAt: r.activeAt.Int64, EndedAt: r.endedAt.Int64, Ending: policy.Ending(r.ending.String),
			Authentication: policy.Authentication{
				Time: readTime(r.authTime.Int64), ACR: r.acr.String, AMR: r.amr, Connection: r.connection.String, Organization: r.madeFor.String,
			},
		}
	}
	return m, nil
}

// readPlace reads a placeColumn.
func readPlace(text string, m *directory.Membership) (err error) {
	roles := strings.IndexByte(text, '[')
	if roles > 0 {
		m.StaffUntil, err = strconv.ParseInt(text[:roles], 10, 64)
	}
	if roles < 0 || err != nil {
		return fmt.Errorf("%q is none", text)
	}
	return (*list)(&m.Roles).Scan(text[roles:])
}
