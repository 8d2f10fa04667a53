package main

// duel is a session whose token a thief has copied. Each party presents its token later
// after the last presentation than honest requests can overlap.
type duel struct {
	row    row
	victim token
	// thief keeps two tokens, the victim's jar holds one.
	thief [2]token
	turn  party
}

type party uint8

const (
	nobody party = iota
	theVictim
	theThief
)

// moves visits the next states: after a pause, either party presents its token and is
// not refused.
func (r *rules) moves(d duel, visit func(duel)) {
	reach := func(d duel) { visit(d.normal(r)) }
	for pause := r.G + r.W + 1; pause <= max(r.R, r.G+r.W+1); pause++ {
		later := d.after(int8(pause))
		r.victimPresents(later, reach)
		for _, held := range later.thief {
			if held.id != 0 {
				r.thiefPresents(later, held, reach)
			}
		}
	}
}

// victimPresents stores the successor, if any, in the jar.
func (r *rules) victimPresents(d duel, visit func(duel)) {
	mints, successor := r.takes(&d, d.victim)
	if successor.id != 0 {
		d.victim = successor
	}
	if d.turn = theVictim; mints {
		visit(d)
	}
}

// thiefPresents stores the successor, if any, in either place, or drops it.
func (r *rules) thiefPresents(d duel, held token, visit func(duel)) {
	mints, successor := r.takes(&d, held)
	if d.turn = theThief; !mints {
		return
	}
	visit(d)
	if successor.id != 0 {
		for i := range d.thief {
			kept := d
			kept.thief[i] = successor
			visit(kept)
		}
	}
}

// takes applies a presentation and returns the successor in the answer.
func (r *rules) takes(d *duel, t token) (mints bool, successor token) {
	verdict, after := r.present(d.row, t, 0)
	if d.row = after; !verdict.Successor {
		return verdict.Outcome.Mints(), token{}
	}
	successor = after.successor(0)
	for _, known := range [...]token{d.victim, d.thief[0], d.thief[1]} {
		if r.inStep && known.gen == successor.gen && known.parent == successor.parent {
			successor.id = known.id
		}
	}
	return true, successor
}

func (d duel) after(pause int8) duel {
	d.row.at += pause
	d.row.last += pause
	d.victim.age += pause
	d.thief[0].age += pause
	d.thief[1].age += pause
	return d
}

func (d duel) normal(r *rules) duel {
	if d.thief[0].order() < d.thief[1].order() {
		d.thief[0], d.thief[1] = d.thief[1], d.thief[0]
	}
	at := &r.scratch
	at.collect(&d.row)
	at.token(&d.victim)
	for i := range d.thief {
		// Rolling the row back to an older one takes three more tokens.
		if t := &d.thief[i]; t.id == 0 || t.gen < d.row.gen-3 {
			*t = token{}
		}
		at.token(&d.thief[i])
	}
	at.normalize(r.longest())
	return d
}

// enough is the number of alternations that counts as endless.
const enough = 40

// alternations returns the most turns that pass from one party to the other before the
// theft is found, and the number of states of the duel.
func (r *rules) alternations() (most, states int) {
	start := duel{row: row{cur: 1}, victim: token{id: 1}, thief: [2]token{{id: 1}}}
	level := map[duel]bool{start.normal(r): true}
	seen := map[duel]bool{}
	for ; len(level) > 0 && most < enough; most++ {
		level = r.nextTurn(level, seen)
	}
	return most - 2, len(seen) // not counting the first turn and the refused one
}

// nextTurn returns the states in which the turn can pass from those of level, after the
// party on turn has presented any number of times.
func (r *rules) nextTurn(level, seen map[duel]bool) map[duel]bool {
	passed := map[duel]bool{}
	var queue []duel
	for d := range level {
		queue = append(queue, d)
	}
	for len(queue) > 0 {
		d := queue[0]
		queue = queue[1:]
		seen[d] = true
		r.moves(d, func(next duel) {
			if next.turn != d.turn {
				passed[next] = true
			} else if !level[next] {
				level[next] = true
				queue = append(queue, next)
			}
		})
	}
	return passed
}
