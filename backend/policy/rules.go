package policy

import (
	"cmp"
	"slices"
)

// Rules are the requirements of a workspace or an organization. A zero field requires
// nothing. Times are in seconds.
type Rules struct {
	// AccessTTL is the lifetime of an access token. The default applies if the
	// workspace sets none, and no organization exceeds the workspace's.
	AccessTTL int64 `json:"access_ttl,omitempty"`
	// SessionAge is the lifetime of a session after its sign-in. Only the workspace's
	// counts: an organization cannot shorten a session that others use.
	SessionAge int64 `json:"session_age,omitempty"`
	// SessionIdle ends a session that nobody used for longer: no refresh token of it was
	// redeemed. Only the workspace's counts. NoLimit wants none; 0 says nothing, and is
	// DefaultSessionIdle in a new workspace.
	SessionIdle int64 `json:"session_idle,omitempty"`
	// OrganizationSessionAge is how long an organization session lives after its
	// start.
	OrganizationSessionAge int64 `json:"organization_session_age,omitempty"`
	// IdleTimeout ends an organization session without activity for longer than this.
	IdleTimeout int64 `json:"idle_timeout,omitempty"`
	// AuthenticationAge is the maximum age of the authentication (max_age of OpenID
	// Connect Core section 3.1.2.1).
	AuthenticationAge int64 `json:"authentication_age,omitempty"`
	// ACR are the accepted authentication context classes; one of them is required.
	// Empty but not nil accepts none: two rules contradict each other.
	ACR []string `json:"acr,omitempty"`
	// AMR are the required authentication methods, all of them (RFC 8176).
	AMR []string `json:"amr,omitempty"`
	// Connection is the id of the organization's own connection that the authentication
	// must come from. If empty, the workspace's provider is accepted too. Only an
	// organization's counts.
	Connection string `json:"connection,omitempty"`
	// Isolated accepts an authentication only if it was made for the organization.
	Isolated bool `json:"isolated,omitempty"`
	// MaxSessions is the most sessions with which a person may act for the organization
	// at once. One more ends the longest idle.
	MaxSessions int64 `json:"max_sessions,omitempty"`
	// DeviceKey requires a session that is bound to a device key.
	DeviceKey bool `json:"device_key_required,omitempty"`
	// FreshOnSwitch forbids switching to the organization on a token kept from an
	// earlier visit.
	FreshOnSwitch bool `json:"fresh_on_switch,omitempty"`
	// DedicatedKey requires a signing key of the organization's own, under its own
	// issuer.
	DedicatedKey bool `json:"dedicated_signing_key,omitempty"`
	// NoStaff excludes the staff of the workspace's operator: staff access is not
	// granted, and existing staff access ends.
	NoStaff bool `json:"no_staff,omitempty"`
	// StrictestRelogin applies the strictest ages of organization session and
	// authentication among all organizations entered. Only the workspace's counts.
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

// Effective returns the rules for an organization: for every field the stricter of the
// workspace's and its own. The rules of the session's other organizations, entered,
// only count for forced re-login, and only if the workspace says so.
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

// Strictest returns the rules that satisfy both the workspace's and an organization's:
// the stricter value of every field.
func Strictest(workspace, organization Rules) Rules {
	a, b := workspace, organization
	return Rules{
		AccessTTL:              earliest(cmp.Or(a.AccessTTL, DefaultAccessTTL), b.AccessTTL),
		SessionAge:             a.SessionAge,
		SessionIdle:            a.SessionIdle,
		OrganizationSessionAge: earliest(a.OrganizationSessionAge, b.OrganizationSessionAge),
		IdleTimeout:            earliest(a.IdleTimeout, b.IdleTimeout),
		AuthenticationAge:      earliest(a.AuthenticationAge, b.AuthenticationAge),
		ACR:                    intersection(a.ACR, b.ACR),
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

// Contradictory reports whether no authentication can satisfy the rules.
func (r Rules) Contradictory() bool { return r.ACR != nil && len(r.ACR) == 0 }

// intersection returns the classes that satisfy both lists. A nil list accepts all.
func intersection(a, b []string) []string {
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

// SessionEnd returns the absolute end of a session that began at start.
func (r Rules) SessionEnd(start int64) int64 {
	return start + clamp(r.SessionAge, DefaultSessionAge, MaxSessionAge)
}

func clamp(wanted, standard, most int64) int64 {
	if wanted <= 0 {
		return standard
	}
	return min(wanted, most)
}

// earliest returns the least of several times, of which 0 means never, or no limit.
func earliest(times ...int64) int64 {
	var first int64
	for _, t := range times {
		if t != 0 && (first == 0 || t < first) {
			first = t
		}
	}
	return first
}

// after returns when a limit that counts from start is reached, or 0 if there is no
// limit.
func after(start, limit int64) int64 {
	if limit == 0 {
		return 0
	}
	return start + limit
}
