package workspacefile

import (
	"go.yaml.in/yaml/v3"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/policy"
)

// The ranges of the settings of directory.Revalidation.
var (
	revalidations = policy.Range{Least: directory.LeastRevalidate, Most: directory.MostRevalidate}
	graces        = policy.Range{Least: directory.LeastRevalidate, Most: directory.MostRevalidateGrace}
)

// signIn reads the settings of sign-ins.
func (f *file) signIn(n *yaml.Node) (s directory.SignIn) {
	f.object(n, map[string]func(*yaml.Node){
		"revalidate":       func(n *yaml.Node) { s.Revalidate = f.seconds(n, revalidations) },
		"revalidate_grace": func(n *yaml.Node) { s.RevalidateGrace = f.seconds(n, graces) },

		"session_cookie": func(n *yaml.Node) { s.SessionCookie = f.boolean(n) },
		"stay_signed_in": func(n *yaml.Node) { s.StaySignedIn = f.boolean(n) },
		"max_sessions":   func(n *yaml.Node) { s.MaxSessions = f.count(n, directory.Browsers) },
		"at_limit":       func(n *yaml.Node) { s.AtLimit = directory.AtLimit(f.text(n)) },
	})
	return s
}
