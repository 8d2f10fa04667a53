package session_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/tabard-auth/tabard/backend/session"
)

// machine is a session to which any party presents any of its tokens. Times run
// backwards at most by the difference of the replicas' clocks.
type machine struct {
	limits session.Limits
	device bool
	row    session.Row
	issued []session.Token
	now    int64
	ids    byte
}

func (m *machine) fresh() session.TokenID { m.ids++; return session.TokenID{m.ids} }

func (m *machine) successor() session.Token {
	return session.Successor(session.ID{}, m.row, m.fresh(), m.now)
}

func (m *machine) present(t *rapid.T, token session.Token) {
	p := session.Redemption{Token: token, Device: m.device, Limits: m.limits, Now: m.now - rapid.Int64Range(0, m.limits.Slack).Draw(t, "behind")}
	verdict := session.Judge(m.row, p)
	m.check(t, p, verdict)
	if m.row = verdict.After; verdict.Successor && len(m.issued) < 200 {
		m.issued = append(m.issued, m.successor())
	}
}

// check checks a verdict against the properties of every verdict.
func (m *machine) check(t *rapid.T, p session.Redemption, v session.Verdict) {
	before, after := m.row, v.After
	promise := func(kept bool, what string) {
		if !kept {
			t.Fatalf("%s: %v of %+v\nleft %+v\nof   %+v", what, v.Outcome, p, after, before)
		}
	}
	ended := after.RevokedAt != 0
	promise(ended != v.Outcome.Mints(), "a verdict either mints or leaves the session ended")
	promise(!m.device || !ended, "a session with a device key is never ended by a verdict")
	promise(v.Writes == (after != before), "Writes tells whether the row changed")
	promise(!v.Successor || v.Outcome.Mints(), "only who mints gets a successor")
	promise(before.RevokedAt == 0 || after == before, "an ended session stays as it is")

	again := session.Judge(after, p)
	promise(again.After == after && !again.Writes, "a second run changes nothing")
	promise(again.Outcome.Mints() == v.Outcome.Mints(), "a second run mints as the first")

	step := after.Gen - before.Gen
	promise(step == 0 || step == 1 && v.Outcome == session.Advance || step == -1 && v.Outcome == session.Rollback, "the generation moves by one, back only in a rollback")
	promise((after.RevokeReason == session.ReasonReuse) == (v.Outcome == session.Reuse) || !v.Writes, "the reason is stored with the revocation")
	promise(after.Rollbacks <= m.limits.K, "no more than k rollbacks in a row")
	promise(after.Cur == before.Cur || after.Cur == p.Token.ID, "only the presented token becomes current")
	promise(after.Cur != after.Prev, "a token does not follow itself")
}

func TestEveryVerdictKeepsItsPromises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		device := rapid.Bool().Draw(t, "device")
		m := &machine{limits: session.LimitsFor(device), device: device, now: 1_000_000}
		var first session.Token
		first, m.row = session.First(session.ID{}, m.fresh(), m.now)
		m.issued = []session.Token{first}
		t.Repeat(map[string]func(*rapid.T){
			"present": func(t *rapid.T) {
				back := rapid.IntRange(0, min(3, len(m.issued)-1)).Draw(t, "back")
				m.present(t, m.issued[len(m.issued)-1-back])
			},
			"present any": func(t *rapid.T) { m.present(t, rapid.SampledFrom(m.issued).Draw(t, "token")) },
			"present what the store forgot": func(t *rapid.T) {
				if m.ids < 200 {
					lost := m.successor()
					lost.Gen += rapid.Int64Range(0, 2).Draw(t, "ahead")
					lost.Parent = m.fresh()
					m.present(t, lost)
				}
			},
			"wait":                func(t *rapid.T) { m.now += rapid.Int64Range(0, 120).Draw(t, "seconds") },
			"wait for a rotation": func(t *rapid.T) { m.now += m.limits.R },
		})
	})
}
