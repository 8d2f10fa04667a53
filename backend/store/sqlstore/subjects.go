package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/backend/session"
)

const (
	userColumns = `
	u.id AS u_id, u.iss, u.sub, u.name AS u_name, u.email, u.disabled_at AS u_disabled_at`

	organizationColumns = `
	o.id AS o_id, o.slug, o.name AS o_name, o.rules, o.connection AS o_connection`

	stayColumns = `
	e.started_at, e.active_at, e.ended_at, e.ending,
	e.auth_time AS e_auth_time, e.acr AS e_acr, e.amr AS e_amr, e.connection AS e_connection, e.made_for, e.auth_until`

	// A member's roles, preceded by the end of staff access and followed by the member's
	// and the organization's attributes, a line each: a column costs more than a line.
	placeColumn = ` COALESCE(CAST(m.expires_at AS TEXT), '') || m.roles || ` + newLine + ` || m.attributes || ` + newLine + ` || o.attributes`
	newLine     = "'\n'"

	// notOver is the condition that a membership m is not staff access that has ended.
	notOver = `(m.expires_at IS NULL OR m.expires_at > ?3)`

	// A mint reads everything that it needs by one of these two. A single column is not
	// read by a join: PostgreSQL builds the whole row anew at every join.
	selectSubjectByID   = selectSubject + `o.id = ?2` + subjectOf
	selectSubjectBySlug = selectSubject + `o.slug = ?2` + subjectOf

	selectSubject = `
SELECT` + sessionColumns + `,` + userColumns + `,` + organizationColumns + `,
	(SELECT` + placeColumn + ` || ` + newLine + ` || u.claims FROM memberships m
		WHERE m.user_id = s.user_id AND m.organization_id = o.id AND m.disabled_at IS NULL AND ` + notOver + `) AS place,` + stayColumns + `,
	(SELECT w.revision FROM workspace w WHERE w.one = 1) AS revision, ` + feedNumber + ` AS event
FROM sessions s
JOIN users u ON u.id = s.user_id
LEFT JOIN organizations o ON o.disabled_at IS NULL AND s.confined_to IN ('', o.id) AND `
	subjectOf = `
LEFT JOIN organization_sessions e ON e.session_id = ` + actsBy + ` AND e.organization_id = o.id
WHERE s.id = ?1`

	// actsBy is the session whose organization sessions s uses (session.Session.SignInID).
	actsBy = `CASE s.holder WHEN 'joined' THEN s.parent_id ELSE s.id END`

	selectMemberships     = membershipsOf + byName
	selectMembershipsFrom = membershipsOf + ` AND (o.name, o.id) > (SELECT a.name, a.id FROM organizations a WHERE a.id = ?4)` + byName

	byName = `
ORDER BY o.name, o.id
LIMIT ?2`
	membershipsOf = `
SELECT` + organizationColumns + `,` + placeColumn + ` AS place,` + stayColumns + `
FROM sessions s
JOIN memberships m ON m.user_id = s.user_id AND m.disabled_at IS NULL AND ` + notOver + `
JOIN organizations o ON o.id = m.organization_id
LEFT JOIN organization_sessions e ON e.session_id = ` + actsBy + ` AND e.organization_id = o.id
WHERE s.id = ?1 AND o.disabled_at IS NULL AND s.confined_to IN ('', o.id)`

	selectOrganizationRules = `
SELECT o.rules, w.revision FROM organizations o LEFT JOIN workspace w ON w.one = 1
WHERE o.id = ?1 AND o.disabled_at IS NULL`

	selectEnabled       = `SELECT o.id, o.slug, o.name FROM organizations o WHERE o.disabled_at IS NULL AND `
	selectEnabledByID   = selectEnabled + `o.id = ?1`
	selectEnabledBySlug = selectEnabled + `o.slug = ?1`
)

// subjects stores the data that a browser's request reads of a person: session,
// organization and membership.
type subjects struct{ *database }

// Subject implements directory.Store.
func (s subjects) Subject(ctx context.Context, id session.ID, ref string, now int64) (directory.Subject, error) {
	statement := selectSubjectBySlug
	if strings.HasPrefix(ref, directory.OrganizationPrefix) {
		statement = selectSubjectByID
	}
	var r struct {
		own      sessionRow
		user     userRow
		member   membershipRow
		revision sql.NullInt64
		event    int64
	}
	fields := slices.Concat(r.own.fields(), r.user.fields(), r.member.fields(), []any{&r.revision, &r.event})
	err := s.row(ctx, statement, id.String(), ref, now).Scan(fields...)
	if err := found("subject", err, session.ErrNotFound); err != nil {
		return directory.Subject{}, err
	}
	subject := directory.Subject{User: r.user.user(), Revision: r.revision.Int64, Event: r.event}
	if subject.Session, err = r.own.session(id); err != nil {
		return directory.Subject{}, err
	}
	if subject.Membership, err = r.member.membership(); err != nil {
		return directory.Subject{}, err
	}
	subject.ProviderClaims = r.member.claims
	err = sessions(s).endWithParent(ctx, &subject.Session)
	return subject, err
}

// Memberships implements directory.Store.
func (s subjects) Memberships(ctx context.Context, id session.ID, limit int, now int64) ([]directory.Membership, error) {
	return collect(ctx, s, "memberships", scanMembership, selectMemberships, id.String(), limit, now)
}

// MembershipsAfter implements directory.Store.
func (s subjects) MembershipsAfter(ctx context.Context, id session.ID, after string, limit int, now int64) ([]directory.Membership, error) {
	return collect(ctx, s, "memberships", scanMembership, selectMembershipsFrom, id.String(), limit, now, after)
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
func (s subjects) OrganizationRules(ctx context.Context, id string) (rules policy.Rules, revision int64, err error) {
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

// EnabledOrganization implements directory.Store.
func (s subjects) EnabledOrganization(ctx context.Context, ref string) (o directory.Organization, err error) {
	statement := selectEnabledBySlug
	if strings.HasPrefix(ref, directory.OrganizationPrefix) {
		statement = selectEnabledByID
	}
	err = s.row(ctx, statement, ref).Scan(&o.ID, &o.Slug, &o.Name)
	return o, found("organization", err, directory.ErrNoOrganization)
}

// membershipRow is the columns of an organization, of the person's membership and of
// the organization session. All are NULL if there is no organization. place is NULL if
// the person is not a member.
type membershipRow struct {
	id, slug, name, rules, own, place      sql.NullString
	claims                                 directory.ProviderClaims // once membership has read place
	startedAt, activeAt, endedAt, authTime sql.NullInt64
	authUntil                              sql.NullInt64
	ending, acr, connection, madeFor       sql.NullString
	amr                                    list
}

func (r *membershipRow) fields() []any {
	return []any{&r.id, &r.slug, &r.name, &r.rules, &r.own, &r.place, &r.startedAt, &r.activeAt, &r.endedAt, &r.ending,
		&r.authTime, &r.acr, &r.amr, &r.connection, &r.madeFor, &r.authUntil}
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
	place, further, _ := strings.Cut(r.place.String, "\n")
	own, further, _ := strings.Cut(further, "\n")
	organization, claims, _ := strings.Cut(further, "\n")
	m.Attributes, m.Organization.Attributes, r.claims = directory.Attributes(own), directory.Attributes(organization), directory.ProviderClaims(claims)
	if err := readPlace(place, m); err != nil {
		return nil, fmt.Errorf("sqlstore: membership in %s: %w", r.id.String, err)
	}
	if r.startedAt.Valid {
		m.OrganizationSession = policy.OrganizationSession{
			StartedAt: r.startedAt.Int64, ActiveAt: r.activeAt.Int64, EndedAt: r.endedAt.Int64, EndReason: policy.EndReason(r.ending.String),
			Authentication: policy.Authentication{
				Time: readTime(r.authTime.Int64), ACR: r.acr.String, AMR: r.amr, Connection: r.connection.String, Organization: r.madeFor.String, Until: r.authUntil.Int64,
			},
		}
	}
	return m, nil
}

// readPlace reads the first line of a placeColumn.
func readPlace(text string, m *directory.Membership) (err error) {
	roles := strings.IndexByte(text, '[')
	if roles > 0 {
		m.StaffUntil, err = strconv.ParseInt(text[:roles], 10, 64)
	}
	if roles < 0 || err != nil {
		return fmt.Errorf("%q is malformed", text)
	}
	return (*list)(&m.Roles).Scan(text[roles:])
}
