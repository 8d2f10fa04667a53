package admin

import (
	"context"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
)

// OrganizationStore stores organizations.
type OrganizationStore interface {
	// Organizations returns organizations by slug, starting after the given one, at
	// most limit.
	Organizations(ctx context.Context, after string, limit int) ([]directory.OrganizationRecord, error)
	// Organization returns the organization of an id (org_…) or slug, or
	// directory.ErrNoOrganization.
	Organization(ctx context.Context, ref string) (directory.OrganizationRecord, error)
	// CreateOrganization stores a new organization. Error: directory.ErrSlugTaken.
	CreateOrganization(ctx context.Context, o directory.Organization, now int64) error
	// RenameOrganization changes slug and name, unless empty. Error:
	// directory.ErrSlugTaken.
	RenameOrganization(ctx context.Context, id, slug, name string) error
	// SetOrganizationDisabled disables or enables an organization. A workspace file
	// does not enable it again.
	SetOrganizationDisabled(ctx context.Context, id string, blocked bool, now int64) error
	// DeleteOrganization deletes an organization. Its id is never used again.
	DeleteOrganization(ctx context.Context, id string, now int64) error
}

// Organization is an organization in the form for administrators.
type Organization struct {
	ID         string `json:"id"`
	Slug       string `json:"slug"`
	Name       string `json:"name"`
	Disabled   bool   `json:"disabled"`
	CreatedAt  int64  `json:"created_at"`
	DisabledAt int64  `json:"disabled_at,omitempty"`

	Attributes Attributes `json:"attributes,omitempty"`
}

func organizationOf(r directory.OrganizationRecord) Organization {
	return Organization{
		ID: r.ID, Slug: r.Slug, Name: r.Name, Disabled: r.Disabled, CreatedAt: r.CreatedAt, DisabledAt: r.DisabledAt,
		Attributes: attributesOf(r.Attributes),
	}
}

// OrganizationNames are an organization's slug and name. An empty one stays unchanged.
type OrganizationNames struct {
	Slug string `json:"slug"`
	Name string `json:"name"`
}

func (n OrganizationNames) check(required bool) error {
	if (n.Slug != "" || required) && !directory.ValidSlug(n.Slug) {
		return refuse(api.InvalidRequest, "slug must be 1 to 63 characters of a–z, 0–9 and -.")
	}
	return checkName("name", n.Name, required)
}

// Organizations lists the workspace's organizations by slug.
func (o *organizations) Organizations(ctx context.Context, by Actor, p Page) (List[Organization], error) {
	return run(ctx, o.base, by, &operation{action: audit.ReadOrganization, scope: workspaceScope},
		func(ctx context.Context, _ directory.OrganizationRecord) (List[Organization], error) {
			return paginate(p, func(after string, limit int) ([]directory.OrganizationRecord, error) {
				return o.store.Organizations(ctx, after, limit)
			}, organizationOf, func(r directory.OrganizationRecord) string { return r.Slug })
		})
}

// Organization returns one organization.
func (o *organizations) Organization(ctx context.Context, by Actor, ref string) (Organization, error) {
	return run(ctx, o.base, by, &operation{action: audit.ReadOrganization, organization: ref},
		func(_ context.Context, r directory.OrganizationRecord) (Organization, error) {
			return organizationOf(r), nil
		})
}

// CreateOrganization creates an organization with a new id. A slug that is in use is
// refused as already_exists.
func (o *organizations) CreateOrganization(ctx context.Context, by Actor, n OrganizationNames) (Organization, error) {
	a := &operation{action: audit.CreateOrganization, scope: workspaceScope}
	return run(ctx, o.base, by, a,
		func(ctx context.Context, _ directory.OrganizationRecord) (Organization, error) {
			if err := n.check(true); err != nil {
				return Organization{}, err
			}
			made := directory.Organization{ID: directory.NewID(directory.OrganizationPrefix), Slug: n.Slug, Name: n.Name}
			if err := o.store.CreateOrganization(ctx, made, o.now().Unix()); err != nil {
				return Organization{}, err
			}
			a.createdID = made.ID
			return o.organization(ctx, made.ID)
		})
}

// UpdateOrganization renames an organization.
func (o *organizations) UpdateOrganization(ctx context.Context, by Actor, ref string, n OrganizationNames) (Organization, error) {
	return o.change(ctx, by, audit.UpdateOrganization, ref, func(ctx context.Context, id string) error {
		if err := n.check(false); err != nil {
			return err
		}
		return o.store.RenameOrganization(ctx, id, n.Slug, n.Name)
	})
}

// DisableOrganization refuses all access to an organization, until EnableOrganization;
// a workspace file does not enable it.
func (o *organizations) DisableOrganization(ctx context.Context, by Actor, ref string) (Organization, error) {
	return o.change(ctx, by, audit.DisableOrganization, ref, func(ctx context.Context, id string) error {
		return o.store.SetOrganizationDisabled(ctx, id, true, o.now().Unix())
	})
}

// EnableOrganization allows access to an organization again.
func (o *organizations) EnableOrganization(ctx context.Context, by Actor, ref string) (Organization, error) {
	return o.change(ctx, by, audit.EnableOrganization, ref, func(ctx context.Context, id string) error {
		return o.store.SetOrganizationDisabled(ctx, id, false, o.now().Unix())
	})
}

// DeleteOrganization deletes an organization with its memberships and keys. Its slug
// can be used again, its id never.
func (o *organizations) DeleteOrganization(ctx context.Context, by Actor, ref string) (Empty, error) {
	return run(ctx, o.base, by, &operation{action: audit.DeleteOrganization, scope: workspaceScope, organization: ref},
		func(ctx context.Context, r directory.OrganizationRecord) (Empty, error) {
			return Empty{}, o.store.DeleteOrganization(ctx, r.ID, o.now().Unix())
		})
}

// change runs an operation of workspace scope on an organization, and returns the
// result.
func (o *organizations) change(ctx context.Context, by Actor, action audit.Action, ref string, do func(ctx context.Context, id string) error) (Organization, error) {
	return run(ctx, o.base, by, &operation{action: action, scope: workspaceScope, organization: ref},
		func(ctx context.Context, r directory.OrganizationRecord) (Organization, error) {
			if err := do(ctx, r.ID); err != nil {
				return Organization{}, err
			}
			return o.organization(ctx, r.ID)
		})
}

func (o *organizations) organization(ctx context.Context, id string) (Organization, error) {
	r, err := o.store.Organization(ctx, id)
	return organizationOf(r), err
}
