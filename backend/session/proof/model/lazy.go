package main

import (
	"fmt"
	"slices"

	"github.com/tabard-auth/tabard/backend/session"
)

// pair is one session kept twice, with the last use of its token recorded lazily and
// eagerly. Tokens of any party arrive in any order.
type pair struct {
	lazy, eager row
	tokens      [2]token
}

// compare looks for a history in which laziness changes a verdict.
func compare(r rules) found {
	eager := r
	eager.judge = eagerly
	start := pair{row{cur: 1}, row{cur: 1}, [2]token{{id: 1}}}
	return explore(start.normal(&r), func(p pair, visit func(pair)) string {
		for _, t := range p.tokens {
			if t.id == 0 {
				continue
			}
			next := p
			var verdict, other session.Verdict
			verdict, next.lazy = r.present(p.lazy, t, 0)
			other, next.eager = eager.present(p.eager, t, 0)
			if verdict.Outcome != other.Outcome || verdict.Successor != other.Successor {
				return fmt.Sprintf("lazily %v, eagerly %v: %s", verdict.Outcome, other.Outcome, p.lazy.kind(t))
			}
			if !verdict.Outcome.Mints() {
				continue
			}
			visit(next.normal(&r))
			if verdict.Successor {
				for i := range next.tokens {
					kept := next
					kept.tokens[i] = next.lazy.successor(0)
					visit(kept.normal(&r))
				}
			}
		}
		p.lazy.at++
		p.lazy.last++
		p.eager.at++
		p.eager.last++
		for i := range p.tokens {
			p.tokens[i].age++
		}
		visit(p.normal(&r))
		return ""
	})
}

func (p pair) normal(r *rules) pair {
	slices.SortFunc(p.tokens[:], func(x, y token) int { return y.order() - x.order() })
	at := &r.scratch
	at.collect(&p.lazy)
	at.row(&p.eager)
	for i := range p.tokens {
		// Rolling the row back to an older one takes three more tokens.
		if t := &p.tokens[i]; t.id == 0 || t.gen < p.lazy.gen-3 {
			*t = token{}
		}
		at.token(&p.tokens[i])
	}
	at.normalize(r.longest())
	return p
}
