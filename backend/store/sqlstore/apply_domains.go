package sqlstore

import (
	"context"
	"database/sql"
	"slices"
	"strings"

	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
)

const (
	selectAllDomains = `
SELECT ` + domainColumns + ` FROM domains d ORDER BY d.organization_id, d.name`

	applyDomain = `
INSERT INTO domains (organization_id, name, token, source, created_at) VALUES (?1, ?2, ?3, 'file', ?4)
ON CONFLICT (organization_id, name) DO UPDATE SET source = 'file'`

	scriptDomain = `
INSERT INTO domains (organization_id, name, token, source, created_at)
SELECT o.id, ?2, ?3, 'file', ?4 FROM organizations o WHERE o.slug = ?1
ON CONFLICT (organization_id, name) DO UPDATE SET source = 'file'`

	scriptDomains = `
DELETE FROM domains WHERE source = 'file' AND organization_id = (SELECT id FROM organizations WHERE slug = ?1) AND NOT (?2)`
)

// storedDomains returns the domains of each organization.
func (a *applier) storedDomains(ctx context.Context) (map[string][]directory.Domain, error) {
	all := map[string][]directory.Domain{}
	err := a.each(ctx, func(rows *sql.Rows) error {
		d, err := scanDomain(rows)
		all[d.OrganizationID] = append(all[d.OrganizationID], d)
		return err
	}, selectAllDomains)
	return all, err
}

// domains updates an organization's domains. A domain that an administrator added is the
// file's once it is named there, and stays verified.
func (a *applier) domains(slug, id string, stored []directory.Domain, wanted []string) {
	for _, name := range wanted {
		i := slices.IndexFunc(stored, func(d directory.Domain) bool { return d.Name == name })
		switch {
		case i < 0:
			a.changes.Domains.Added++
			a.report(directory.Addition, "domain", slug, name, "")
			a.pending.add(applyDomain, id, name, directory.NewDomainToken(), a.now)
			a.recordDomain(audit.CreateDomain, id, name)
		case !stored[i].FromFile:
			a.changes.Domains.Changed++
			a.report(directory.Change, "domain", slug, name, "(admin) -> (file)")
			a.pending.add(applyDomain, id, name, directory.NewDomainToken(), a.now)
		}
	}
	for _, d := range stored {
		if d.FromFile && !slices.Contains(wanted, d.Name) {
			a.changes.Domains.Removed++
			a.report(directory.Removal, "domain", slug, d.Name, "")
			a.pending.add(deleteDomain, id, d.Name)
			a.recordDomain(audit.DeleteDomain, id, d.Name)
		}
	}
}

func (a *applier) recordDomain(action audit.Action, organizationID, name string) {
	a.pending.add(insertEvent, eventArgs(audit.Event{
		ID: directory.NewID("evt_"), At: a.now, Action: action, Outcome: audit.Done, Actor: audit.WorkspaceFile,
		OrganizationID: organizationID, Note: name,
	})...)
}

// domains writes the statements that update an organization's domains.
func (s *script) domains(slug string, wanted []string) {
	named := []string{"FALSE"}
	for _, name := range wanted {
		s.add(scriptDomain, slug, name, directory.NewDomainToken(), s.now)
		named = append(named, "name = "+literal(name))
	}
	s.add(scriptDomains, slug, condition(strings.Join(named, " OR ")))
}
