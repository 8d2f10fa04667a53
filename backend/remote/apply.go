package remote

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/tabard-auth/tabard/backend/admin"
	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/policy"
)

// ApplyOptions are the options of Apply.
type ApplyOptions struct {
	// DryRun reports the differences without changing anything.
	DryRun bool
	// OnProgress is called after each organization with the number of memberships
	// compared.
	OnProgress func(members int)
	// OnDifference is called with each difference, before it is changed.
	OnDifference func(directory.Difference)
	// Secrets are the client secrets of connections, by their ids.
	Secrets map[string]string
}

// Apply changes the workspace's document, and the organizations of a workspace file with
// their connections, domains, policies and members, to match the file. Applied again it
// changes nothing; after an interruption the next call does the rest. As with a database,
// members that an earlier file named and this one does not are removed; those admitted by
// an administrator or a claim stay.
//
// A disabled organization stays disabled.
func (c *Client) Apply(ctx context.Context, d directory.Desired, how ApplyOptions) (directory.Changes, error) {
	a := &applier{Client: c, ApplyOptions: how}
	err := a.run(ctx, d)
	return a.changes, err
}

type applier struct {
	*Client
	ApplyOptions
	changes directory.Changes
}

func (a *applier) reportDifference(kind directory.DifferenceKind, what, organization, name, format string, args ...any) {
	if a.OnDifference != nil {
		a.OnDifference(directory.Difference{Kind: kind, What: what, Organization: organization, Name: name, Detail: fmt.Sprintf(format, args...)})
	}
}

// change sends a request that changes something, except in a dry run.
func (a *applier) change(ctx context.Context, method, at string, body, into any) error {
	if a.DryRun {
		return nil
	}
	return a.request(ctx, method, at, body, into)
}

func (a *applier) run(ctx context.Context, d directory.Desired) error {
	byID, bySlug := map[string]admin.Organization{}, map[string]admin.Organization{}
	if err := eachItem(ctx, a.Client, "/organizations", func(o admin.Organization) { byID[o.ID], bySlug[o.Slug] = o, o }); err != nil {
		return err
	}
	stored := make([]admin.Organization, len(d.Organizations))
	var conflicts directory.Conflicts
	for i, o := range d.Organizations {
		if stored[i] = bySlug[o.Slug]; o.ID != "" {
			stored[i] = byID[o.ID]
		}
		if o.ID != "" && stored[i].ID == "" && len(conflicts) < directory.MaxProblems {
			conflicts = append(conflicts, directory.Conflict{Line: o.Line, Text: fmt.Sprintf(
				"there is no organization %s. The administration API assigns the ids of new organizations: leave the id out", o.ID)})
		}
	}
	if conflicts != nil {
		return conflicts
	}
	if err := a.checkSettings(ctx, stored, d.Organizations); err != nil {
		return err
	}
	if err := a.workspace(ctx, d.Workspace); err != nil {
		return err
	}
	done := 0
	for i, o := range d.Organizations {
		if err := a.organization(ctx, stored[i], &o); err != nil {
			return fmt.Errorf("organization %s: %w", o.Slug, err)
		}
		done += o.MemberCount()
		if a.OnProgress != nil {
			a.OnProgress(done)
		}
	}
	return nil
}

func (a *applier) policy(ctx context.Context, organization, at string, wanted policy.Rules) (changed bool, err error) {
	var stored policy.Rules
	if err := a.request(ctx, http.MethodGet, at, nil, &stored); err != nil {
		return false, err
	}
	before, after := encodeRules(stored), encodeRules(wanted)
	if before == after {
		return false, nil
	}
	a.reportDifference(directory.Change, "organization", organization, "policy", "%s -> %s", before, after)
	return true, a.change(ctx, http.MethodPut, at, wanted, nil)
}

func encodeRules(r policy.Rules) string {
	written, _ := json.Marshal(r) // numbers and texts always encode
	return string(written)
}

func (a *applier) organization(ctx context.Context, stored admin.Organization, o *directory.DesiredOrganization) error {
	added := stored.ID == ""
	changed := false
	switch names := (admin.OrganizationNames{Slug: o.Slug, Name: o.Name}); {
	case added:
		a.changes.Organizations.Added++
		a.reportDifference(directory.Addition, "organization", o.Slug, "", "%q", o.Name)
		err := a.change(ctx, http.MethodPost, "/organizations", names, &stored)
		if hasCode(err, api.AlreadyExists) { // created by a request whose response was lost
			err = a.request(ctx, http.MethodGet, "/organizations/"+o.Slug, nil, &stored)
		}
		if err != nil {
			return err
		}
		if a.DryRun { // there is nothing to compare with
			a.newSettings(o)
			return a.members(ctx, "", o)
		}
	case stored.Slug != o.Slug || stored.Name != o.Name:
		changed = true
		a.reportDifference(directory.Change, "organization", o.Slug, "", "%s %q -> %q", stored.Slug, stored.Name, o.Name)
		if err := a.change(ctx, http.MethodPatch, "/organizations/"+stored.ID, names, nil); err != nil {
			return err
		}
	}
	at := "/organizations/" + stored.ID
	if o.Disabled && !stored.Disabled {
		changed = true
		a.reportDifference(directory.Change, "organization", o.Slug, "", "disabled")
		if err := a.change(ctx, http.MethodPost, at+"/disable", nil, nil); err != nil {
			return err
		}
	}
	if err := a.settings(ctx, at, o); err != nil { // first, since rules and members name connections
		return err
	}
	ruled, err := a.policy(ctx, o.Slug, at+"/policy", o.Rules)
	if err != nil {
		return err
	}
	stated, err := a.attributes(ctx, at, stored, o)
	if err != nil {
		return err
	}
	if (changed || ruled || stated) && !added {
		a.changes.Organizations.Changed++
	}
	return a.members(ctx, at, o)
}

// attributes changes an organization's attributes to those that the file states.
func (a *applier) attributes(ctx context.Context, at string, stored admin.Organization, o *directory.DesiredOrganization) (changed bool, err error) {
	if o.Attributes == "" {
		return false, nil
	}
	before, after := attributesOf(stored.Attributes), o.Attributes
	if before == after {
		return false, nil
	}
	a.reportDifference(directory.Change, "organization", o.Slug, "attributes", "%s -> %s", before, after)
	changes := admin.AttributeChanges{Attributes: after.Values()}
	for name := range stored.Attributes {
		if _, stays := changes.Attributes[name]; !stays {
			changes.Attributes[name] = nil
		}
	}
	return true, a.change(ctx, http.MethodPatch, at+"/attributes", changes, nil)
}

// attributesOf returns attributes as a file states them.
func attributesOf(all admin.Attributes) directory.Attributes {
	if len(all) == 0 {
		return "{}"
	}
	return directory.NewAttributes(all)
}
