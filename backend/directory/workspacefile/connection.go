package workspacefile

import (
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tabard-auth/tabard/backend/directory"
)

// ownProviders reads an organization's connections. At most one may be enabled.
func (f *file) ownProviders(n *yaml.Node, slug string) []directory.DesiredConnection {
	var all []directory.DesiredConnection
	contradiction := ""
	f.list(n, func(n *yaml.Node) {
		c := f.connection(n)
		if other, taken := f.connections[c.ID]; taken && other != slug {
			f.addProblem(n, "connection %s is repeated: here and at organization %q", c.ID, other)
		}
		f.connections[c.ID] = slug
		all = append(all, c)
		if contradiction == "" {
			if contradiction = directory.CheckTogether(all); contradiction != "" {
				f.addProblem(n, "%s", contradiction)
			}
		}
	})
	return all
}

func (f *file) connection(n *yaml.Node) directory.DesiredConnection {
	c := directory.DesiredConnection{Line: n.Line}
	c.Enabled, c.FromFile = true, true
	p := &c.Provisioning
	f.object(n, map[string]func(*yaml.Node){
		"id": f.assignText(&c.ID), "issuer": f.assignText(&c.Issuer), "client_id": f.assignText(&c.ClientID), "claim": f.assignText(&p.Claim),
		"client_secret":         func(n *yaml.Node) { c.ClientSecret = f.secretReference(n) },
		"scopes":                func(n *yaml.Node) { c.Scopes = f.texts(n) },
		"frontchannel_logout":   func(n *yaml.Node) { c.FrontchannelLogout = f.boolean(n) },
		"untyped_logout_tokens": func(n *yaml.Node) { c.UntypedLogoutTokens = f.boolean(n) },
		"push_requests":         func(n *yaml.Node) { c.PushRequests = f.boolean(n) },
		"client_auth":           f.assignText(&c.ClientAuth), "response_mode": f.assignText(&c.ResponseMode), "assertion_audience": f.assignText(&c.AssertionAudience),

		"revalidate":       func(n *yaml.Node) { c.Revalidate = f.seconds(n, revalidations) },
		"revalidate_grace": func(n *yaml.Node) { c.RevalidateGrace = f.seconds(n, graces) },

		"enabled":         func(n *yaml.Node) { c.Enabled = f.boolean(n) },
		"just_in_time":    func(n *yaml.Node) { p.JustInTime = f.boolean(n) },
		"roles":           func(n *yaml.Node) { p.Roles = f.texts(n); f.checkRoles(n, p.Roles) },
		"claim_source":    func(n *yaml.Node) { p.ClaimSource = f.claimSource(n) },
		"claim_separator": f.assignText(&p.ClaimSeparator),
		"groups":          func(n *yaml.Node) { p.Groups = f.groups(n) },
	})
	if err := c.Check(); err != nil {
		f.addProblem(n, "%v", err)
	}
	if c.ClientSecret == (directory.SecretReference{}) && c.ClientAuth == "" {
		f.addProblem(n, "connection %s needs client_secret: {env: VARIABLE} or {file: PATH}, or client_auth: private_key_jwt; this file must not contain secrets", c.ID)
	}
	return c
}

func (f *file) secretReference(n *yaml.Node) directory.SecretReference {
	var r directory.SecretReference
	if resolve(n).Kind != yaml.MappingNode {
		f.addProblem(n, "this file must not contain secrets: use client_secret: {env: VARIABLE} or {file: PATH}")
		return directory.SecretReference{Variable: "?"} // reported once
	}
	f.object(n, map[string]func(*yaml.Node){"env": f.assignText(&r.Variable), "file": f.assignText(&r.File)})
	if r.Variable != "" && r.File != "" {
		f.addProblem(n, "client_secret needs either env or file, not both")
	}
	return r
}

func (f *file) groups(n *yaml.Node) map[string][]string {
	all := map[string][]string{}
	f.members(n, func(group, roles *yaml.Node) {
		all[group.Value] = f.texts(roles)
		f.checkRoles(roles, all[group.Value])
	})
	return all
}

// memberIssuer reads the issuer of a member: a provider's, or a connection.
func (f *file) memberIssuer(n *yaml.Node) string {
	text := f.text(n)
	if strings.HasPrefix(text, directory.ConnectionPrefix) {
		if !directory.IsConnectionID(text) {
			f.addProblem(n, "%q is not a connection id, such as con_acme", text)
		}
		return text
	}
	return f.issuerURL(n)
}

// checkConnections refuses rules that demand another organization's connection.
func (f *file) checkConnections() {
	for _, o := range f.desired.Organizations {
		if owner, known := f.connections[o.Rules.Connection]; known && owner != o.Slug && len(f.problems) < directory.MaxProblems {
			f.problems = append(f.problems, Problem{o.Line, "connection " + o.Rules.Connection + " belongs to organization \"" + owner + "\", not to \"" + o.Slug + "\""})
		}
	}
}
