package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/tabard-auth/tabard/backend/directory"
)

const (
	upsertWorkspace = `
INSERT INTO workspace (one, revision, document) VALUES (1, 1, ?1)
ON CONFLICT (one) DO UPDATE SET revision = workspace.revision + 1, document = excluded.document`

	selectOrganization = `
SELECT id, slug, name, rules, disabled_at FROM organizations WHERE id = ?1 OR slug = ?2`

	insertOrganization = `
INSERT INTO organizations (id, slug, name, rules, disabled_at, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)`

	updateOrganization = `
UPDATE organizations SET slug = ?2, name = ?3, rules = ?4,
	disabled_at = CASE WHEN CAST(?5 AS BIGINT) IS NULL THEN NULL ELSE COALESCE(disabled_at, ?5) END
WHERE id = ?1`

	selectMembers = `
SELECT u.id, u.iss, u.sub, m.roles, m.source
FROM memberships m JOIN users u ON u.id = m.user_id WHERE m.organization_id = ?1`

	knowUser = `
INSERT INTO users (id, iss, sub, name, email, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
ON CONFLICT (iss, sub) DO UPDATE SET iss = excluded.iss
RETURNING id`

	upsertMember = `
INSERT INTO memberships (user_id, organization_id, roles, source, created_at) VALUES (?1, ?2, ?3, 'file', ?4)
ON CONFLICT (user_id, organization_id) DO UPDATE SET roles = excluded.roles, source = excluded.source`

	deleteMember = `
DELETE FROM memberships WHERE user_id = ?1 AND organization_id = ?2`
)

// Apply makes the directory be what a workspace file wants, in one transaction:
// all of it or, with an error, nothing. Applied again it changes nothing.
//
// Members that the file once gave an organisation and no longer names leave it;
// organisations that it does not name are left as they are.
func (s *Store) Apply(ctx context.Context, d directory.Desired, now int64) (directory.Changes, error) {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return directory.Changes{}, fmt.Errorf("sqlstore: apply: %w", err)
	}
	defer tx.Rollback()
	a := &applying{Store: s, tx: tx, now: now}
	if err := a.all(ctx, d); err != nil {
		return directory.Changes{}, fmt.Errorf("sqlstore: apply: %w", err)
	}
	if err := tx.Commit(); err != nil {
		return directory.Changes{}, fmt.Errorf("sqlstore: apply: %w", err)
	}
	return a.changes, nil
}

// applying is a Desired on its way into the database.
type applying struct {
	*Store
	tx      *sql.Tx
	now     int64
	changes directory.Changes
}

func (a *applying) exec(ctx context.Context, statement string, args ...any) error {
	_, err := a.tx.ExecContext(ctx, a.text(statement), args...)
	return err
}

func (a *applying) all(ctx context.Context, d directory.Desired) error {
	if err := a.workspace(ctx, d.Workspace); err != nil {
		return err
	}
	for _, o := range d.Organizations {
		id, err := a.organization(ctx, o.Organization)
		if err != nil {
			return err
		}
		if err := a.members(ctx, id, o.Members); err != nil {
			return err
		}
	}
	return nil
}

func (a *applying) workspace(ctx context.Context, w directory.Workspace) error {
	document, err := json.Marshal(w)
	if err != nil {
		return err
	}
	var revision int64
	var stored string
	err = a.tx.QueryRowContext(ctx, a.text(selectWorkspace)).Scan(&revision, &stored)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if stored == string(document) {
		return nil
	}
	a.changes.Workspace = true
	return a.exec(ctx, upsertWorkspace, string(document))
}

// organization brings one organisation up to date and returns its id.
func (a *applying) organization(ctx context.Context, o directory.Organization) (string, error) {
	rules, err := json.Marshal(o.Rules)
	if err != nil {
		return "", err
	}
	stored, err := a.stored(ctx, o)
	if err != nil {
		return "", err
	}
	if stored == nil {
		if o.ID == "" {
			o.ID = directory.NewID(directory.OrganizationPrefix)
		}
		a.changes.Organizations.Added++
		return o.ID, a.exec(ctx, insertOrganization, o.ID, o.Slug, o.Name, string(rules), a.disabled(o), a.now)
	}
	if o.ID = stored.ID; *stored == o {
		return o.ID, nil
	}
	a.changes.Organizations.Changed++
	return o.ID, a.exec(ctx, updateOrganization, o.ID, o.Slug, o.Name, string(rules), a.disabled(o))
}

func (a *applying) disabled(o directory.Organization) any {
	if o.Disabled {
		return a.now
	}
	return nil
}

// stored finds an organisation by its id or slug; a slug that another id has is an
// error, for ids are never exchanged.
func (a *applying) stored(ctx context.Context, o directory.Organization) (*directory.Organization, error) {
	rows, err := a.tx.QueryContext(ctx, a.text(selectOrganization), o.ID, o.Slug)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found *directory.Organization
	for rows.Next() {
		var row directory.Organization
		var rules string
		var disabledAt sql.NullInt64
		if err := rows.Scan(&row.ID, &row.Slug, &row.Name, &rules, &disabledAt); err != nil {
			return nil, err
		}
		if o.ID != "" && row.ID != o.ID {
			return nil, fmt.Errorf("slug %q belongs to %s, not to %s", o.Slug, row.ID, o.ID)
		}
		if err := scanJSON(rules, &row.Rules); err != nil {
			return nil, err
		}
		row.Disabled = disabledAt.Valid
		found = &row
	}
	return found, rows.Err()
}

// member is a membership as it is stored.
type member struct{ userID, roles, source string }

func (a *applying) members(ctx context.Context, organizationID string, wanted []directory.Member) error {
	stored, err := a.storedMembers(ctx, organizationID)
	if err != nil {
		return err
	}
	for _, m := range wanted {
		person := [2]string{m.Issuer, m.Subject}
		had, known := stored[person]
		delete(stored, person)
		roles := list(m.Roles).text()
		if known && had.roles == roles && had.source == "file" {
			continue
		}
		if err := a.admit(ctx, organizationID, m, roles, known); err != nil {
			return err
		}
	}
	for _, left := range stored {
		if left.source != "file" {
			continue
		}
		a.changes.Members.Removed++
		if err := a.exec(ctx, deleteMember, left.userID, organizationID); err != nil {
			return err
		}
	}
	return nil
}

func (a *applying) admit(ctx context.Context, organizationID string, m directory.Member, roles string, known bool) error {
	if known {
		a.changes.Members.Changed++
	} else {
		a.changes.Members.Added++
	}
	var userID string
	err := a.tx.QueryRowContext(ctx, a.text(knowUser), directory.NewID("usr_"),
		m.Issuer, m.Subject, m.Name, m.Email, a.now).Scan(&userID)
	if err != nil {
		return err
	}
	return a.exec(ctx, upsertMember, userID, organizationID, roles, a.now)
}

func (a *applying) storedMembers(ctx context.Context, organizationID string) (map[[2]string]member, error) {
	rows, err := a.tx.QueryContext(ctx, a.text(selectMembers), organizationID)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := map[[2]string]member{}
	for rows.Next() {
		var person [2]string
		var m member
		if err := rows.Scan(&m.userID, &person[0], &person[1], &m.roles, &m.source); err != nil {
			return nil, err
		}
		all[person] = m
	}
	return all, rows.Err()
}
