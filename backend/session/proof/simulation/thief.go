package main

import (
	"math/rand/v2"

	"github.com/tabard-auth/tabard/backend/session"
)

// strategy is how a thief uses a copy of the jar.
type strategy struct {
	name string
	// wait is the time from the theft to the first use, every the mean time
	// between uses; 0 for shortly after each of the victim's.
	wait, every int64
	// hoards means that the thief keeps the previous token too, and presents either.
	hoards bool
}

var strategies = []strategy{
	{"eager", 0, minute, false},
	{"patient", 0, 30 * minute, false},
	{"late", 6 * hour, 10 * minute, false},
	{"two tokens", 0, 5 * minute, true},
	{"in step", 0, 0, false},
}

// thief holds the newest token that it received, and the one before.
type thief struct {
	strategy
	held [2]session.Token
	next int64
}

// never is after the end of every week.
const never = 1 << 62

// runTheft returns how long after a theft on the second day a scheme ends the session;
// false if it does not in that week.
func (b *browser) runTheft(week *trace, strategy strategy, seed uint64) (after int64, found bool) {
	chance := rand.New(rand.NewPCG(seed, 1))
	theft := 24*hour + chance.Int64N(workingDay)
	t := thief{strategy: strategy, next: never}
	b.begin(week.requests)
	for _, e := range week.events {
		if e.at >= theft && t.held[0] == (session.Token{}) {
			b.signOuts = 0
			t.held, t.next = [2]session.Token{b.jar, b.jar}, theft+strategy.wait
		}
		for t.next <= e.at {
			if !t.use(b, chance) {
				return t.next - theft, true
			}
			t.plan(chance)
		}
		b.apply(e, week.skews[e.request])
		switch {
		case e.at < theft:
		case b.signOuts > 0:
			return e.at - theft, true
		case e.kind == send && t.next == never:
			t.next = e.at + 2*second
		}
	}
	return 0, false
}

// use presents a token and reports whether it minted.
func (t *thief) use(b *browser, chance *rand.Rand) bool {
	token := t.held[0]
	if t.hoards && chance.IntN(2) == 0 {
		token = t.held[1]
	}
	mints, successor := b.present(token, clock(t.next, chance.Int64N(6)))
	if successor != (session.Token{}) {
		t.held = [2]session.Token{successor, token}
	}
	return mints
}

// plan sets the time of the next use.
func (t *thief) plan(chance *rand.Rand) {
	if t.every == 0 {
		t.next = never
		return
	}
	t.next += t.every/2 + chance.Int64N(t.every)
}
