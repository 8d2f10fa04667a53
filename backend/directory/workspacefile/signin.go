package workspacefile

import (
	"strconv"

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
		"max_sessions": func(n *yaml.Node) {
			most, err := strconv.ParseInt(f.text(n), 10, 64)
			if err != nil || most < 1 || most > directory.MostSessions {
				f.addProblem(n, "expected a number from 1 to %d", directory.MostSessions)
			}
			s.MaxSessions = most
		},
		"at_limit": func(n *yaml.Node) {
			if s.AtLimit = directory.AtLimit(f.text(n)); s.AtLimit != directory.EndOldest && s.AtLimit != directory.RefuseSignIn {
				f.addProblem(n, "at_limit must be oldest or refuse: what happens when somebody signs in in one browser more")
			}
		},
	})
	if err := s.Revalidation.Check(); err != nil {
		f.addProblem(n, "%v", err)
	}
	if s.AtLimit != "" && s.MaxSessions == 0 {
		f.addProblem(n, "at_limit needs max_sessions")
	}
	if s.StaySignedIn && !s.SessionCookie {
		f.addProblem(n, "stay_signed_in needs session_cookie: true; without it every session outlives the browser")
	}
	return s
}
