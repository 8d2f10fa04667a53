package workspacefile

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tabard-auth/tabard/backend/policy"
)

// rule reads one rule.
type rule func(f *file, n *yaml.Node, r *policy.Rules)

// rules are those of the workspace and of every organisation.
var rules = map[string]rule{
	"access_ttl": func(f *file, n *yaml.Node, r *policy.Rules) { r.AccessTTL = f.seconds(n, 10, policy.MaxAccessTTL) },
	"idle_timeout": func(f *file, n *yaml.Node, r *policy.Rules) {
		r.IdleTimeout = f.seconds(n, 1, policy.MaxSessionAge)
	},
	"organization_session_age": func(f *file, n *yaml.Node, r *policy.Rules) {
		r.OrganizationSessionAge = f.seconds(n, 1, policy.MaxSessionAge)
	},
	"authentication_age": func(f *file, n *yaml.Node, r *policy.Rules) {
		r.AuthenticationAge = f.seconds(n, 1, policy.MaxSessionAge)
	},
	"acr":                 func(f *file, n *yaml.Node, r *policy.Rules) { r.ACR = f.classes(n) },
	"amr":                 func(f *file, n *yaml.Node, r *policy.Rules) { r.AMR = f.classes(n) },
	"isolated":            func(f *file, n *yaml.Node, r *policy.Rules) { r.Isolated = f.truth(n) },
	"max_sessions":        func(f *file, n *yaml.Node, r *policy.Rules) { r.MaxSessions = f.count(n, maxSessions) },
	"device_key_required": func(f *file, n *yaml.Node, r *policy.Rules) { r.DeviceKey = f.truth(n) },
	"fresh_on_switch":     func(f *file, n *yaml.Node, r *policy.Rules) { r.FreshOnSwitch = f.truth(n) },
	"dedicated_signing_key": func(f *file, n *yaml.Node, r *policy.Rules) {
		r.DedicatedKey = f.truth(n)
	},
}

// workspaceRules are the workspace's alone.
var workspaceRules = map[string]rule{
	"session_age":       func(f *file, n *yaml.Node, r *policy.Rules) { r.SessionAge = f.seconds(n, 60, policy.MaxSessionAge) },
	"strictest_relogin": func(f *file, n *yaml.Node, r *policy.Rules) { r.StrictestRelogin = f.truth(n) },
}

// maxSessions is more than anybody has browsers.
const maxSessions = 1000

// policy reads rules, the common ones and some more.
func (f *file) policy(n *yaml.Node, into *policy.Rules, more map[string]rule) {
	members := map[string]func(*yaml.Node){}
	for _, known := range []map[string]rule{rules, more} {
		for name, read := range maps.All(known) {
			members[name] = func(n *yaml.Node) { read(f, n, into) }
		}
	}
	f.object(n, members)
}

var (
	class      = regexp.MustCompile(`^[!-~]+$`)
	maxClasses = 256 // bytes of acr_values
)

// classes reads authentication context classes or methods, of which there is one at
// least.
func (f *file) classes(n *yaml.Node) []string {
	all := f.texts(n)
	bad := func(text string) bool { return !class.MatchString(text) }
	if len(all) == 0 || slices.ContainsFunc(all, bad) || len(strings.Join(all, " ")) > maxClasses {
		f.wrong(n, "a list of names without spaces is expected here, such as [urn:example:mfa], of up to %d bytes", maxClasses)
	}
	return all
}

func (f *file) count(n *yaml.Node, most int64) int64 {
	value, err := strconv.ParseInt(f.text(n), 10, 64)
	if err != nil || value < 1 || value > most {
		f.wrong(n, "a number from 1 to %d is expected here", most)
	}
	return value
}
