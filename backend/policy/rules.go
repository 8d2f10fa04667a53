package policy

import (
	"cmp"
	"slices"
)

// Rules are what a workspace or an organisation demands. A zero field demands
// nothing. Times are seconds.
type Rules struct {
	// AccessTTL is how long an access token lives: the default where the workspace
	// says nothing, which no organisation exceeds.
	AccessTTL int64 `json:"access_ttl,omitempty"`
	// SessionAge is how long a session lives after its sign-in. Only the
	// workspace's counts: no organisation shortens another's session.
	SessionAge int64 `json:"session_age,omitempty"`
	// SessionIdle ends a session that nobody used for longer: no refresh token of it was
	// redeemed. Only the workspace's counts. NoLimit wants none; 0 says nothing, and is
	// DefaultSessionIdle in a new workspace.
	SessionIdle int64 `json:"session_idle,omitempty"`
	// OrganizationSessionAge is how long an organisation session lives after its
	// start.
	OrganizationSessionAge int64 `json:"organization_session_age,omitempty"`
	// IdleTimeout ends an organisation session in which nobody was active for
	// longer.
	IdleTimeout int64 `json:"idle_timeout,omitempty"`
	// AuthenticationAge is the greatest age of the authentication (max_age of
	// OpenID Connect Core section 3.1.2.1).
	AuthenticationAge int64 `json:"authentication_age,omitempty"`
	// ACR are the authentication context classes of which the authentication must
	// have one. Empty but not nil, none will do: two rules contradict each other.
	ACR []string `json:"acr,omitempty"`
	// AMR are the methods that the authentication must have used, all of them
	// (RFC 8176).
	AMR []string `json:"amr,omitempty"`
	// Connection is the id of the organisation's own connection at which the
	// authentication must have been made; empty, the workspace's provider will do
	// too. Only an organisation's counts.
	Connection string `json:"connection,omitempty"`
	// Isolated accepts an authentication only if it was made for the organisation.
	Isolated bool `json:"isolated,omitempty"`
	// MaxSessions is in how many sessions at once a person may act for the
	// organisation: one more ends the one that was idle longest.
	MaxSessions int64 `json:"max_sessions,omitempty"`
	// DeviceKey demands a session that is bound to a device key.
	DeviceKey bool `json:"device_key_required,omitempty"`
	// FreshOnSwitch forbids switching to the organisation on a token kept from
	// before.
	FreshOnSwitch bool `json:"fresh_on_switch,omitempty"`
	// DedicatedKey signs the organisation's tokens by a key of its own, under an issuer
	// of its own.
	DedicatedKey bool `json:"dedicated_signing_key,omitempty"`
	// NoStaff keeps the staff of the workspace's operator out: nobody gets, and nobody
	// keeps, access that is no membership.
	NoStaff bool `json:"no_staff,omitempty"`
	// StrictestRelogin makes the ages of organisation session and authentication
	// be the strictest of all organisations entered. Only the workspace's counts.
	StrictestRelogin bool `json:"strictest_relogin,omitempty"`
}

// Defaults and limits, in seconds.
const (
	DefaultAccessTTL  = 5 * 60
	MaxAccessTTL      = 10 * 60
	DefaultSessionAge = 24 * 60 * 60
	MaxSessionAge     = 30 * 24 * 60 * 60

	// DefaultSessionIdle is the SessionIdle of a new workspace.
	DefaultSessionIdle = 8 * 60 * 60
	// NoLimit is a limit that was taken away on purpose.
	NoLimit = -1
)

// Effective returns the rules for an organisation: of every field the strictest of
// the workspace's and its own. What the session's other organisations demand,
// those entered, counts only where the workspace says so, and only for forced
// re-login.
func Effective(workspace, organization Rules, entered []Rules) Rules {
	r := Strictest(workspace, organization)
	if workspace.StrictestRelogin {
		for _, other := range entered {
			r.OrganizationSessionAge = earliest(r.OrganizationSessionAge, other.OrganizationSessionAge)
			r.AuthenticationAge = earliest(r.AuthenticationAge, other.AuthenticationAge)
		}
	}
	return r
}

// Strictest returns the rules that satisfy both the workspace's and an
// organisation's: of every field the one that demands more.
func Strictest(workspace, organization Rules) Rules {
	a, b := workspace, organization
	return Rules{
		AccessTTL:              earliest(cmp.Or(a.AccessTTL, DefaultAccessTTL), b.AccessTTL),
		SessionAge:             a.SessionAge,
		SessionIdle:            a.SessionIdle,
		OrganizationSessionAge: earliest(a.OrganizationSessionAge, b.OrganizationSessionAge),
		IdleTimeout:            earliest(a.IdleTimeout, b.IdleTimeout),
		AuthenticationAge:      earliest(a.AuthenticationAge, b.AuthenticationAge),
		ACR:                    both(a.ACR, b.ACR),
		AMR:                    slices.Compact(slices.Sorted(slices.Values(slices.Concat(a.AMR, b.AMR)))),
		Connection:             b.Connection,
		Isolated:               a.Isolated || b.Isolated,
		MaxSessions:            earliest(a.MaxSessions, b.MaxSessions),
		DeviceKey:              a.DeviceKey || b.DeviceKey,
		FreshOnSwitch:          a.FreshOnSwitch || b.FreshOnSwitch,
		DedicatedKey:           a.DedicatedKey || b.DedicatedKey,
		NoStaff:                a.NoStaff || b.NoStaff,
		StrictestRelogin:       a.StrictestRelogin,
	}
}

// Contradictory tells that no authentication can satisfy the rules.
func (r Rules) Contradictory() bool { return r.ACR != nil && len(r.ACR) == 0 }

// both returns the classes that satisfy either list, of which nil demands nothing.
func both(a, b []string) []string {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	common := []string{}
	for _, class := range b {
		if slices.Contains(a, class) {
			common = append(common, class)
		}
	}
	return common
}

// SessionEnd returns when a session that was signed in to at start ends for good.
func (r Rules) SessionEnd(start int64) int64 {
	return start + clamp(r.SessionAge, DefaultSessionAge, MaxSessionAge)
}

func clamp(wanted, standard, most int64) int64 {
	if wanted <= 0 {
		return standard
	}
	return min(wanted, most)
}

// earliest returns the least of several, of which 0 means never, or no limit.
func earliest(times ...int64) int64 {
	var first int64
	for _, t := range times {
		if t != 0 && (first == 0 || t < first) {
			first = t
		}
	}
	return first
}

// after returns when a limit that counts from start is reached; 0 where there is
// no limit.
func after(start, limit int64) int64 {
	if limit == 0 {
		return 0
	}
	return start + limit
}
