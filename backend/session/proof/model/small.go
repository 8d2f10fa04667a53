package main

import (
	"slices"

	"github.com/tabard-auth/tabard/backend/session"
)

// rules are the verdict function that a check runs: session.Judge itself, or a variant
// that must be seen to fail.
type rules struct {
	session.Limits
	judge func(session.Row, session.Redemption) session.Verdict
	// inStep gives every party the same successor.
	inStep bool

	scratch parts // used again and again
}

// token is a small form of a refresh token: its ids are small numbers, of which 0 names
// none, and its time is an age in ticks. So a world is a comparable value of a few
// dozen bytes.
type token struct {
	id, parent uint8
	gen, age   int8
}

// row is a small form of session.Row.
type row struct {
	gen       int8
	cur, prev uint8
	at, last  int8
	rolled    bool
	rollbacks int8
}

// now is the time of session.Judge for an age of 0.
const now = 1000

func id(small uint8) session.TokenID { return session.TokenID{small} }

// present judges a token at a replica whose clock is ahead by skew.
func (r *rules) present(at row, t token, skew int64) (session.Verdict, row) {
	verdict := r.judge(at.large(), session.Redemption{
		Token:  session.Token{Gen: int64(t.gen), ID: id(t.id), Parent: id(t.parent), IssuedAt: now - int64(t.age)},
		Limits: r.Limits,
		Now:    now + skew,
	})
	return verdict, small(verdict.After)
}

func (r row) large() session.Row {
	return session.Row{
		Gen: int64(r.gen), Cur: id(r.cur), Prev: id(r.prev),
		CurAt: now - int64(r.at), CurLast: now - int64(r.last),
		Rolled: r.rolled, Rollbacks: int64(r.rollbacks),
	}
}

func small(r session.Row) row {
	return row{
		gen: int8(r.Gen), cur: r.Cur[0], prev: r.Prev[0],
		at: int8(now - r.CurAt), last: int8(now - r.CurLast),
		rolled: r.Rolled, rollbacks: int8(r.Rollbacks),
	}
}

// parts are the places of ids, generations and ages in a world.
type parts struct {
	ids  []*uint8
	gens []*int8
	ages []*int8
}

// collect collects the parts of a world, beginning with its row.
func (p *parts) collect(r *row) {
	p.ids, p.gens, p.ages = p.ids[:0], p.gens[:0], p.ages[:0]
	p.row(r)
}

func (p *parts) row(r *row) {
	p.ids = append(p.ids, &r.cur, &r.prev)
	p.gens = append(p.gens, &r.gen)
	p.ages = append(p.ages, &r.at, &r.last)
}

func (p *parts) token(t *token) {
	if t.id != 0 {
		p.ids = append(p.ids, &t.id, &t.parent)
		p.gens = append(p.gens, &t.gen)
		p.ages = append(p.ages, &t.age)
	}
}

// normalize returns the same form for worlds that no verdict can tell apart. Otherwise
// there would be infinitely many. Ids are numbered in order of appearance, generations
// count from the row's, and a time without an event is limited to the longest that a
// condition measures.
func (p *parts) normalize(longest int8) {
	var names [256]uint8
	next := uint8(1)
	for _, at := range p.ids {
		if *at != 0 && names[*at] == 0 {
			names[*at] = next
			next++
		}
		*at = names[*at]
	}
	origin := *p.gens[0]
	for _, at := range p.gens {
		*at -= origin
	}
	p.shorten(longest)
}

func (p *parts) shorten(longest int8) {
	slices.SortFunc(p.ages, func(a, b *int8) int { return int(*a) - int(*b) })
	last, cut := int8(0), int8(0)
	for _, at := range p.ages {
		if gap := *at - cut - last; gap > longest {
			cut += gap - longest
		}
		*at -= cut
		last = max(last, *at)
	}
}

// longest returns one more than the longest time that a condition measures.
func (r *rules) longest() int8 {
	return int8(max(r.R, r.G+r.W+1) + r.Slack)
}

// successor returns a fresh successor of the row's current token, issued by a replica
// whose clock is ahead by skew.
func (r row) successor(skew int64) token {
	return token{id: fresh, parent: r.cur, gen: r.gen + 1, age: -int8(skew)}
}

// fresh is an unused id, until normalize replaces it.
const fresh = 200
