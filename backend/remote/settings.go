package remote

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/tabard-auth/tabard/backend/admin"
	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/directory"
)

// workspace replaces the workspace's document if the file's differs.
func (a *applier) workspace(ctx context.Context, wanted directory.Workspace) error {
	var stored directory.Workspace
	if err := a.request(ctx, http.MethodGet, "/workspace", nil, &stored); err != nil {
		return err
	}
	before := &stored
	if len(stored.Apps) == 0 { // every document has an app
		before = nil
	}
	wanted.KeepUnsaid(before)
	differences, err := wanted.Differences(before)
	if err != nil || len(differences) == 0 {
		return err
	}
	for _, d := range differences {
		if a.OnDifference != nil {
			a.OnDifference(d)
		}
	}
	a.changes.Workspace = true
	return a.change(ctx, http.MethodPut, "/workspace", wanted, nil)
}

// fileSettings returns an organization's connections and domains as a request names them.
func (a *applier) fileSettings(o *directory.DesiredOrganization, dryRun bool) admin.FileSettings {
	f := admin.FileSettings{Domains: o.Domains, DryRun: dryRun}
	for _, c := range o.Connections {
		f.Connections = append(f.Connections, admin.FileConnection{
			ID: c.ID, Issuer: c.Issuer, Enabled: c.Enabled, ConnectionSettings: admin.SettingsOf(c.Connection, a.Secrets[c.ID]),
		})
	}
	return f
}

// checkSettings asks for the connections that cannot become those of the file, before
// anything is changed.
func (a *applier) checkSettings(ctx context.Context, stored []admin.Organization, wanted []directory.DesiredOrganization) error {
	var conflicts directory.Conflicts
	for i, o := range wanted {
		if len(o.Connections) == 0 || stored[i].ID == "" {
			continue
		}
		err := a.request(ctx, http.MethodPost, settingsOf(stored[i].ID), a.fileSettings(&o, true), nil)
		if r := refusalOf(err); r != nil && r.Code == api.Conflict && len(conflicts) < directory.MaxProblems {
			conflicts = append(conflicts, directory.Conflict{Line: o.Line, Text: r.Text})
		} else if err != nil {
			return fmt.Errorf("organization %s: %w", o.Slug, err)
		}
	}
	if conflicts != nil {
		return conflicts
	}
	return nil
}

func settingsOf(organizationID string) string {
	return "/organizations/" + organizationID + "/file-settings"
}

// settings changes an organization's connections and domains to those of the file. The
// backend, which alone can open stored secrets, says what differs.
func (a *applier) settings(ctx context.Context, at string, o *directory.DesiredOrganization) error {
	var answer admin.FileDifferences
	at += "/file-settings"
	if err := a.request(ctx, http.MethodPost, at, a.fileSettings(o, true), &answer); err != nil {
		return err
	}
	if len(answer.Differences) == 0 {
		return nil
	}
	for _, d := range answer.Differences {
		a.count(d)
		for kind, name := range admin.FileKinds {
			if name == d.Kind {
				a.reportDifference(kind, d.What, o.Slug, d.Name, "%s", d.Detail)
			}
		}
	}
	return a.change(ctx, http.MethodPost, at, a.fileSettings(o, false), nil)
}

// newSettings reports the connections and domains of an organization that does not exist.
func (a *applier) newSettings(o *directory.DesiredOrganization) {
	for _, c := range o.Connections {
		a.changes.Connections.Added++
		a.reportDifference(directory.Addition, "connection", o.Slug, c.ID, "")
	}
	for _, name := range slices.Sorted(slices.Values(o.Domains)) {
		a.changes.Domains.Added++
		a.reportDifference(directory.Addition, "domain", o.Slug, name, "")
	}
}

func (a *applier) count(d admin.FileDifference) {
	counts := map[string]*directory.Count{"connection": &a.changes.Connections, "domain": &a.changes.Domains}
	c := counts[d.What]
	if c == nil {
		return
	}
	switch d.Kind {
	case admin.FileKinds[directory.Addition]:
		c.Added++
	case admin.FileKinds[directory.Change]:
		c.Changed++
	default:
		c.Removed++
	}
}
