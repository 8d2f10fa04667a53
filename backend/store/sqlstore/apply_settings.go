package sqlstore

import (
	"context"
	"fmt"
	"strings"

	"github.com/tabard-auth/tabard/backend/directory"
)

// ApplySettings implements admin.FileStore: the connections and domains of one organization
// become those of the file, as by Apply. Its statements can be repeated, since D1 has no
// transactions.
func (s *Store) ApplySettings(ctx context.Context, o directory.DesiredOrganization, now int64, dryRun bool) ([]directory.Difference, error) {
	differences := []directory.Difference{}
	a := &applier{database: s.database, now: now, ApplyOptions: ApplyOptions{
		OnDifference: func(d directory.Difference) { differences = append(differences, d) },
	}}
	if err := a.planSettings(ctx, o); err != nil {
		return nil, fmt.Errorf("sqlstore: apply settings: %w", err)
	}
	if dryRun {
		return differences, nil
	}
	for _, p := range a.pending.statements {
		if err := s.change(ctx, "apply settings", p.text, p.args...); err != nil {
			return nil, err
		}
	}
	return differences, nil
}

// planSettings makes the pending statements of an organization's connections and domains.
func (a *applier) planSettings(ctx context.Context, o directory.DesiredOrganization) error {
	ids, args := []string{"''"}, []any{o.ID}
	for i, c := range o.Connections {
		ids, args = append(ids, fmt.Sprintf("?%d", i+2)), append(args, c.ID)
	}
	connections, err := a.storedConnections(ctx, connectionsOfOne+strings.Join(ids, ", ")+")", args...)
	if err != nil {
		return err
	}
	if err := checkConnections(connections, []*matched{{id: o.ID}}, []directory.DesiredOrganization{o}); err != nil {
		return err
	}
	if err := a.ofOrganization(o.Slug, o.ID, connections, o.Connections); err != nil {
		return err
	}
	domains, err := collect(ctx, a, "domains", scanDomain, selectDomains, o.ID, "", directory.MostDomains)
	if err != nil {
		return err
	}
	a.domains(o.Slug, o.ID, domains, o.Domains)
	return nil
}
