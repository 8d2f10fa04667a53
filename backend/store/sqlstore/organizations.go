package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/policy"
)

const (
	organizationRecord = `
SELECT id, slug, name, rules, attributes, created_at, disabled_at FROM organizations WHERE deleted_at IS NULL AND `

	selectOrganizationPage   = organizationRecord + `slug > ?1 ORDER BY slug LIMIT ?2`
	selectOrganizationByID   = organizationRecord + `id = ?1`
	selectOrganizationBySlug = organizationRecord + `slug = ?1`

	createOrganization = insertOrganization + `
ON CONFLICT (slug) DO NOTHING`

	// An empty name or slug keeps the current one.
	renameOrganization = `
UPDATE organizations SET
	slug = CASE WHEN CAST(?2 AS TEXT) = '' THEN slug ELSE CAST(?2 AS TEXT) END,
	name = CASE WHEN CAST(?3 AS TEXT) = '' THEN name ELSE CAST(?3 AS TEXT) END
WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM organizations o WHERE o.slug = ?2 AND o.id <> ?1)`

	changeAttributes = `UPDATE organizations SET attributes = ?2 WHERE id = ?1 AND attributes = ?3`

	ruleOrganization = `UPDATE organizations SET rules = ?2 WHERE id = ?1`

	disableOrganization = `
UPDATE organizations SET disabled_at = COALESCE(disabled_at, ?2), disabled_by = 'admin' WHERE id = ?1`

	enableOrganization = `
UPDATE organizations SET disabled_at = NULL, disabled_by = '' WHERE id = ?1 AND deleted_at IS NULL`

	dismissMembers = `DELETE FROM memberships WHERE organization_id = ?1`

	revokeKeysOf = `
UPDATE api_keys SET revoked_at = ?2 WHERE organization_id = ?1 AND revoked_at IS NULL`

	forgetConnections = `
UPDATE connections SET deleted_at = ?2, secret = '' WHERE organization_id = ?1 AND deleted_at IS NULL`

	buryOrganization = `
UPDATE organizations SET deleted_at = ?2, connection = '', slug = '~' || id, name = '', rules = '{}', attributes = '' WHERE id = ?1 AND deleted_at IS NULL`
)

// organizations stores the organizations for administrators.
type organizations struct{ *database }

// Organizations returns the organizations by slug, starting after one, at most limit.
func (s organizations) Organizations(ctx context.Context, after string, limit int) ([]directory.OrganizationRecord, error) {
	return collect(ctx, s, "organizations", scanOrganization, selectOrganizationPage, after, limit)
}

// Organization returns an organization by id (org_…) or slug, or
// directory.ErrNoOrganization.
func (s organizations) Organization(ctx context.Context, ref string) (directory.OrganizationRecord, error) {
	statement := selectOrganizationBySlug
	if strings.HasPrefix(ref, directory.OrganizationPrefix) {
		statement = selectOrganizationByID
	}
	o, err := scanOrganization(s.row(ctx, statement, ref))
	return o, found("organization", err, directory.ErrNoOrganization)
}

// CreateOrganization stores a new organization. It returns directory.ErrSlugTaken if
// another one has the slug.
func (s organizations) CreateOrganization(ctx context.Context, o directory.Organization, now int64) error {
	rules, err := json.Marshal(o.Rules)
	if err != nil {
		return fmt.Errorf("sqlstore: create organization: %w", err)
	}
	var none any
	made, err := s.changed(ctx, "create organization", createOrganization, o.ID, o.Slug, o.Name, string(rules), none, now, string(o.Attributes))
	if err == nil && !made {
		return directory.ErrSlugTaken
	}
	return err
}

// RenameOrganization changes the slug or name of an organization. An empty one is not
// changed. It returns directory.ErrSlugTaken if another one has the slug.
func (s organizations) RenameOrganization(ctx context.Context, id, slug, name string) error {
	changed, err := s.changed(ctx, "rename organization", renameOrganization, id, slug, name)
	if err == nil && !changed {
		return directory.ErrSlugTaken
	}
	return err
}

// SetOrganizationPolicy sets an organization's rules.
func (s organizations) SetOrganizationPolicy(ctx context.Context, id string, rules policy.Rules) error {
	text, err := json.Marshal(rules)
	if err != nil {
		return fmt.Errorf("sqlstore: rules of %s: %w", id, err)
	}
	return s.change(ctx, "rules", ruleOrganization, id, string(text))
}

// ChangeAttributes replaces an organization's attributes, as they were read. It returns
// directory.ErrOvertaken if they have changed since.
func (s organizations) ChangeAttributes(ctx context.Context, id string, from, to directory.Attributes) error {
	changed, err := s.changed(ctx, "attributes", changeAttributes, id, string(to), string(from))
	if err == nil && !changed {
		return directory.ErrOvertaken
	}
	return err
}

// SetOrganizationDisabled disables or enables an organization. A workspace file does not
// enable it again.
func (s organizations) SetOrganizationDisabled(ctx context.Context, id string, blocked bool, now int64) error {
	if blocked {
		return s.change(ctx, "disable organization", disableOrganization, id, now)
	}
	return s.change(ctx, "enable organization", enableOrganization, id)
}

// DeleteOrganization deletes an organization for good. It cannot be entered from the
// first statement on. Until the last statement, DeleteOrganization can be called again.
// The id stays taken.
func (s organizations) DeleteOrganization(ctx context.Context, id string, now int64) error {
	if err := s.SetOrganizationDisabled(ctx, id, true, now); err != nil {
		return err
	}
	if err := s.change(ctx, "dismiss members", dismissMembers, id); err != nil {
		return err
	}
	if err := s.change(ctx, "withdraw invitations", withdrawAll, id); err != nil {
		return err
	}
	if err := s.change(ctx, "revoke keys", revokeKeysOf, id, now); err != nil {
		return err
	}
	if err := s.change(ctx, "forget connections", forgetConnections, id, now); err != nil {
		return err
	}
	if err := s.change(ctx, "forget domains", forgetDomains, id); err != nil {
		return err
	}
	return s.change(ctx, "delete organization", buryOrganization, id, now)
}

func scanOrganization(row scanner) (o directory.OrganizationRecord, err error) {
	var rules string
	var disabledAt sql.NullInt64
	if err := row.Scan(&o.ID, &o.Slug, &o.Name, &rules, &o.Attributes, &o.CreatedAt, &disabledAt); err != nil {
		return o, err
	}
	o.DisabledAt, o.Disabled = disabledAt.Int64, disabledAt.Valid
	err = scanJSON(rules, &o.Rules)
	return o, err
}
