package workspacefile

import (
	"cmp"
	"crypto/sha256"

	"go.yaml.in/yaml/v3"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/policy"
)

func (f *file) organization(n *yaml.Node) {
	o := directory.DesiredOrganization{Line: n.Line}
	var members, rules, connections *yaml.Node
	f.object(n, map[string]func(*yaml.Node){
		"id": f.assignText(&o.ID), "slug": f.assignText(&o.Slug), "name": f.assignText(&o.Name),
		"policy":   func(n *yaml.Node) { f.policy(n, &o.Rules, organizationRules, policy.Rules.ForOrganization); rules = n },
		"disabled": func(n *yaml.Node) { o.Disabled = f.boolean(n) },
		"members":  func(n *yaml.Node) { members = n },

		"attributes":  func(n *yaml.Node) { o.Attributes = f.values(n, directory.OfOrganization) },
		"connections": func(n *yaml.Node) { connections = n },
		"domains":     func(n *yaml.Node) { o.Domains = f.domains(n) },
	})
	switch {
	case !directory.ValidSlug(o.Slug):
		f.addProblem(n, "slug %q is invalid: use up to 63 of a–z, 0–9 and -", o.Slug)
	case f.slugs[o.Slug]:
		f.addProblem(n, "organization %q is repeated", o.Slug)
	case o.ID != "" && !orgID.MatchString(o.ID):
		f.addProblem(n, "id %q is invalid: use org_ and up to 60 of a–z and 0–9", o.ID)
	case o.ID != "" && f.ids[o.ID]:
		f.addProblem(n, "organization id %s is repeated", o.ID)
	case o.Name == "":
		f.addProblem(n, "organization %q needs a name", o.Slug)
	}
	f.slugs[o.Slug], f.ids[o.ID] = true, true
	if policy.Strictest(f.desired.Workspace.Policy, o.Rules).Contradictory() {
		f.addProblem(cmp.Or(rules, n), "no acr satisfies both the workspace's policy and organization %q's", o.Slug)
	}
	if connections != nil {
		o.Connections = f.ownProviders(connections, o.Slug)
	}
	if members != nil {
		o.Members = f.people(members, personSet{})
	}
	f.desired.Organizations = append(f.desired.Organizations, o)
	n.Content = nil // already read; the nodes of a large file use the most memory
}

// personSet is the set of members seen so far, by digest to save memory.
type personSet map[[16]byte]struct{}

// people reads members. seen holds the earlier ones.
func (f *file) people(n *yaml.Node, seen personSet) []directory.Member {
	var all []directory.Member
	f.list(n, func(n *yaml.Node) {
		m := f.member(n)
		sum := sha256.Sum256([]byte(m.Issuer + "\x00" + m.Subject))
		person := [16]byte(sum[:16])
		if _, repeated := seen[person]; repeated {
			f.addProblem(n, "member %q is repeated", m.Subject)
		}
		seen[person] = struct{}{}
		all = append(all, m)
	})
	return all
}

func (f *file) member(n *yaml.Node) directory.Member {
	m := directory.Member{User: directory.User{Issuer: f.issuer}, Roles: []string{}}
	f.object(n, map[string]func(*yaml.Node){
		"iss": func(n *yaml.Node) { m.Issuer = f.memberIssuer(n) },
		"sub": f.assignText(&m.Subject), "name": f.assignText(&m.Name), "email": f.assignText(&m.Email),
		"attributes": func(n *yaml.Node) { m.Attributes = f.values(n, directory.OfMember) },
		"roles": func(n *yaml.Node) {
			m.Roles = f.texts(n)
			f.checkRoles(n, m.Roles)
		},
	})
	if m.Subject == "" || len(m.Subject) > directory.MaxSubject {
		f.addProblem(n, "a member needs sub, the provider's identifier of the person (up to 255 bytes)")
	}
	if m.Issuer == "" {
		f.addProblem(n, "member %q needs iss, the provider's issuer, unless the file sets issuer", m.Subject)
	}
	return m
}
