package admin

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
)

// FileStore stores what a workspace file says.
type FileStore interface {
	// WorkspaceDocument returns the workspace's document as it is stored, with what it
	// leaves open, or nil if there is none.
	WorkspaceDocument(ctx context.Context) (*directory.Workspace, error)
	// SetWorkspace replaces the document of the revision, or creates one if that is 0.
	// Error: directory.ErrOvertaken if it has changed since.
	SetWorkspace(ctx context.Context, w directory.Workspace) error
	// ApplySettings changes the connections and domains of an organization to those of a
	// file, and returns the differences. A dry run changes nothing. It may be repeated.
	// Error: directory.Conflicts.
	ApplySettings(ctx context.Context, o directory.DesiredOrganization, now int64, dryRun bool) ([]directory.Difference, error)
	// ChangeFileMembers makes people members by the workspace file, in place of any other
	// source, and removes memberships that the file gave, and no others. It may be repeated.
	ChangeFileMembers(ctx context.Context, organizationID string, set []directory.Member, removed []string, now int64) error
}

// Workspace returns the workspace's document.
func (o *policies) Workspace(ctx context.Context, by Actor) (directory.Workspace, error) {
	return run(ctx, o.base, by, &operation{action: audit.ReadWorkspace, scope: workspaceScope},
		func(ctx context.Context, _ directory.OrganizationRecord) (directory.Workspace, error) {
			w, err := o.store.WorkspaceDocument(ctx)
			if err != nil || w == nil {
				return directory.Workspace{Apps: []directory.App{}, Roles: map[string][]string{}}, err
			}
			return *w, nil
		})
}

// PutWorkspace replaces the workspace's document, as a workspace file does: by the same
// rules, and with on_reuse as it is if the new document leaves it open.
func (o *policies) PutWorkspace(ctx context.Context, by Actor, w directory.Workspace) (directory.Workspace, error) {
	return run(ctx, o.base, by, &operation{action: audit.UpdateWorkspace, scope: workspaceScope},
		func(ctx context.Context, _ directory.OrganizationRecord) (directory.Workspace, error) {
			if faults := w.Check(); len(faults) > 0 {
				return w, refuse(api.InvalidRequest, "%s: %s.", strings.Join(faults[0].At, "/"), faults[0].Text)
			}
			stored, err := o.store.WorkspaceDocument(ctx)
			if err != nil {
				return w, err
			}
			if w.KeepUnsaid(stored); stored != nil {
				w.Revision = stored.Revision
			}
			return w, o.store.SetWorkspace(ctx, w)
		})
}

// FileSettings are all connections and domains that a workspace file gives an organization.
type FileSettings struct {
	Connections []FileConnection `json:"connections,omitempty"`
	Domains     []string         `json:"domains,omitempty"`
	// DryRun asks for the differences only. The roles of connections need not exist yet.
	DryRun bool `json:"dry_run,omitempty"`
}

// FileConnection is a connection in a workspace file, which chooses its ID.
type FileConnection struct {
	ID     string `json:"id"`
	Issuer string `json:"issuer"`
	ConnectionSettings
	Enabled bool `json:"enabled,omitempty"`
}

// maxFileConnections is the most connections of an organization in a file that the API
// takes: the statement that reads them has a parameter for each.
const maxFileConnections = 50

// FileDifferences are what a request changed, or would change.
type FileDifferences struct {
	Differences []FileDifference `json:"differences"`
}

// FileDifference is one of them. What is connection or domain, and Kind is added, changed or
// removed.
type FileDifference struct {
	Kind   string `json:"kind"`
	What   string `json:"what"`
	Name   string `json:"name"`
	Detail string `json:"detail,omitempty"`
}

// FileKinds are the kinds of FileDifference.
var FileKinds = map[directory.DifferenceKind]string{directory.Addition: "added", directory.Change: "changed", directory.Removal: "removed"}

// ApplySettings changes an organization's connections and domains to those of a workspace
// file. Connections that it no longer names are disabled and left to administrators, and
// domains that an earlier file named are deleted.
func (o *connections) ApplySettings(ctx context.Context, by Actor, organization string, f FileSettings) (FileDifferences, error) {
	action := audit.ApplyFile
	if f.DryRun {
		action = audit.ReadWorkspace
	}
	return run(ctx, o.base, by, &operation{action: action, scope: workspaceScope, organization: organization},
		func(ctx context.Context, r directory.OrganizationRecord) (FileDifferences, error) {
			var answer FileDifferences
			wanted, err := o.desired(ctx, r, f)
			if err != nil {
				return answer, err
			}
			differences, err := o.store.ApplySettings(ctx, wanted, o.now().Unix(), f.DryRun)
			if conflicts := (directory.Conflicts{}); errors.As(err, &conflicts) {
				return answer, refuse(api.Conflict, "%s.", conflicts[0].Text)
			}
			answer.Differences = []FileDifference{}
			for _, d := range differences {
				answer.Differences = append(answer.Differences, FileDifference{FileKinds[d.Kind], d.What, d.Name, d.Detail})
			}
			return answer, err
		})
}

// desired returns an organization with the settings, checked as a file's are.
func (o *connections) desired(ctx context.Context, r directory.OrganizationRecord, f FileSettings) (directory.DesiredOrganization, error) {
	wanted := directory.DesiredOrganization{Organization: r.Organization}
	if len(f.Connections) > maxFileConnections {
		return wanted, refuse(api.InvalidRequest, "An organization has at most %d connections.", maxFileConnections)
	}
	for _, c := range f.Connections {
		connection, err := o.fileConnection(ctx, r.ID, c, f.DryRun)
		if err != nil {
			return wanted, err
		}
		wanted.Connections = append(wanted.Connections, directory.DesiredConnection{Connection: connection})
	}
	if text := directory.CheckTogether(wanted.Connections); text != "" {
		return wanted, refuse(api.InvalidRequest, "%s.", text)
	}
	for _, name := range f.Domains {
		normal, err := normalDomain(name)
		if err != nil {
			return wanted, err
		}
		if slices.Contains(wanted.Domains, normal) {
			return wanted, refuse(api.InvalidRequest, "Domain %q is repeated.", normal)
		}
		wanted.Domains = append(wanted.Domains, normal)
	}
	if len(wanted.Domains) > directory.MaxDomains {
		return wanted, directory.ErrTooMany
	}
	return wanted, nil
}

// fileConnection returns a connection of a file, with its secret sealed over the stored one.
func (o *connections) fileConnection(ctx context.Context, organizationID string, f FileConnection, dryRun bool) (directory.Connection, error) {
	if f.ClientSecret == "" && f.ClientAuth == "" {
		return directory.Connection{}, refuse(api.InvalidRequest, clientSecretMissing)
	}
	stored, err := o.store.Connection(ctx, f.ID)
	if err != nil && !errors.Is(err, directory.ErrNoConnection) {
		return stored, err
	}
	c, err := o.build(ctx, f.ID, organizationID, f.Issuer, f.ConnectionSettings)
	if dryRun && errors.Is(err, directory.ErrNoRole) {
		err = nil
	}
	if f.ClientSecret != "" {
		c.SealedSecret = o.seal.SealOver(stored.SealedSecret, []byte(f.ClientSecret), f.ID)
	}
	c.Enabled, c.FromFile = f.Enabled, true
	return c, err
}
