package session_test

import (
	"testing"

	"github.com/tabard-auth/tabard/backend/session"
)

var (
	grandparent = session.TokenID{1}
	previous    = session.TokenID{2}
	current     = session.TokenID{3}
	next        = session.TokenID{4}
	sibling     = session.TokenID{5}
	stranger    = session.TokenID{6}
)

// The times in the table: C was first used at 10000.
const at = 10_000

var (
	limits = session.LimitsFor(false)
	row    = session.Row{Gen: 7, Cur: current, Prev: previous, CurAt: at, CurLast: at + 20}
)

func token(gen int64, id, parent session.TokenID, issuedAt int64) session.Token {
	return session.Token{Gen: gen, ID: id, Parent: parent, IssuedAt: issuedAt}
}

func present(row session.Row, token session.Token, device bool, limits session.Limits, now int64) session.Verdict {
	return session.Judge(row, session.Redemption{Token: token, Device: device, Limits: limits, Now: now})
}

func with(change func(*session.Row)) session.Row {
	changed := row
	change(&changed)
	return changed
}

type line struct {
	name  string
	row   session.Row
	token session.Token
	now   int64
	want  session.Outcome
}

func table() []line {
	c := token(7, current, previous, at-10)
	n := token(8, next, current, at+240)
	s := token(7, sibling, previous, at-10)
	p := token(6, previous, grandparent, at-300)
	usedLate := with(func(r *session.Row) { r.CurLast = at + 240 + 66 })
	usedInTime := with(func(r *session.Row) { r.CurLast = at + 240 + 65 })
	usedOnce := with(func(r *session.Row) { r.CurLast = at + 60 })
	unsteady := with(func(r *session.Row) { r.CurLast = at + 105 })
	steady := with(func(r *session.Row) { r.CurLast = at + 106 })
	rolled := with(func(r *session.Row) { r.CurLast, r.Rolled = at+60, true })
	worn := with(func(r *session.Row) { r.CurLast, r.Rollbacks = at+60, 3 })
	first := with(func(r *session.Row) { r.Gen, r.Prev = 1, session.TokenID{} })

	return []line{
		{"C", row, c, at + 30, session.Current},
		{"C after years", row, c, at + 1e9, session.Current},
		{"N", row, n, at + 241, session.Advance},
		{"N after years", row, n, at + 1e9, session.Advance},
		{"N, C used by a request that it overtook", usedInTime, n, at + 400, session.Advance},
		{"N, C used since, in flight across a crash", usedLate, n, at + 240 + 105, session.Straggler},
		{"N, C used since, later", usedLate, n, at + 240 + 106, session.Reuse},
		{"S", row, s, at + 30, session.Switch},
		{"S after years", row, s, at + 1e9, session.Switch},
		{"S, C used by a request that it overtook", with(func(r *session.Row) { r.CurLast = at + 55 }), s, at + 300, session.Switch},
		{"S, C used since, in flight", usedOnce, s, at + 95, session.Straggler},
		{"S, C used since, later", usedOnce, s, at + 96, session.Rollback},
		{"S, after another rollback", rolled, s, at + 96, session.Reuse},
		{"S, after k rollbacks", worn, s, at + 96, session.Reuse},
		{"S, C not used too long", unsteady, s, at + 300, session.Rollback},
		{"S, C used too long", steady, s, at + 300, session.Reuse},
		{"P in flight", row, p, at + 65, session.Straggler},
		{"P later", row, p, at + 66, session.Rollback},
		{"P later, after another rollback", rolled, p, at + 66, session.Rollback},
		{"P later, after k rollbacks", worn, p, at + 66, session.Reuse},
		{"P later, C not used too long", unsteady, p, at + 300, session.Rollback},
		{"P later, C used too long", steady, p, at + 300, session.Reuse},
		{"two ahead", row, token(9, next, stranger, at), at + 1, session.Lost},
		{"next of a stranger", row, token(8, next, stranger, at), at + 1, session.Lost},
		{"next of the previous", row, token(8, next, previous, at), at + 1, session.Lost},
		{"a stranger's sibling", row, token(7, sibling, stranger, at), at + 1, session.Reuse},
		{"another previous", row, token(6, stranger, grandparent, at), at + 1, session.Reuse},
		{"the grandparent", row, token(5, grandparent, stranger, at), at + 1, session.Reuse},
		{"a sibling of the first", first, token(1, sibling, session.TokenID{}, at), at + 1, session.Reuse},
		{"a previous of the first", first, token(0, session.TokenID{}, session.TokenID{}, at), at + 1, session.Reuse},
		{"C of a revoked session", with(func(r *session.Row) { r.RevokedAt = at + 1 }), c, at + 2, session.Revoked},
	}
}

func TestTheTable(t *testing.T) {
	for _, line := range table() {
		t.Run(line.name, func(t *testing.T) {
			if got := present(line.row, line.token, false, limits, line.now); got.Outcome != line.want {
				t.Errorf("without a device key: %v, want %v", got.Outcome, line.want)
			}
			want := line.want
			if want == session.Reuse || want == session.Lost {
				want = session.Repair
			}
			if got := present(line.row, line.token, true, limits, line.now); got.Outcome != want {
				t.Errorf("with a device key: %v, want %v", got.Outcome, want)
			}
		})
	}
}

func TestEffects(t *testing.T) {
	c := token(7, current, previous, at-10)
	n := token(8, next, current, at+240)
	s := token(7, sibling, previous, at-10)
	p := token(6, previous, grandparent, at-300)
	used := with(func(r *session.Row) { r.CurLast = at + 60 })
	counted := with(func(r *session.Row) { r.Rollbacks = 2 })
	rolled := with(func(r *session.Row) { r.Rolled, r.Rollbacks = true, 2 })

	for _, line := range []struct {
		name  string
		row   session.Row
		token session.Token
		now   int64
		want  session.Row
	}{
		{"C is used", row, c, at + 30, with(func(r *session.Row) { r.CurLast = at + 30 })},
		{"C is used, says a slow clock", row, c, at + 19, row},
		{"N advances", row, n, at + 250,
			session.Row{Gen: 8, Cur: next, Prev: current, CurAt: at + 250, CurLast: at + 250}},
		{"N advances and ends the row of rollbacks", counted, n, at + 250,
			session.Row{Gen: 8, Cur: next, Prev: current, CurAt: at + 250, CurLast: at + 250}},
		{"N advances from a rollback and the count stays", rolled, n, at + 250,
			session.Row{Gen: 8, Cur: next, Prev: current, CurAt: at + 250, CurLast: at + 250, Rollbacks: 2}},
		{"S overwrites C", row, s, at + 30,
			with(func(r *session.Row) { r.Cur, r.CurLast = sibling, at+30 })},
		{"S comes back", used, s, at + 100,
			with(func(r *session.Row) { r.Cur, r.CurLast, r.Rolled, r.Rollbacks = sibling, at+100, true, 1 })},
		{"P comes back", used, p, at + 100,
			session.Row{Gen: 6, Cur: previous, Prev: grandparent, CurAt: at + 100, CurLast: at + 100, Rolled: true, Rollbacks: 1}},
		{"a straggler leaves no trace", row, p, at + 30, row},
		{"reuse revokes", row, token(5, grandparent, stranger, at), at + 1,
			with(func(r *session.Row) { r.RevokedAt, r.RevokeReason = at+1, session.ReasonReuse })},
		{"lost revokes", row, token(9, next, stranger, at), at + 1,
			with(func(r *session.Row) { r.RevokedAt, r.RevokeReason = at+1, session.ReasonLost })},
	} {
		t.Run(line.name, func(t *testing.T) {
			verdict := present(line.row, line.token, false, limits, line.now)
			if verdict.After != line.want {
				t.Errorf("leaves\n%+v, want\n%+v", verdict.After, line.want)
			}
			if verdict.Writes != (line.row != line.want) {
				t.Errorf("Writes = %v", verdict.Writes)
			}
		})
	}
}

func TestRepairChangesNothingAndAnswersASuccessor(t *testing.T) {
	verdict := present(row, token(5, grandparent, stranger, at), true, limits, at+1)
	if verdict.Outcome != session.Repair || verdict.After != row || verdict.Writes || !verdict.Successor {
		t.Errorf("verdict %+v", verdict)
	}
}

func TestASuccessorIsDueFromRSecondsOn(t *testing.T) {
	for _, device := range []bool{false, true} {
		limits := session.LimitsFor(device)
		c := token(7, current, previous, at-10)
		if present(row, c, device, limits, at+limits.R-1).Successor {
			t.Errorf("device %v: too early", device)
		}
		if !present(row, c, device, limits, at+limits.R).Successor {
			t.Errorf("device %v: not when due", device)
		}
		if present(row, token(6, previous, grandparent, 0), device, limits, at+1).Successor {
			t.Errorf("device %v: to a straggler", device)
		}
	}
}

func TestASteadyTabWritesOnOneMintInTen(t *testing.T) {
	limits := session.LimitsFor(true)
	c, row, writes := token(7, current, previous, at-10), row, 0
	row.CurLast = at
	for now := int64(at + 270); now < at+limits.R; now += 270 {
		verdict := present(row, c, true, limits, now)
		if row = verdict.After; verdict.Writes {
			writes++
		}
	}
	if writes != 1 {
		t.Errorf("%d writes in 13 mints before the rotation, want 1", writes)
	}
}

func TestDefaultLimitsMeetTheirConditions(t *testing.T) {
	for _, device := range []bool{false, true} {
		if err := session.LimitsFor(device).Check(); err != nil {
			t.Error(err)
		}
	}
	for name, spoil := range map[string]func(*session.Limits){
		"no D":             func(l *session.Limits) { l.D = 0 },
		"negative k":       func(l *session.Limits) { l.K = -1 },
		"G below 2D":       func(l *session.Limits) { l.G-- },
		"W below flush":    func(l *session.Limits) { l.W-- },
		"R no more than W": func(l *session.Limits) { l.R = l.G + l.W },
	} {
		limits := session.LimitsFor(false)
		if spoil(&limits); limits.Check() == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestSettleTellsTheVerdictFromTheRowThatItLeft(t *testing.T) {
	for name, line := range map[string]struct {
		token session.Token
		now   int64
		want  session.Outcome
	}{
		"C":         {token(7, current, previous, at-10), at + 30, session.Current},
		"N":         {token(8, next, current, at+240), at + 241, session.Current},
		"S":         {token(7, sibling, previous, at-10), at + 30, session.Current},
		"P in time": {token(6, previous, grandparent, at-300), at + 30, session.Straggler},
		"P later":   {token(6, previous, grandparent, at-300), at + 66, session.Current},
		"stranger":  {token(5, grandparent, stranger, at), at + 30, session.Reuse},
		"two ahead": {token(9, next, stranger, at), at + 30, session.Lost},
	} {
		p := session.Redemption{Token: line.token, Limits: limits, Now: line.now}
		after := session.Judge(row, p).After
		if got := session.Settle(after, p); got.Outcome != line.want || got.Writes || got.After != after {
			t.Errorf("%s: %+v, want %v", name, got, line.want)
		}
		if after.RevokedAt != 0 {
			if p.Now++; session.Settle(after, p).Outcome != session.Revoked {
				t.Errorf("%s: told as its own to the next presentation", name)
			}
		}
	}
}
