// Package policy decides whether a session may act for an organization, and for how
// long. It is pure: facts and rules in, decision out. Times are Unix seconds; 0 means
// never.
package policy

import "slices"

// Authentication is one authentication event of a session, as reported by the provider.
type Authentication struct {
	Time int64 // auth_time; 0 if the provider does not send it, which satisfies no rule about time
	ACR  string
	AMR  []string
	// Connection is the connection that it was made at. Empty is the workspace's own
	// provider.
	Connection string
	// Organization is the id of the organization that it was made for, or empty.
	Organization string
	// Until is when the provider's session ends in which it was made: it counts no longer. 0
	// if the provider does not say.
	Until int64
	// ConfirmedAt is when, by this server's clock, the person came back from a provider that
	// was told to ask them and does not say when it did; 0 otherwise. No rule goes by it.
	ConfirmedAt int64
}

// OrganizationSession is a session acting for one organization.
type OrganizationSession struct {
	StartedAt int64
	// ActiveAt is when the person was last active.
	ActiveAt  int64
	EndedAt   int64
	EndReason EndReason // why it ended
	// Authentication is the event that satisfied the organization.
	Authentication Authentication
}

// EndReason is why an organization session ended.
type EndReason string

// The reasons. After Idle, Expired, Revoked and ProviderRefused a later authentication is needed to
// begin anew; after the others it is enough that the person enters.
const (
	Idle       EndReason = "idle"
	Expired    EndReason = "expired"
	SignedOut  EndReason = "signed_out"
	Superseded EndReason = "superseded" // by another session of the person
	// ProviderRefused tells that the provider of the authentication no longer knows the
	// person.
	ProviderRefused EndReason = "provider_refused"
	Revoked         EndReason = "revoked" // by an administrator
	Removed         EndReason = "removed" // access was taken away; stored when it returns
)

// Live reports whether the organization session was entered and has not ended.
func (o OrganizationSession) Live() bool { return o.StartedAt != 0 && o.EndedAt == 0 }

// Subject is the input of Decide.
type Subject struct {
	Organization string // its id
	// Connection is the organization's own enabled connection, or empty.
	Connection string
	// Entering means that a person chose the organization. Otherwise a token is
	// renewed.
	Entering bool
	// ActiveAt is when the person was last active in the organization, as reported by
	// the tab.
	ActiveAt int64
	// SessionEnd is the session's absolute end.
	SessionEnd int64
	// StaffUntil is when the person's staff access ends. It is 0 for a member.
	StaffUntil  int64
	DeviceBound bool
	// OrganizationSession is the organization session. It is zero if the session never entered.
	OrganizationSession OrganizationSession
	// Authentications are the session's, the preferred ones first. That of an
	// organization session that is live precedes all.
	Authentications []Authentication
}

// Outcome is the kind of a decision.
type Outcome int

// The outcomes.
const (
	Allow Outcome = iota
	StepUp
	DenyEnded         // the organization session is over, and the request does not enter
	DenyWithoutKey    // the session has no device key
	DenyContradiction // the rules contradict each other: no authentication satisfies them
	DenyStaff         // staff access is over, or the organization forbids it
)

// Decision is the result of Decide.
type Decision struct {
	Outcome Outcome
	Rules   Rules // the rules applied
	// OrganizationSession is the organization session after the decision: ended if a rule ended it,
	// begun if the session enters, with the new activity and authentication.
	OrganizationSession OrganizationSession
	// Lapsed is the organization session that a rule ended now, if any.
	Lapsed OrganizationSession
	// Expires is when a token minted now expires: never after the sessions that it is
	// based on.
	Expires int64
	// End is the latest end of OrganizationSession. IdleEnd is its end without further activity.
	End, IdleEnd int64
	// Challenge is the requirement for a step-up (RFC 9470 section 3).
	Challenge Challenge
}

// Challenge is a requirement for an authentication.
type Challenge struct {
	ACRValues []string
	MaxAge    *int64 // seconds
	// Login requires a new authentication, even if the provider still has a session.
	Login bool
}

// Decide decides on a session's request for an organization's token, under the
// organization's effective rules.
//
// It first ends what a rule ends by the activity known so far. Only then does reported
// activity count, so that a report never revives an ended organization session.
func Decide(s Subject, r Rules, now int64) Decision {
	d := Decision{Rules: r, OrganizationSession: r.end(s.OrganizationSession, now)}
	if s.OrganizationSession.Live() && !d.OrganizationSession.Live() {
		d.Lapsed = d.OrganizationSession
	}
	a, satisfied := r.satisfying(s, d.OrganizationSession, now)
	switch {
	case s.StaffUntil != 0 && (r.NoStaff || now >= s.StaffUntil):
		d.Outcome = DenyStaff
	case r.DeviceKey && !s.DeviceBound:
		d.Outcome = DenyWithoutKey
	case r.Contradictory():
		d.Outcome = DenyContradiction
	case d.OrganizationSession.EndedAt != 0 && !s.Entering:
		d.Outcome = DenyEnded
	case !satisfied:
		d.Outcome, d.Challenge = StepUp, r.challenge(d.OrganizationSession, now)
	default:
		d.allow(s, r, a, now)
	}
	return d
}

// end returns an organization session with its end, if a rule ends it now.
func (r Rules) end(o OrganizationSession, now int64) OrganizationSession {
	idle, age := after(o.ActiveAt, r.IdleTimeout), after(o.StartedAt, r.OrganizationSessionAge)
	end := earliest(idle, age)
	if !o.Live() || end == 0 || now <= end {
		return o
	}
	o.EndedAt, o.EndReason = end, Expired
	if end == idle {
		o.EndReason = Idle
	}
	return o
}

// satisfying finds an authentication that satisfies the rules and is later than the end
// of an organization session that a rule ended.
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

// Lapsed returns when a rule, an administrator or a provider ended the organization session, or 0.
func (o OrganizationSession) Lapsed() int64 {
	switch o.EndReason {
	case Idle, Expired, Revoked, ProviderRefused:
		return o.EndedAt
	}
	return 0
}

// accept reports whether an authentication satisfies the rules. An event at an
// organization's own provider counts for that organization only, and only while the
// connection is enabled.
func (r Rules) accept(a Authentication, s Subject, now int64) bool {
	lacks := func(method string) bool { return !slices.Contains(a.AMR, method) }
	return (a.Connection == "" || a.Connection == s.Connection) &&
		(r.Connection == "" || a.Connection == r.Connection) &&
		(!r.Isolated || a.Organization == s.Organization) &&
		(r.AuthenticationAge == 0 || a.Time != 0 && now-a.Time <= r.AuthenticationAge) &&
		(r.ACR == nil || slices.Contains(r.ACR, a.ACR)) &&
		!slices.ContainsFunc(r.AMR, lacks) &&
		(a.Until == 0 || now < a.Until)
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

// maxCoarseness is the most by which the stored activity lags behind, in seconds.
const maxCoarseness = 60

// active returns the activity that counts: the stored one, unless the reported one is
// enough later to be worth storing.
func (r Rules) active(kept, reported int64) int64 {
	if r.IdleTimeout == 0 || reported-kept <= min(r.IdleTimeout/10, maxCoarseness) {
		return kept
	}
	return reported
}

// allow begins or continues the organization session and computes its end. In the
// second of its end it is still alive, so that a token lives at least a second.
func (d *Decision) allow(s Subject, r Rules, a Authentication, now int64) {
	if !d.OrganizationSession.Live() {
		d.OrganizationSession = OrganizationSession{StartedAt: now, ActiveAt: now}
	}
	a.ConfirmedAt = 0
	d.OrganizationSession.Authentication = a
	d.OrganizationSession.ActiveAt = r.active(d.OrganizationSession.ActiveAt, min(s.ActiveAt, now))
	d.IdleEnd = after(d.OrganizationSession.ActiveAt, r.IdleTimeout)
	d.End = earliest(after(d.OrganizationSession.StartedAt, r.OrganizationSessionAge), after(a.Time, r.AuthenticationAge), a.Until, s.StaffUntil)
	ttl := clamp(r.AccessTTL, DefaultAccessTTL, MaxAccessTTL)
	d.Expires = max(now+1, earliest(now+ttl, s.SessionEnd, d.End, d.IdleEnd))
}
