package admin

import (
	"context"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
)

// AttributeStore stores attributes.
type AttributeStore interface {
	// ChangeAttributes replaces an organization's attributes, as they were read. Error:
	// directory.ErrOvertaken.
	ChangeAttributes(ctx context.Context, id string, from, to directory.Attributes) error
	// ChangeMemberAttributes replaces a member's attributes, as they were read. Error:
	// directory.ErrOvertaken.
	ChangeMemberAttributes(ctx context.Context, organizationID, userID string, from, to directory.Attributes) error
}

// Attributes are values that access tokens state, by name.
type Attributes map[string]any

// AttributeChanges are the attributes to set. Null removes one; others stay.
type AttributeChanges struct {
	Attributes Attributes `json:"attributes"`
}

// attributesOf returns stored attributes in the form for administrators.
func attributesOf(a directory.Attributes) Attributes {
	if a == "" {
		return nil
	}
	return a.Values()
}

// to returns attributes after the changes, which must be valid.
func (c AttributeChanges) to(w *directory.Workspace, source directory.AttributeSource, from directory.Attributes) (directory.Attributes, error) {
	if len(c.Attributes) == 0 {
		return "", refuse(api.InvalidRequest, "attributes is missing.")
	}
	if err := w.CheckAttributes(source, c.Attributes); err != nil {
		return "", err
	}
	to := from.Changed(c.Attributes)
	return to, to.CheckSize()
}

// ChangeAttributes changes an organization's attributes. It takes effect at the next
// mint, and access tokens of before end.
func (o *organizations) ChangeAttributes(ctx context.Context, by Actor, ref string, c AttributeChanges) (Organization, error) {
	return o.change(ctx, by, audit.UpdateOrganization, ref, func(ctx context.Context, id string) error {
		w, err := o.store.Workspace(ctx)
		if err != nil {
			return err
		}
		r, err := o.store.Organization(ctx, id)
		if err != nil {
			return err
		}
		to, err := c.to(w, directory.OfOrganization, r.Attributes)
		if err != nil || to == r.Attributes {
			return err
		}
		return o.store.ChangeAttributes(ctx, id, r.Attributes, to)
	})
}

// ChangeMemberAttributes changes the attributes of a member of any source.
func (o *members) ChangeMemberAttributes(ctx context.Context, by Actor, organization, user string, c AttributeChanges) (Member, error) {
	return run(ctx, o.base, by, &operation{action: audit.UpdateMember, organization: organization, user: user},
		func(ctx context.Context, r directory.OrganizationRecord) (Member, error) {
			w, err := o.store.Workspace(ctx)
			if err != nil {
				return Member{}, err
			}
			m, err := o.store.Member(ctx, r.ID, user)
			if err != nil {
				return Member{}, err
			}
			to, err := c.to(w, directory.OfMember, m.Attributes)
			if err == nil && to != m.Attributes {
				err = o.store.ChangeMemberAttributes(ctx, r.ID, user, m.Attributes, to)
			}
			if err != nil {
				return Member{}, err
			}
			return o.member(ctx, r.ID, user)
		})
}

// AttributeTypes returns the attributes that the workspace file declares, by name: of
// organizations and of members.
func (o *organizations) AttributeTypes(ctx context.Context, source directory.AttributeSource) (map[string]directory.AttributeType, error) {
	w, err := o.store.Workspace(ctx)
	if err != nil {
		return nil, err
	}
	return w.Attributes(source), nil
}
