package policy

import (
	"fmt"
	"slices"
	"strings"
)

// Range is the allowed range of a rule, inclusive. 0, no rule, is always allowed.
type Range struct{ Least, Most int64 }

// The ranges of the rules, in seconds except for SessionCounts.
var (
	AccessTTLs    = Range{10, MaxAccessTTL}
	Ages          = Range{1, MaxSessionAge} // of organization sessions, idleness and authentications
	SessionAges   = Range{60, MaxSessionAge}
	SessionCounts = Range{1, 1000} // more than the browsers of any person
)

// Has reports whether a value is in the range.
func (r Range) Has(value int64) bool { return r.Least <= value && value <= r.Most }

// maxClasses is the maximum size of a list of classes or methods as acr_values, in
// bytes.
const maxClasses = 256

// ErrClasses states the required form of a list of authentication context classes or
// methods.
var ErrClasses = fmt.Errorf("expected a list of names without spaces, such as [urn:example:mfa], of at most %d bytes", maxClasses)

// ValidClasses reports whether a list of authentication context classes or methods is
// valid: at least one, each printable and without spaces.
func ValidClasses(all []string) bool {
	bad := func(text string) bool { return text == "" || strings.ContainsFunc(text, notInClass) }
	return len(all) > 0 && !slices.ContainsFunc(all, bad) && len(strings.Join(all, " ")) <= maxClasses
}

func notInClass(r rune) bool { return r < '!' || r > '~' }

// CheckWorkspace returns an error if a workspace's rules are invalid.
func (r Rules) CheckWorkspace() error {
	if r.Connection != "" {
		return fmt.Errorf("connection can only be set for an organization")
	}
	return r.check()
}

// CheckOrganization returns an error if an organization's rules are invalid.
func (r Rules) CheckOrganization() error {
	if r.SessionAge != 0 || r.StrictestRelogin {
		return fmt.Errorf("session_age and strictest_relogin can only be set for the workspace")
	}
	return r.check()
}

func (r Rules) check() error {
	for _, rule := range []struct {
		name  string
		value int64
		in    Range
	}{
		{"access_ttl", r.AccessTTL, AccessTTLs},
		{"session_age", r.SessionAge, SessionAges},
		{"organization_session_age", r.OrganizationSessionAge, Ages},
		{"idle_timeout", r.IdleTimeout, Ages},
		{"authentication_age", r.AuthenticationAge, Ages},
		{"max_sessions", r.MaxSessions, SessionCounts},
	} {
		if rule.value != 0 && !rule.in.Has(rule.value) {
			return fmt.Errorf("%s must be between %d and %d", rule.name, rule.in.Least, rule.in.Most)
		}
	}
	if r.ACR != nil && !ValidClasses(r.ACR) {
		return fmt.Errorf("acr: %w", ErrClasses)
	}
	if r.AMR != nil && !ValidClasses(r.AMR) {
		return fmt.Errorf("amr: %w", ErrClasses)
	}
	return nil
}
