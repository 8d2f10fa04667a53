package policy_test

import (
	"slices"
	"testing"

	"github.com/tabard-auth/tabard/backend/policy"
)

// Helpers of these tests: a session's facts, an organization's rules, and the expected
// decision some time later.

const (
	start   = 1_800_000_000
	minutes = 60
	hours   = 60 * minutes
)

var (
	password = policy.Authentication{Time: start, ACR: "pwd", AMR: []string{"pwd"}}
	mfa      = policy.Authentication{Time: start, ACR: "mfa", AMR: []string{"pwd", "otp"}}
	sso      = policy.Authentication{Time: start, ACR: "pwd", AMR: []string{"pwd"}, Connection: "acme-sso"}
	forAcme  = policy.Authentication{Time: start, ACR: "pwd", AMR: []string{"pwd"}, Organization: "acme"}
	forOther = policy.Authentication{Time: start, ACR: "pwd", AMR: []string{"pwd"}, Organization: "globex"}
)

// after returns an authentication made seconds after the start.
func after(a policy.Authentication, seconds int64) policy.Authentication {
	a.Time += seconds
	return a
}

// entering returns a person that chooses acme for the first time.
func entering(with ...policy.Authentication) policy.Subject {
	return policy.Subject{
		Organization: "acme", Entering: true, SessionEnd: start + 24*hours, Authentications: with,
	}
}

// renewing returns a tab in acme, entered at the start.
func renewing(with ...policy.Authentication) policy.Subject {
	s := entering(with...)
	s.Entering = false
	s.OrganizationSession = policy.OrganizationSession{StartedAt: start, ActiveAt: start, Authentication: with[0]}
	return s
}

func ended(s policy.Subject, why policy.EndReason, at int64) policy.Subject {
	s.OrganizationSession.EndedAt, s.OrganizationSession.EndReason = start+at, why
	return s
}

// having returns a subject whose organization has that connection enabled.
func having(connection string, s policy.Subject) policy.Subject {
	s.Connection = connection
	return s
}

func chosen(s policy.Subject) policy.Subject { s.Entering = true; return s }

func onDevice(s policy.Subject) policy.Subject { s.DeviceBound = true; return s }

// active reports activity some seconds after the start.
func active(s policy.Subject, at int64) policy.Subject { s.ActiveAt = start + at; return s }

type sentence struct {
	is      string
	subject policy.Subject
	rules   policy.Rules
	at      int64 // seconds after the start
	want    policy.Outcome
}

func allow(is string, s policy.Subject, r policy.Rules, at int64) sentence {
	return sentence{is, s, r, at, policy.Allow}
}

func stepUp(is string, s policy.Subject, r policy.Rules, at int64) sentence {
	return sentence{is, s, r, at, policy.StepUp}
}

func deny(is string, s policy.Subject, r policy.Rules, at int64) sentence {
	return sentence{is, s, r, at, policy.DenyEnded}
}

// Rules of one kind each.
var (
	none     = policy.Rules{}
	idle     = policy.Rules{IdleTimeout: 15 * minutes}
	day      = policy.Rules{OrganizationSessionAge: 8 * hours}
	recent   = policy.Rules{AuthenticationAge: 1 * hours}
	factor   = policy.Rules{ACR: []string{"mfa", "hwk"}}
	otp      = policy.Rules{AMR: []string{"otp"}}
	own      = policy.Rules{Connection: "acme-sso"}
	isolated = policy.Rules{Isolated: true}
	device   = policy.Rules{DeviceKey: true}
)

// sentences are the expected decisions on subjects under rules, some seconds later.
var sentences = []sentence{
	allow("no rule, any authentication", entering(password), none, 0),
	allow("no rule, long after", renewing(password), none, 23*hours),
	stepUp("no rule, an authentication at another organization's provider", having("globex-sso", entering(sso)), none, 0),
	stepUp("no rule, an authentication at its own provider, which is disabled", having("", entering(sso)), none, 0),
	allow("no rule, an authentication at its own provider", having("acme-sso", entering(sso)), none, 0),

	allow("in time", renewing(password), idle, 15*minutes),
	deny("idle for too long", renewing(password), idle, 15*minutes+1),
	deny("idle for too long, reported active since", active(renewing(password), 16*minutes), idle, 16*minutes),
	deny("idle for too long, reported active before the end", active(renewing(password), 15*minutes), idle, 16*minutes),
	stepUp("idle for too long, chosen again", chosen(renewing(password)), idle, 16*minutes),
	allow("idle for too long, chosen again after a new authentication",
		chosen(renewing(password, after(password, 16*minutes))), idle, 17*minutes),
	stepUp("an authentication in the very second of the end", chosen(renewing(password, after(password, 15*minutes))), idle, 17*minutes),
	stepUp("ended by idleness under a rule that is gone", chosen(ended(renewing(password), policy.Idle, 900)), none, 1000),

	allow("within its age", renewing(password), day, 8*hours),
	deny("past its age", renewing(password), day, 8*hours+1),
	deny("past its age, however active", active(renewing(password), 8*hours), day, 8*hours+1),
	stepUp("past its age, chosen again", chosen(renewing(password)), day, 9*hours),
	allow("past its age, after a new authentication", chosen(renewing(password, after(password, 9*hours))), day, 9*hours),

	deny("signed out, renewed", ended(renewing(password), policy.SignedOut, 60), none, 100),
	allow("signed out, chosen again", chosen(ended(renewing(password), policy.SignedOut, 60)), none, 100),
	deny("superseded, renewed", ended(renewing(password), policy.Superseded, 60), none, 100),
	allow("superseded, chosen again", chosen(ended(renewing(password), policy.Superseded, 60)), none, 100),

	allow("authenticated recently enough", renewing(password), recent, 1*hours),
	stepUp("authenticated too long ago", renewing(password), recent, 1*hours+1),
	allow("authenticated anew", renewing(password, after(password, 1*hours)), recent, 2*hours),

	stepUp("another class", entering(password), factor, 0),
	allow("a class of those", entering(mfa), factor, 0),
	allow("a class of those, made later", entering(password, after(mfa, 60)), factor, 60),
	stepUp("a rule that came later", renewing(password), factor, 60),

	stepUp("a method is missing", entering(password), otp, 0),
	allow("all methods", entering(mfa), otp, 0),

	stepUp("the workspace's provider", having("acme-sso", entering(mfa)), own, 0),
	allow("the organization's own provider", having("acme-sso", entering(sso)), own, 0),
	allow("its own provider, in a session of the workspace's", having("acme-sso", entering(mfa, sso)), own, 0),
	stepUp("its own provider, disabled since", having("", entering(sso)), own, 0),
	stepUp("its own provider, disabled since it was entered", having("", renewing(sso)), own, 60),
	stepUp("its own provider, another in its place", having("acme-sso-2", entering(sso)), own, 0),
	stepUp("another organization's provider, demanded by mistake", having("globex-sso", entering(sso)), own, 0),

	stepUp("an authentication carried over", entering(password), isolated, 0),
	stepUp("an authentication for somebody else", entering(forOther), isolated, 0),
	allow("an authentication of its own", entering(forAcme), isolated, 0),
	allow("an authentication for another organization, where nobody minds", entering(forOther), none, 0),

	{"without the key", entering(password), device, 0, policy.DenyWithoutKey},
	allow("with the key", onDevice(entering(password)), device, 0),
	{"rules that contradict each other", entering(mfa), policy.Strictest(factor, policy.Rules{ACR: []string{"pwd"}}), 0, policy.DenyContradiction},
}

func TestDecide(t *testing.T) {
	for _, s := range sentences {
		if d := policy.Decide(s.subject, s.rules, start+s.at); d.Outcome != s.want {
			t.Errorf("%s: outcome %d, want %d", s.is, d.Outcome, s.want)
		}
	}
}

func TestAnOrganizationShortensTheLifeOfATokenAndNeverLengthensIt(t *testing.T) {
	ttl := func(seconds int64) policy.Rules { return policy.Rules{AccessTTL: seconds} }
	for _, test := range []struct{ workspace, organization, want int64 }{
		{0, 0, 300}, {0, 60, 60}, {0, 600, 300}, {600, 0, 600}, {600, 400, 400}, {60, 600, 60},
	} {
		if got := policy.Strictest(ttl(test.workspace), ttl(test.organization)).AccessTTL; got != test.want {
			t.Errorf("%d and %d make %d, want %d", test.workspace, test.organization, got, test.want)
		}
	}
}

func TestATokenOutlivesNothingThatItRestsOn(t *testing.T) {
	day := policy.Subject{SessionEnd: start + 100}
	for _, test := range []struct {
		is      string
		subject policy.Subject
		rules   policy.Rules
		at      int64
		life    int64
	}{
		{"the standard", entering(password), policy.Rules{}, 0, 5 * minutes},
		{"as the rule says", entering(password), policy.Rules{AccessTTL: 30}, 0, 30},
		{"never more than the most", entering(password), policy.Rules{AccessTTL: 1 * hours}, 0, 10 * minutes},
		{"the session", func() policy.Subject { s := entering(password); s.SessionEnd = day.SessionEnd; return s }(), policy.Rules{}, 0, 100},
		{"the organization session", renewing(password), policy.Rules{OrganizationSessionAge: 1000}, 900, 100},
		{"the authentication", renewing(password), policy.Rules{AuthenticationAge: 1000}, 900, 100},
		{"idleness", renewing(password), policy.Rules{IdleTimeout: 1000}, 900, 100},
		{"idleness, after activity", active(renewing(password), 850), policy.Rules{IdleTimeout: 1000}, 900, 5 * minutes},
		{"the last second", renewing(password), policy.Rules{IdleTimeout: 1000}, 1000, 1},
	} {
		now := start + test.at
		if d := policy.Decide(test.subject, test.rules, now); d.Outcome != policy.Allow || d.Expires-now != test.life {
			t.Errorf("%s: outcome %d, a life of %d s, want %d", test.is, d.Outcome, d.Expires-now, test.life)
		}
	}
}

func TestActivityIsKeptWhenItIsWorthIt(t *testing.T) {
	for _, test := range []struct {
		is             string
		limit, at, now int64
		kept           int64
	}{
		{"nothing without a limit", 0, 500, 500, 0},
		{"not within a tenth of the limit", 600, 60, 500, 0},
		{"beyond a tenth of the limit", 600, 61, 500, 61},
		{"beyond a minute of a long limit", 10 * hours, 61, 500, 61},
		{"never of the future", 600, 700, 500, 500},
		{"never backwards", 600, -100, 500, 0},
	} {
		d := policy.Decide(active(renewing(password), test.at), policy.Rules{IdleTimeout: test.limit}, start+test.now)
		if d.OrganizationSession.ActiveAt != start+test.kept {
			t.Errorf("%s: kept %d, want %d", test.is, d.OrganizationSession.ActiveAt-start, test.kept)
		}
	}
}

func TestAChallengeAsksForWhatIsMissing(t *testing.T) {
	seconds := func(n int64) *int64 { return &n }
	for _, test := range []struct {
		is      string
		subject policy.Subject
		rules   policy.Rules
		at      int64
		want    policy.Challenge
	}{
		{"a class", entering(password), policy.Rules{ACR: []string{"mfa", "hwk"}}, 0, policy.Challenge{ACRValues: []string{"mfa", "hwk"}}},
		{"an age", renewing(password), policy.Rules{AuthenticationAge: 100}, 200, policy.Challenge{MaxAge: seconds(100)}},
		{"one after the end", chosen(renewing(password)), policy.Rules{IdleTimeout: 100}, 150, policy.Challenge{MaxAge: seconds(49)}},
		{"one after the end, just now", chosen(renewing(password)), policy.Rules{IdleTimeout: 100}, 101, policy.Challenge{MaxAge: seconds(0)}},
		{"the lesser age", chosen(renewing(password)), policy.Rules{IdleTimeout: 100, AuthenticationAge: 20}, 150, policy.Challenge{MaxAge: seconds(20)}},
		{"a method, by a login", entering(password), policy.Rules{AMR: []string{"otp"}}, 0, policy.Challenge{MaxAge: seconds(0), Login: true}},
		{"a login of its own", entering(password), policy.Rules{Isolated: true}, 0, policy.Challenge{MaxAge: seconds(0), Login: true}},
	} {
		got := policy.Decide(test.subject, test.rules, start+test.at).Challenge
		age := func(c policy.Challenge) int64 {
			if c.MaxAge == nil {
				return -1
			}
			return *c.MaxAge
		}
		if !slices.Equal(got.ACRValues, test.want.ACRValues) || got.Login != test.want.Login || age(got) != age(test.want) {
			t.Errorf("%s: %v, max_age %d; want %v, max_age %d", test.is, got, age(got), test.want, age(test.want))
		}
	}
}

// TestAnUnknownTimeMeetsNoRuleAboutTime: it satisfies every other rule like a known
// time.
func TestAnUnknownTimeMeetsNoRuleAboutTime(t *testing.T) {
	unknown := mfa
	unknown.Time = 0
	for name, test := range map[string]struct {
		subject policy.Subject
		rules   policy.Rules
		want    policy.Outcome
	}{
		"no rule":                       {entering(unknown), policy.Rules{}, policy.Allow},
		"a class and a method":          {entering(unknown), policy.Rules{ACR: []string{"mfa"}, AMR: []string{"otp"}}, policy.Allow},
		"limits of the stay":            {renewing(unknown), policy.Rules{IdleTimeout: hours, OrganizationSessionAge: hours}, policy.Allow},
		"signed out, and chosen again":  {chosen(ended(renewing(unknown), policy.SignedOut, minutes)), policy.Rules{}, policy.Allow},
		"an age":                        {entering(unknown), policy.Rules{AuthenticationAge: hours}, policy.StepUp},
		"an age longer than time":       {entering(unknown), policy.Rules{AuthenticationAge: start + 24*hours}, policy.StepUp},
		"an age, beside one that is":    {entering(unknown, password), policy.Rules{AuthenticationAge: hours}, policy.Allow},
		"an age, of one that was":       {renewing(unknown), policy.Rules{AuthenticationAge: hours}, policy.StepUp},
		"after an idle end":             {chosen(ended(renewing(unknown), policy.Idle, minutes)), policy.Rules{}, policy.StepUp},
		"after an administrator's":      {chosen(ended(renewing(unknown), policy.Revoked, minutes)), policy.Rules{}, policy.StepUp},
		"a login made for it, some day": {entering(unknown), policy.Rules{Isolated: true}, policy.StepUp},
	} {
		d := policy.Decide(test.subject, test.rules, start+2*minutes)
		if d.Outcome != test.want {
			t.Errorf("%s: %d, want %d", name, d.Outcome, test.want)
		}
		if d.Outcome == policy.Allow && d.OrganizationSession.Authentication.Time != 0 && name != "an age, beside one that is" {
			t.Errorf("%s: the authentication is of %d", name, d.OrganizationSession.Authentication.Time)
		}
	}
}
