package workspacefile

import (
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/domain"
)

// domains reads the domains of an organization's people. Several organizations may claim
// one: the first that verifies it has it.
func (f *file) domains(n *yaml.Node) []string {
	var all []string
	f.list(n, func(n *yaml.Node) {
		name, err := domain.Normalize(f.text(n))
		switch {
		case err != nil:
			f.addProblem(n, "%v", err)
		case slices.Contains(all, name):
			f.addProblem(n, "domain %q is repeated", name)
		}
		all = append(all, name)
	})
	if len(all) > directory.MaxDomains {
		f.addProblem(n, "an organization has at most %d domains", directory.MaxDomains)
	}
	return all
}
