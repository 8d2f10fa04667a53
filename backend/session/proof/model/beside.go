package main

import (
	"fmt"
	"slices"
)

// jars is two sessions in one cookie jar: the first one of a browser, and one that joined
// it at another origin, or another person's. A crash sets both cookies back. The end of the
// first one ends one that joined, and leaves another person's. Each has a row of its own,
// which no request of the other reads. One request and one reply are under way at a time, of
// either.
type jars struct{ first, joined browser }

func (h *environment) checkPair() found {
	b := h.normal(h.start())
	return explore(jars{b, b}, h.nextPair)
}

// nextPair visits every possible next event of two sessions.
func (h *environment) nextPair(p jars, reach func(jars)) (wrong string) {
	visit := func(p jars) {
		if !p.crowded() {
			reach(p)
		}
	}
	wrong = h.alone(p.first, func(b browser) {
		joined := p.joined
		joined.ended = joined.ended || b.ended && !h.apart && !h.people
		visit(jars{h.normal(b), joined})
	})
	if wrong != "" {
		return "first: " + wrong
	}
	if !h.people && p.first.ended && !p.joined.ended && p.joined.requests != [3]message{} {
		return "joined: it mints after the end of the first one"
	}
	alone := h.alone
	if h.brief {
		alone = h.atOnce
	}
	wrong = alone(p.joined, func(b browser) { visit(jars{p.first, h.normal(b)}) })
	if wrong != "" {
		return "joined: " + wrong
	}
	both := func(step func(browser, func(browser))) {
		step(p.first, func(first browser) {
			step(p.joined, func(joined browser) { visit(jars{h.normal(first), h.normal(joined)}) })
		})
	}
	both(h.crash)
	both(h.tick)
	return ""
}

// atOnce is alone for a session whose requests are answered at once; the answer may be lost.
func (h *environment) atOnce(b browser, reach func(browser)) (wrong string) {
	if b.ended || b.jar.id == 0 {
		return ""
	}
	verdict, after := h.present(b.row, b.jar, 0)
	if !verdict.Outcome.Mints() {
		return fmt.Sprintf("%s taken for %v", b.row.kind(b.jar), verdict.Outcome)
	}
	b.row = after
	reach(b)
	if free := slices.Index(b.past[:], left{}); verdict.Successor && free >= 0 {
		b.past[free], b.jar = left{token: b.jar}, after.successor(0)
		reach(b)
	}
	return ""
}

func (p jars) crowded() bool {
	both := func(a, b [3]message) bool { return a != [3]message{} && b != [3]message{} }
	return both(p.first.requests, p.joined.requests) || both(p.first.replies, p.joined.replies)
}
