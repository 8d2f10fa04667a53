package workspacefile

import (
	"maps"
	"strconv"

	"go.yaml.in/yaml/v3"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/policy"
)

// rule reads one rule.
type rule func(f *file, n *yaml.Node, r *policy.Rules)

// rules are those of the workspace and of every organization.
var rules = map[string]rule{
	"access_ttl": func(f *file, n *yaml.Node, r *policy.Rules) { r.AccessTTL = f.seconds(n, policy.AccessTTLs) },
	"idle_timeout": func(f *file, n *yaml.Node, r *policy.Rules) {
		r.IdleTimeout = f.seconds(n, policy.Ages)
	},
	"organization_session_age": func(f *file, n *yaml.Node, r *policy.Rules) {
		r.OrganizationSessionAge = f.seconds(n, policy.Ages)
	},
	"authentication_age": func(f *file, n *yaml.Node, r *policy.Rules) {
		r.AuthenticationAge = f.seconds(n, policy.Ages)
	},
	"acr":                 func(f *file, n *yaml.Node, r *policy.Rules) { r.ACR = f.classes(n) },
	"amr":                 func(f *file, n *yaml.Node, r *policy.Rules) { r.AMR = f.classes(n) },
	"isolated":            func(f *file, n *yaml.Node, r *policy.Rules) { r.Isolated = f.boolean(n) },
	"max_sessions":        func(f *file, n *yaml.Node, r *policy.Rules) { r.MaxSessions = f.count(n, policy.SessionCounts) },
	"device_key_required": func(f *file, n *yaml.Node, r *policy.Rules) { r.DeviceKey = f.boolean(n) },
	"fresh_on_switch":     func(f *file, n *yaml.Node, r *policy.Rules) { r.FreshOnSwitch = f.boolean(n) },
	"no_staff":            func(f *file, n *yaml.Node, r *policy.Rules) { r.NoStaff = f.boolean(n) },
	"dedicated_signing_key": func(f *file, n *yaml.Node, r *policy.Rules) {
		r.DedicatedKey = f.boolean(n)
	},
}

// workspaceRules are only allowed for the workspace.
var workspaceRules = map[string]rule{
	"session_age":       func(f *file, n *yaml.Node, r *policy.Rules) { r.SessionAge = f.seconds(n, policy.SessionAges) },
	"session_idle":      func(f *file, n *yaml.Node, r *policy.Rules) { r.SessionIdle = f.secondsOrNone(n, policy.SessionAges) },
	"strictest_relogin": func(f *file, n *yaml.Node, r *policy.Rules) { r.StrictestRelogin = f.boolean(n) },
}

// organizationRules are only allowed for an organization.
var organizationRules = map[string]rule{
	"connection": func(f *file, n *yaml.Node, r *policy.Rules) {
		if r.Connection = f.text(n); !directory.IsConnectionID(r.Connection) {
			f.addProblem(n, "%q is not a connection id, such as con_acme", r.Connection)
		}
	},
}

// policy reads rules, the common ones and some more, and joins them with a preset's.
func (f *file) policy(n *yaml.Node, into *policy.Rules, more map[string]rule, with func(policy.Rules, string) (policy.Rules, bool)) {
	preset := func(*policy.Rules) {}
	members := map[string]func(*yaml.Node){"preset": func(n *yaml.Node) {
		preset = func(r *policy.Rules) {
			both, known := with(*r, f.text(n))
			if !known {
				f.addProblem(n, "preset %q is not known; known are aal2 and aal3", n.Value)
			}
			*r = both
		}
	}}
	for _, known := range []map[string]rule{rules, more} {
		for name, read := range maps.All(known) {
			members[name] = func(n *yaml.Node) { read(f, n, into) }
		}
	}
	f.object(n, members)
	preset(into) // last: of each rule the stricter counts
}

// classes reads authentication context classes or methods, at least one.
func (f *file) classes(n *yaml.Node) []string {
	all := f.texts(n)
	if !policy.ValidClasses(all) {
		f.addProblem(n, "%v", policy.ErrClasses)
	}
	return all
}

func (f *file) count(n *yaml.Node, in policy.Range) int64 {
	value, err := strconv.ParseInt(f.text(n), 10, 64)
	if err != nil || !in.Has(value) {
		f.addProblem(n, "expected a number from %d to %d", in.Least, in.Most)
	}
	return value
}
