package admin

import (
	"context"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/policy"
)

// PolicyStore stores policies.
type PolicyStore interface {
	// Workspace returns the workspace's document.
	Workspace(ctx context.Context) (*directory.Workspace, error)
	// SetWorkspacePolicy replaces the rules of the workspace as it was read. Error:
	// directory.ErrOvertaken if it has changed since.
	SetWorkspacePolicy(ctx context.Context, w directory.Workspace, r policy.Rules) error
	// SetOrganizationPolicy replaces an organization's rules.
	SetOrganizationPolicy(ctx context.Context, id string, r policy.Rules) error
}

// WorkspacePolicy returns the workspace's rules.
func (o *policies) WorkspacePolicy(ctx context.Context, by Actor) (policy.Rules, error) {
	return run(ctx, o.base, by, &operation{action: audit.ReadPolicy, scope: workspaceScope},
		func(ctx context.Context, _ directory.OrganizationRecord) (policy.Rules, error) {
			w, err := o.store.Workspace(ctx)
			if err != nil {
				return policy.Rules{}, err
			}
			return w.Policy, nil
		})
}

// PutWorkspacePolicy replaces the workspace's rules, until the next change or workspace
// file.
func (o *policies) PutWorkspacePolicy(ctx context.Context, by Actor, r policy.Rules) (policy.Rules, error) {
	return run(ctx, o.base, by, &operation{action: audit.UpdatePolicy, scope: workspaceScope},
		func(ctx context.Context, _ directory.OrganizationRecord) (policy.Rules, error) {
			if err := checkRules(r.CheckWorkspace()); err != nil {
				return r, err
			}
			w, err := o.store.Workspace(ctx)
			if err != nil {
				return r, err
			}
			if w.Revision == 0 {
				return r, refuse(api.Conflict, "There is no workspace yet. Apply a workspace file first.")
			}
			return r, o.store.SetWorkspacePolicy(ctx, *w, r)
		})
}

// OrganizationPolicy returns an organization's own rules.
func (o *policies) OrganizationPolicy(ctx context.Context, by Actor, organization string) (policy.Rules, error) {
	return run(ctx, o.base, by, &operation{action: audit.ReadPolicy, organization: organization},
		func(_ context.Context, r directory.OrganizationRecord) (policy.Rules, error) { return r.Rules, nil })
}

// PutOrganizationPolicy replaces an organization's own rules. Of each rule the stricter
// of workspace and organization counts, so no organization can loosen one.
func (o *policies) PutOrganizationPolicy(ctx context.Context, by Actor, organization string, r policy.Rules) (policy.Rules, error) {
	return run(ctx, o.base, by, &operation{action: audit.UpdatePolicy, organization: organization},
		func(ctx context.Context, record directory.OrganizationRecord) (policy.Rules, error) {
			w, err := o.store.Workspace(ctx)
			if err != nil {
				return r, err
			}
			if err := checkRules(r.CheckOrganization()); err != nil {
				return r, err
			}
			if err := o.checkConnection(ctx, record.ID, r.Connection); err != nil {
				return r, err
			}
			if policy.Strictest(w.Policy, r).Contradictory() {
				return r, refuse(api.InvalidRequest, "No acr value is in both the workspace's policy and this one: no sign-in could satisfy both.")
			}
			return r, o.store.SetOrganizationPolicy(ctx, record.ID, r)
		})
}

func checkRules(err error) error {
	if err != nil {
		return refuse(api.InvalidRequest, "%s.", err)
	}
	return nil
}
