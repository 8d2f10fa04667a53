// Package policy decides whether a session may act for an organisation, and for
// how long. It is pure: facts and rules in, decision out.
package policy

// Rules are what a workspace or an organisation demands. A zero field demands
// nothing. Times are seconds.
type Rules struct {
	// AccessTTL is how long an access token lives.
	AccessTTL int64 `json:"access_ttl,omitempty" yaml:"access_ttl"`
	// SessionAge is how long a session lives after its sign-in. Only the
	// workspace's counts: no organisation shortens another's session.
	SessionAge int64 `json:"session_age,omitempty" yaml:"session_age"`
}

// Defaults and limits, in seconds.
const (
	DefaultAccessTTL  = 5 * 60
	MaxAccessTTL      = 10 * 60
	DefaultSessionAge = 24 * 60 * 60
	MaxSessionAge     = 30 * 24 * 60 * 60
)

// Strictest returns the rules that satisfy both a and b: of every field the one
// that demands more.
func Strictest(a, b Rules) Rules {
	return Rules{
		AccessTTL:  shortest(a.AccessTTL, b.AccessTTL),
		SessionAge: a.SessionAge,
	}
}

func shortest(a, b int64) int64 {
	if a == 0 || (b != 0 && b < a) {
		return b
	}
	return a
}

// SessionEnd returns when a session that was signed in to at start ends for good.
func (r Rules) SessionEnd(start int64) int64 {
	return start + clamp(r.SessionAge, DefaultSessionAge, MaxSessionAge)
}

// Subject are the facts that Decide decides on.
type Subject struct {
	// SessionEnd is the session's absolute end.
	SessionEnd int64
}

// Decision is what Decide decided.
type Decision struct {
	// Expires is when a token minted now ends: never after the session.
	Expires int64
}

// Decide decides for a session that enters an organisation under rules, which are
// the strictest of the workspace's and the organisation's.
func Decide(s Subject, r Rules, now int64) Decision {
	return Decision{Expires: min(now+clamp(r.AccessTTL, DefaultAccessTTL, MaxAccessTTL), s.SessionEnd)}
}

func clamp(wanted, standard, most int64) int64 {
	if wanted <= 0 {
		return standard
	}
	return min(wanted, most)
}
