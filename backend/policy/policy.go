// Package policy decides whether a session may act for an organization, and for
// how long. It is pure: facts and rules in, decision out. Times are Unix seconds,
// of which 0 means never.
package policy

import "slices"

// Authentication is one authentication event of a session, as the provider told of
// it.
type Authentication struct {
	Time int64 // auth_time; 0 where the provider does not say, which meets no rule about time
	ACR  string
	AMR  []string
	// Connection is where it was made; empty is the workspace's own provider.
	Connection string
	// Organization is the organization's id that it was made for, if for any.
	Organization string
}

// OrganizationSession is a session acting for one organization.
type OrganizationSession struct {
	StartedAt int64
	// ActiveAt is when a person was last seen doing something.
	ActiveAt int64
	EndedAt  int64
	Ending   Ending // why it ended
	// Authentication is the event that satisfied the organization.
	Authentication Authentication
}

// Ending is why an organization session ended.
type Ending string

// The endings. After Idle, Expired and Revoked it takes a later authentication to
// begin anew, after the others only a person who enters.
const (
	Idle       Ending = "idle"
	Expired    Ending = "expired"
	SignedOut  Ending = "signed_out"
	Superseded Ending = "superseded" // by another session of the person
	Revoked    Ending = "revoked"    // by an administrator
	Removed    Ending = "removed"    // access was taken away; stored when it returns
)

// Live tells that the organization session was entered and has not ended.
func (o OrganizationSession) Live() bool { return o.StartedAt != 0 && o.EndedAt == 0 }

// Subject are the facts that Decide decides on.
type Subject struct {
	Organization string // its id
	// Connection is the organization's own that is enabled; empty without one.
	Connection string
	// Entering tells that a person chose the organization; otherwise a token is
	// renewed.
	Entering bool
	// ActiveAt is when the person was last active in the organization, as the tab
	// reports it.
	ActiveAt int64
	// SessionEnd is the session's absolute end.
	SessionEnd int64
	// StaffUntil is when the person's staff access ends; 0 of a member.
	StaffUntil  int64
	DeviceBound bool
	// Stay is how the session stands in the organization; zero where it was never
	// entered.
	Stay OrganizationSession
	// Authentications are the session's, those first that are to be preferred. The
	// one of a living Stay goes before all.
	Authentications []Authentication
}

// Outcome is what Decide decided.
type Outcome int

// The outcomes.
const (
	Allow Outcome = iota
	StepUp
	DenyEnded         // the organization session is over, and nobody enters
	DenyWithoutKey    // the session has no device key
	DenyContradiction // no authentication would do
	DenyStaff         // staff access that is over, or that the organization forbids
)

// Decision is what Decide decided.
type Decision struct {
	Outcome Outcome
	Rules   Rules // those decided by
	// Stay is the organization session as the decision leaves it: ended where a
	// rule ended it, begun where the session enters, with the activity and the
	// authentication that count from now on.
	Stay OrganizationSession
	// Lapsed is the organization session that a rule ended now, if one did.
	Lapsed OrganizationSession
	// Expires is when a token minted now ends: never after what it rests on.
	Expires int64
	// End and IdleEnd are when Stay ends: at the latest, and unless the person is
	// active before.
	End, IdleEnd int64
	// Challenge is what a step-up has to bring (RFC 9470 section 3).
	Challenge Challenge
}

// Challenge is what is asked of an authentication.
type Challenge struct {
	ACRValues []string
	MaxAge    *int64 // seconds
	// Login demands an authentication of its own, whatever the provider remembers.
	Login bool
}

// Decide decides for a session that asks for an organization's token, under the
// organization's effective rules.
//
// A rule first ends what is over by the activity known so far; only then does a
// report of activity count, so that none revives what has ended.
func Decide(s Subject, r Rules, now int64) Decision {
	d := Decision{Rules: r, Stay: r.end(s.Stay, now)}
	if s.Stay.Live() && !d.Stay.Live() {
		d.Lapsed = d.Stay
	}
	a, satisfied := r.satisfying(s, d.Stay, now)
	switch {
	case s.StaffUntil != 0 && (r.NoStaff || now >= s.StaffUntil):
		d.Outcome = DenyStaff
	case r.DeviceKey && !s.DeviceBound:
		d.Outcome = DenyWithoutKey
	case r.Contradictory():
		d.Outcome = DenyContradiction
	case d.Stay.EndedAt != 0 && !s.Entering:
		d.Outcome = DenyEnded
	case !satisfied:
		d.Outcome, d.Challenge = StepUp, r.challenge(d.Stay, now)
	default:
		d.allow(s, r, a, now)
	}
	return d
}

// end ends an organization session that is over by a rule.
func (r Rules) end(o OrganizationSession, now int64) OrganizationSession {
	idle, age := after(o.ActiveAt, r.IdleTimeout), after(o.StartedAt, r.OrganizationSessionAge)
	end := earliest(idle, age)
	if !o.Live() || end == 0 || now <= end {
		return o
	}
	o.EndedAt, o.Ending = end, Expired
	if end == idle {
		o.Ending = Idle
	}
	return o
}

// satisfying finds an authentication that satisfies the rules, and that is later
// than the end of what ended by a rule.
func (r Rules) satisfying(s Subject, stay OrganizationSession, now int64) (Authentication, bool) {
	all := s.Authentications
	if stay.Live() {
		all = append([]Authentication{stay.Authentication}, all...)
	}
	i := slices.IndexFunc(all, func(a Authentication) bool {
		return (stay.Lapsed() == 0 || a.Time > stay.Lapsed()) && r.accept(a, s, now)
	})
	if i < 0 {
		return Authentication{}, false
	}
	return all[i], true
}

// Lapsed is when the organization session ended by a rule or an administrator; 0
// where neither ended it.
func (o OrganizationSession) Lapsed() int64 {
	switch o.Ending {
	case Idle, Expired, Revoked:
		return o.EndedAt
	}
	return 0
}

// accept: an event of an organization's own provider counts for that organization
// alone, and only while the connection is enabled.
func (r Rules) accept(a Authentication, s Subject, now int64) bool {
	lacks := func(method string) bool { return !slices.Contains(a.AMR, method) }
	return (a.Connection == "" || a.Connection == s.Connection) &&
		(r.Connection == "" || a.Connection == r.Connection) &&
		(!r.Isolated || a.Organization == s.Organization) &&
		(r.AuthenticationAge == 0 || a.Time != 0 && now-a.Time <= r.AuthenticationAge) &&
		(r.ACR == nil || slices.Contains(r.ACR, a.ACR)) &&
		!slices.ContainsFunc(r.AMR, lacks)
}

func (r Rules) challenge(stay OrganizationSession, now int64) Challenge {
	c := Challenge{ACRValues: r.ACR, Login: r.Isolated || len(r.AMR) > 0}
	ask := func(age int64) {
		if c.MaxAge == nil || age < *c.MaxAge {
			c.MaxAge = &age
		}
	}
	if r.AuthenticationAge > 0 {
		ask(r.AuthenticationAge)
	}
	if end := stay.Lapsed(); end != 0 {
		ask(max(0, now-end-1))
	}
	if c.Login {
		ask(0)
	}
	return c
}

// maxCoarseness is by how many seconds at most the activity kept lags behind.
const maxCoarseness = 60

// active returns the activity that counts: what is kept already, unless what is
// reported is so much later that it is worth keeping.
func (r Rules) active(kept, reported int64) int64 {
	if r.IdleTimeout == 0 || reported-kept <= min(r.IdleTimeout/10, maxCoarseness) {
		return kept
	}
	return reported
}

// allow begins or continues the organization session, and tells until when. In the
// second in which something ends it still lives, so a token lives a second at least.
func (d *Decision) allow(s Subject, r Rules, a Authentication, now int64) {
	if !d.Stay.Live() {
		d.Stay = OrganizationSession{StartedAt: now, ActiveAt: now}
	}
	d.Stay.Authentication = a
	d.Stay.ActiveAt = r.active(d.Stay.ActiveAt, min(s.ActiveAt, now))
	d.IdleEnd = after(d.Stay.ActiveAt, r.IdleTimeout)
	d.End = earliest(after(d.Stay.StartedAt, r.OrganizationSessionAge), after(a.Time, r.AuthenticationAge), s.StaffUntil)
	ttl := clamp(r.AccessTTL, DefaultAccessTTL, MaxAccessTTL)
	d.Expires = max(now+1, earliest(now+ttl, s.SessionEnd, d.End, d.IdleEnd))
}
