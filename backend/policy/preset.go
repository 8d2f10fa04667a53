package policy

// presets are what NIST SP 800-63B-4 (sections 2.2.3 and 2.3.3) asks of sessions at an
// authentication assurance level, beside the authentication itself.
var presets = map[string]Rules{
	"aal2": {SessionAge: 24 * hour, SessionIdle: hour, OrganizationSessionAge: 24 * hour, IdleTimeout: hour, AuthenticationAge: 24 * hour},
	"aal3": {SessionAge: 12 * hour, SessionIdle: hour / 4, OrganizationSessionAge: 12 * hour, IdleTimeout: hour / 4, AuthenticationAge: 12 * hour},
}

const hour = 60 * 60

// ForWorkspace returns a workspace's rules together with a preset's: of each the stricter.
// It reports false for a preset that does not exist.
func (r Rules) ForWorkspace(preset string) (Rules, bool) {
	bundle, known := presets[preset]
	both := r.with(bundle)
	both.SessionAge = earliest(r.SessionAge, bundle.SessionAge)
	both.SessionIdle = earliest(max(0, r.SessionIdle), bundle.SessionIdle)
	return both, known
}

// ForOrganization returns an organization's rules together with a preset's, as
// ForWorkspace does. What only a workspace has, the preset leaves as it is there.
func (r Rules) ForOrganization(preset string) (Rules, bool) {
	bundle, known := presets[preset]
	return r.with(bundle), known
}

func (r Rules) with(bundle Rules) Rules {
	both := Strictest(r, bundle)
	both.AccessTTL = r.AccessTTL // no bundle says one, and unsaid is no rule
	return both
}
