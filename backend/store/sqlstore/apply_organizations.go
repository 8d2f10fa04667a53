package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/tabard-auth/tabard/backend/directory"
)

const (
	selectOrganizations = `
SELECT id, slug, name, rules, attributes, disabled_at, disabled_by, deleted_at FROM organizations`

	insertOrganization = `
INSERT INTO organizations (id, slug, name, rules, disabled_at, created_at, attributes) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)`

	updateOrganization = `
UPDATE organizations SET slug = ?2, name = ?3, rules = ?4, attributes = ?6,
	disabled_at = CASE WHEN CAST(?5 AS BIGINT) IS NULL AND disabled_by = '' THEN NULL ELSE COALESCE(disabled_at, ?5) END
WHERE id = ?1`

	// An organization about to be renamed gives up its slug first, so that two can
	// exchange theirs. No slug begins with ~.
	releaseSlug = `
UPDATE organizations SET slug = '~' || id WHERE id = ?1`
)

// storedOrganization is an organization as stored.
type storedOrganization struct {
	directory.Organization
	blocked bool // by an administrator, which the file does not override
	deleted bool
}

// matched is an organization of the file with its stored counterpart.
type matched struct {
	id     string
	added  bool
	stored *storedOrganization // nil for a new one
}

// match finds the stored organization for each organization of the file. New ones get
// an id.
func (a *applier) match(ctx context.Context, wanted []directory.DesiredOrganization) ([]*matched, error) {
	stored, err := a.storedOrganizations(ctx)
	if err != nil {
		return nil, err
	}
	found, err := match(stored, wanted)
	if err != nil {
		return nil, err
	}
	all := make([]*matched, len(wanted))
	for i, o := range wanted {
		all[i] = &matched{cmp.Or(o.ID, directory.NewID(directory.OrganizationPrefix)), true, nil}
		if found[i] != nil {
			all[i] = &matched{found[i].ID, false, found[i]}
		}
	}
	return all, nil
}

// organizations updates all organizations: existing ones together, then new ones.
func (a *applier) organizations(ctx context.Context, found []*matched, wanted []directory.DesiredOrganization) error {
	for i, o := range wanted {
		if found[i].stored != nil && found[i].stored.Slug != o.Slug {
			a.pending.add(releaseSlug, found[i].id)
		}
	}
	for _, added := range []bool{false, true} {
		for i, o := range wanted {
			if found[i].added != added {
				continue
			}
			if err := a.organization(found[i], o.Organization); err != nil {
				return err
			}
			if added {
				if err := a.flushFull(ctx); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (a *applier) storedOrganizations(ctx context.Context) (all []*storedOrganization, err error) {
	err = a.each(ctx, func(rows *sql.Rows) error {
		var o storedOrganization
		var rules, disabledBy string
		var disabledAt, deletedAt sql.NullInt64
		if err := rows.Scan(&o.ID, &o.Slug, &o.Name, &rules, &o.Attributes, &disabledAt, &disabledBy, &deletedAt); err != nil {
			return err
		}
		o.Disabled, o.blocked, o.deleted = disabledAt.Valid, disabledBy != "", deletedAt.Valid
		all = append(all, &o)
		return scanJSON(rules, &o.Rules)
	}, selectOrganizations)
	return all, err
}

// match finds the stored organization for each organization of the file: by its id or,
// if it has none, by its slug. Ids never change, so a slug that another organization
// has and keeps is a conflict, and so is the id of a deleted one.
func match(stored []*storedOrganization, wanted []directory.DesiredOrganization) ([]*storedOrganization, error) {
	byID, bySlug := map[string]*storedOrganization{}, map[string]*storedOrganization{}
	for _, o := range stored {
		byID[o.ID], bySlug[o.Slug] = o, o
	}
	renamed := map[string]bool{}
	for _, o := range wanted {
		if had := byID[o.ID]; had != nil && had.Slug != o.Slug {
			renamed[had.ID] = true
		}
	}
	found := make([]*storedOrganization, len(wanted))
	var conflicts directory.Conflicts
	conflict := func(o directory.DesiredOrganization, format string, args ...any) {
		if len(conflicts) < directory.MaxProblems {
			conflicts = append(conflicts, directory.Conflict{Line: o.Line, Text: fmt.Sprintf(format, args...)})
		}
	}
	for i, o := range wanted {
		holder := bySlug[o.Slug]
		if holder != nil && renamed[holder.ID] {
			holder = nil
		}
		if o.ID == "" {
			found[i] = holder
			continue
		}
		found[i] = byID[o.ID]
		if found[i] != nil && found[i].deleted {
			conflict(o, "organization %s was deleted; its id cannot be used again", o.ID)
		}
		if holder != nil && holder.ID != o.ID {
			conflict(o, "slug %q belongs to organization %s, not to %s", o.Slug, holder.ID, o.ID)
		}
	}
	if conflicts != nil {
		return nil, conflicts
	}
	return found, nil
}

// organization updates one organization.
func (a *applier) organization(had *matched, o directory.Organization) error {
	rules, err := json.Marshal(o.Rules)
	if err != nil {
		return err
	}
	o.ID = had.id
	if had.added {
		a.changes.Organizations.Added++
		a.report(directory.Addition, "organization", o.Slug, "", "%s", described(o, string(rules)))
		a.pending.add(insertOrganization, o.ID, o.Slug, o.Name, string(rules), a.disabled(o), a.now, string(o.Attributes))
		return nil
	}
	o.Disabled = o.Disabled || had.stored.blocked
	o.Attributes = cmp.Or(o.Attributes, had.stored.Attributes)
	if reflect.DeepEqual(had.stored.Organization, o) {
		return nil
	}
	a.changes.Organizations.Changed++
	before, err := json.Marshal(had.stored.Rules)
	if err != nil {
		return err
	}
	a.report(directory.Change, "organization", o.Slug, "", "%s -> %s", described(had.stored.Organization, string(before)), described(o, string(rules)))
	a.pending.add(updateOrganization, o.ID, o.Slug, o.Name, string(rules), a.disabled(o), string(o.Attributes))
	return nil
}

// described returns the text of an organization in a diff.
func described(o directory.Organization, rules string) string {
	text := fmt.Sprintf("{slug: %s, name: %q, policy: %s", o.Slug, o.Name, rules)
	if o.Attributes != "" {
		text += ", attributes: " + string(o.Attributes)
	}
	if o.Disabled {
		text += ", disabled"
	}
	return text + "}"
}

func (a *applier) disabled(o directory.Organization) any {
	if o.Disabled {
		return a.now
	}
	return nil
}
