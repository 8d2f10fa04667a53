package policy

import "testing"

// TestUntil_CountsNoLonger: an authentication counts until the provider's session ends in
// which it was made, no token outlives that, and the others count as ever.
func TestUntil_CountsNoLonger(t *testing.T) {
	const now = 1_800_000_000
	mfa := Authentication{Time: now - 60, AMR: []string{"mfa"}, Until: now + 100, ConfirmedAt: now - 60}
	subject := Subject{Organization: "org_acme", Entering: true, SessionEnd: now + 36_000, Authentications: []Authentication{{Time: now - 60, AMR: []string{"pwd"}}, mfa}}
	rules := Rules{AMR: []string{"mfa"}}
	d := Decide(subject, rules, now)
	if d.Outcome != Allow || d.Expires != now+100 || d.End != now+100 || d.OrganizationSession.Authentication.ConfirmedAt != 0 {
		t.Errorf("%+v", d)
	}
	subject.OrganizationSession, subject.Entering = d.OrganizationSession, false
	for at, want := range map[int64]Outcome{now + 99: Allow, now + 100: StepUp, now + 10_000: StepUp} {
		if got := Decide(subject, rules, at).Outcome; got != want {
			t.Errorf("after %d s: %d, want %d", at-now, got, want)
		}
	}
	if d := Decide(subject, Rules{}, now+200); d.Outcome != Allow || d.End != 0 || d.OrganizationSession.Authentication.Until != 0 {
		t.Errorf("by the authentication that still counts: %+v", d)
	}
}
