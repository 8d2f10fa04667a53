package admin

import (
	"context"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/policy"
)

// PolicyStore keeps what is demanded.
type PolicyStore interface {
	// Workspace returns the workspace's document.
	Workspace(ctx context.Context) (*directory.Workspace, error)
	// SetWorkspacePolicy gives the workspace, as it was read, its rules;
	// directory.ErrOvertaken where it has changed since.
	SetWorkspacePolicy(ctx context.Context, w directory.Workspace, r policy.Rules) error
	// SetOrganizationPolicy gives an organization its rules.
	SetOrganizationPolicy(ctx context.Context, id string, r policy.Rules) error
}

// WorkspacePolicy returns what the workspace demands.
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

// PutWorkspacePolicy makes the workspace demand exactly this, until somebody or a
// workspace file says otherwise.
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

// OrganizationPolicy returns what an organization demands, besides the workspace.
func (o *policies) OrganizationPolicy(ctx context.Context, by Actor, organization string) (policy.Rules, error) {
	return run(ctx, o.base, by, &operation{action: audit.ReadPolicy, organization: organization},
		func(_ context.Context, r directory.OrganizationRecord) (policy.Rules, error) { return r.Rules, nil })
}

// PutOrganizationPolicy makes an organization demand exactly this. Of every rule the
// stricter counts, the workspace's or its own: no organization loosens one.
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
				return r, refuse(api.InvalidRequest, "The acr values of the workspace's policy and of this one have none in common.")
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
