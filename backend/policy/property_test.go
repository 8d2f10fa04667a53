package policy_test

import (
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/tabard-auth/tabard/backend/policy"
)

// anyRules draws rules from a few values each, so that they often match the facts. Many
// are absent, so that a single rule can decide. Connection and the workspace's own
// fields are left out: they have no order.
func anyRules(t *rapid.T, name string) policy.Rules {
	seconds := func(what string) int64 {
		return rapid.SampledFrom([]int64{0, 0, 1, 60, 100, 300, 1000}).Draw(t, name+" "+what)
	}
	flag := func(what string) bool { return rapid.IntRange(0, 3).Draw(t, name+" "+what) == 3 }
	texts := func(what string, all ...string) []string {
		if !flag(what) {
			return nil
		}
		return rapid.SliceOfNDistinct(rapid.SampledFrom(all), 1, len(all), rapid.ID).Draw(t, name+" "+what)
	}
	return policy.Rules{
		AccessTTL: rapid.SampledFrom([]int64{10, 60, 100, 1000}).Draw(t, name+" access_ttl"), IdleTimeout: seconds("idle_timeout"),
		OrganizationSessionAge: seconds("organization_session_age"), AuthenticationAge: seconds("authentication_age"),
		ACR: texts("acr", "pwd", "mfa", "hwk"), AMR: texts("amr", "pwd", "otp"),
		Isolated: flag("isolated"), MaxSessions: seconds("max_sessions"), DeviceKey: flag("device_key"), FreshOnSwitch: flag("fresh_on_switch"),
		DedicatedKey: flag("dedicated_signing_key"), NoStaff: flag("no_staff"),
	}
}

func anyAuthentication(t *rapid.T, name string) policy.Authentication {
	return policy.Authentication{
		Time:         start + rapid.Int64Range(-1000, 1000).Draw(t, name+" time"),
		ACR:          rapid.SampledFrom([]string{"", "pwd", "mfa", "hwk"}).Draw(t, name+" acr"),
		AMR:          rapid.SampledFrom([][]string{nil, {"pwd"}, {"pwd", "otp"}}).Draw(t, name+" amr"),
		Organization: rapid.SampledFrom([]string{"", "acme", "globex"}).Draw(t, name+" organization"),
		Connection:   rapid.SampledFrom([]string{"", "", "acme-sso", "globex-sso"}).Draw(t, name+" connection"),
	}
}

func anySubject(t *rapid.T) policy.Subject {
	s := policy.Subject{
		Organization: "acme", Connection: rapid.SampledFrom([]string{"", "acme-sso"}).Draw(t, "own connection"), Entering: rapid.Bool().Draw(t, "entering"), DeviceBound: rapid.Bool().Draw(t, "bound"),
		ActiveAt: start + rapid.Int64Range(-1000, 1000).Draw(t, "active"), SessionEnd: start + rapid.Int64Range(1, 5000).Draw(t, "end"),
	}
	if rapid.Bool().Draw(t, "staff") {
		s.StaffUntil = start + rapid.Int64Range(-100, 2000).Draw(t, "staff until")
	}
	for range rapid.IntRange(0, 3).Draw(t, "authentications") {
		s.Authentications = append(s.Authentications, anyAuthentication(t, "event"))
	}
	if rapid.IntRange(0, 3).Draw(t, "entered") > 0 {
		began := start - rapid.Int64Range(0, 1500).Draw(t, "began")
		s.OrganizationSession = policy.OrganizationSession{
			StartedAt: began, ActiveAt: rapid.Int64Range(began, start).Draw(t, "seen"), Authentication: anyAuthentication(t, "satisfied by"),
		}
		if ending := rapid.SampledFrom([]policy.EndReason{"", "", "", "", policy.Idle, policy.Expired, policy.SignedOut, policy.Superseded}).Draw(t, "ending"); ending != "" {
			s.OrganizationSession.EndReason, s.OrganizationSession.EndedAt = ending, rapid.Int64Range(began, start).Draw(t, "ended")
		}
	}
	return s
}

func later(t *rapid.T) int64 { return start + rapid.Int64Range(0, 1500).Draw(t, "now") }

// laxer reports whether a decision by stricter rules allows more, or for longer, than
// another. Two cases only look like it: a stricter rule may be satisfied by another
// authentication, which then counts for longer; and a stricter rule ends a session
// earlier, so that an authentication in between is later than its end.
func laxer(d, than policy.Decision) bool {
	switch {
	case than.Lapsed.EndedAt != 0:
		return d.Lapsed.EndedAt == 0 || d.Lapsed.EndedAt > than.Lapsed.EndedAt
	case d.Outcome != policy.Allow || than.Outcome != policy.Allow:
		return d.Outcome == policy.Allow && than.Outcome != policy.Allow
	}
	return d.Lapsed.EndedAt == 0 && d.Expires > than.Expires && reflect.DeepEqual(d.OrganizationSession.Authentication, than.OrganizationSession.Authentication)
}

func TestTheStrictestWins(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, s, now := anyRules(t, "workspace"), anyRules(t, "organization"), anySubject(t), later(t)
		both := policy.Decide(s, policy.Strictest(a, b), now)
		for _, alone := range []policy.Rules{a, b} {
			if d := policy.Decide(s, alone, now); laxer(both, d) {
				t.Fatalf("together they allow until %d; alone %+v decide %d until %d", both.Expires-start, alone, d.Outcome, d.Expires-start)
			}
		}
	})
}

// TestMoreDemandedIsNeverMoreAllowed makes one field of the rules stricter.
func TestMoreDemandedIsNeverMoreAllowed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, other, s, now := anyRules(t, "rules"), anyRules(t, "others"), anySubject(t), later(t)
		field := rapid.IntRange(0, reflect.TypeFor[policy.Rules]().NumField()-1).Draw(t, "field")
		var one policy.Rules
		reflect.ValueOf(&one).Elem().Field(field).Set(reflect.ValueOf(other).Field(field))
		before, after := policy.Decide(s, r, now), policy.Decide(s, policy.Strictest(r, one), now)
		if laxer(after, before) {
			t.Fatalf("%s made %d until %d of %d until %d", reflect.TypeFor[policy.Rules]().Field(field).Name,
				after.Outcome, after.Expires-start, before.Outcome, before.Expires-start)
		}
	})
}

// TestStrictestIsOrderlessAndIdempotent: fields of the workspace only are excepted.
func TestStrictestIsOrderlessAndIdempotent(t *testing.T) {
	sorted := func(r policy.Rules) policy.Rules {
		if r.ACR != nil {
			r.ACR = append([]string{}, r.ACR...) // empty is not nil: no value is accepted
			slices.Sort(r.ACR)
		}
		if len(r.AMR) == 0 {
			r.AMR = nil
		}
		return r
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyRules(t, "one"), anyRules(t, "other")
		one, other := sorted(policy.Strictest(a, b)), sorted(policy.Strictest(b, a))
		if !reflect.DeepEqual(one, other) {
			t.Fatalf("%+v and %+v", one, other)
		}
		if twice := sorted(policy.Strictest(one, b)); !reflect.DeepEqual(twice, one) {
			t.Fatalf("%+v and again %+v", one, twice)
		}
	})
}

func TestNoOrganizationsRuleShortensAnothersSession(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		workspace, acme, globex := anyRules(t, "workspace"), anyRules(t, "acme"), anyRules(t, "globex")
		s, now := anySubject(t), later(t)
		alone := policy.Decide(s, policy.Effective(workspace, acme, nil), now)
		beside := policy.Decide(s, policy.Effective(workspace, acme, []policy.Rules{globex}), now)
		if !reflect.DeepEqual(alone, beside) {
			t.Fatalf("alone %+v\nbeside globex %+v", alone, beside)
		}
		if workspace.SessionEnd(start) != policy.Strictest(workspace, globex).SessionEnd(start) {
			t.Fatal("an organization moved the session's end")
		}
	})
}

// TestAWorkspaceMayTieForcedReloginTogether: only ages then count across organizations.
func TestAWorkspaceMayTieForcedReloginTogether(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		workspace, acme, globex := anyRules(t, "workspace"), anyRules(t, "acme"), anyRules(t, "globex")
		workspace.StrictestRelogin = true
		ages := policy.Rules{OrganizationSessionAge: globex.OrganizationSessionAge, AuthenticationAge: globex.AuthenticationAge}
		got := policy.Effective(workspace, acme, []policy.Rules{globex})
		want := policy.Strictest(policy.Strictest(workspace, acme), ages)
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("got  %+v\nwant %+v", got, want)
		}
	})
}

func TestMintingNeverFreshensAnAuthentication(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, r := anySubject(t), anyRules(t, "rules")
		made := append([]policy.Authentication{s.OrganizationSession.Authentication}, s.Authentications...)
		for now := later(t); now < start+3000; now += rapid.Int64Range(1, 400).Draw(t, "pause") {
			d := policy.Decide(s, r, now)
			if d.Outcome != policy.Allow {
				return
			}
			same := func(a policy.Authentication) bool { return reflect.DeepEqual(a, d.OrganizationSession.Authentication) }
			if !slices.ContainsFunc(made, same) {
				t.Fatalf("nobody authenticated as %+v", d.OrganizationSession.Authentication)
			}
			s.OrganizationSession, s.Entering = d.OrganizationSession, false
		}
	})
}

// TestNoTokenOutlivesStaffAccess: no token is minted if it is over or forbidden.
func TestNoTokenOutlivesStaffAccess(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, r, now := anySubject(t), anyRules(t, "rules"), later(t)
		s.StaffUntil = start + rapid.Int64Range(-100, 2000).Draw(t, "until")
		d := policy.Decide(s, r, now)
		if (r.NoStaff || now >= s.StaffUntil) != (d.Outcome == policy.DenyStaff) {
			t.Fatalf("at %d it is %d until %d, forbidden %t", now-start, d.Outcome, s.StaffUntil-start, r.NoStaff)
		}
		if d.Outcome == policy.Allow && (d.Expires > s.StaffUntil || d.End == 0 || d.End > s.StaffUntil) {
			t.Fatalf("the token ends at %d, the organization session at %d, the access at %d", d.Expires-start, d.End-start, s.StaffUntil-start)
		}
	})
}

// TestARenewalRevivesNothing, whichever activity it reports.
func TestARenewalRevivesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, r, now := anySubject(t), anyRules(t, "rules"), later(t)
		if s.Entering = false; rapid.Bool().Draw(t, "no rules") {
			r = policy.Rules{} // no rule then refuses it
		}
		over := s.OrganizationSession.EndedAt != 0 || s.OrganizationSession.Live() && r.IdleTimeout > 0 && now > s.OrganizationSession.ActiveAt+r.IdleTimeout
		if d := policy.Decide(s, r, now); over && d.Outcome == policy.Allow {
			t.Fatalf("it lives again: %+v", d)
		}
	})
}

// TestOnlyTheOrganizationsOwnEnabledConnectionCounts, besides the workspace's provider.
func TestOnlyTheOrganizationsOwnEnabledConnectionCounts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, r, now := anySubject(t), anyRules(t, "rules"), later(t)
		free := policy.Decide(s, r, now)
		r.Connection = "acme-sso"
		bound := policy.Decide(s, r, now)
		if by := free.OrganizationSession.Authentication.Connection; free.Outcome == policy.Allow && by != "" && by != s.Connection {
			t.Fatalf("an event of %q opens acme, whose own is %q", by, s.Connection)
		}
		if by := bound.OrganizationSession.Authentication.Connection; bound.Outcome == policy.Allow && (by != "acme-sso" || s.Connection != "acme-sso") {
			t.Fatalf("an event of %q opens acme, which demands acme-sso and has %q", by, s.Connection)
		}
		if laxer(bound, free) {
			t.Fatalf("demanding a connection allows more: %+v, %+v", bound, free)
		}
	})
}
