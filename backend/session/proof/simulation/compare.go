package main

import (
	"slices"
	"sync"
)

// The conditions compared. The last is the harshest.
var (
	alone = conditions{"1 tab, good net", 1, 0.001, 0, false}
	world = []conditions{
		alone,
		{"1 tab, 3 % loss, crashes", 1, 0.03, 8 * hour, false},
		{"8 tabs, good net", 8, 0.001, 0, false},
		harsh,
	}
	harsh = conditions{"8 tabs, 3 % loss, crashes", 8, 0.03, 8 * hour, false}
)

// result is one scheme's figures.
type result struct {
	scheme string
	// honest are the working days simulated and the false sign-outs, by conditions.
	honest []honest
	// thefts are by strategy. Under the harshest conditions only this project's scheme is
	// counted.
	thefts, harshThefts []thefts
}

// faultless reports whether there was no false sign-out and no undetected thief.
func (s *result) faultless() bool {
	for _, h := range s.honest {
		if h.signOuts > 0 {
			return false
		}
	}
	for i := range strategies {
		if s.thefts[i].missed+s.harshThefts[i].missed > 0 {
			return false
		}
	}
	return true
}

type honest struct{ days, signOuts int }

// per100 returns the number of false sign-outs in 100 working days.
func (h honest) per100() float64 { return 100 * float64(h.signOuts) / float64(max(h.days, 1)) }

type thefts struct {
	missed int
	// found are the times to the end of the session, in milliseconds.
	found []int64
}

func (t thefts) missedPercent() float64 {
	return 100 * float64(t.missed) / float64(max(t.missed+len(t.found), 1))
}

// medianSeconds returns the median time from the theft to the end of the session.
func (t thefts) medianSeconds() int64 {
	if len(t.found) == 0 {
		return 0
	}
	slices.Sort(t.found)
	return t.found[len(t.found)/2] / second
}

// size is the number of simulated weeks: of this project's scheme in the harshest
// conditions, of every scheme in all, and with each thief.
type size struct{ harsh, all, thefts int }

// compare runs all schemes through the same weeks, on two cores, rotating at
// most every r seconds.
func compare(r int64, size size) []result {
	const cores = 2
	var parts [cores][]result
	var running sync.WaitGroup
	for core := range cores {
		running.Go(func() { parts[core] = compareSome(r, size, core, cores) })
	}
	running.Wait()
	for i := range parts[0] {
		parts[0][i].add(parts[1][i])
	}
	return parts[0]
}

func (s *result) add(other result) {
	for i, h := range other.honest {
		s.honest[i].days += h.days
		s.honest[i].signOuts += h.signOuts
	}
	for i := range strategies {
		s.thefts[i].add(other.thefts[i])
		s.harshThefts[i].add(other.harshThefts[i])
	}
}

func (t *thefts) add(other thefts) {
	t.missed += other.missed
	t.found = append(t.found, other.found...)
}

// compareSome simulates every step-th week, from the first.
func compareSome(r int64, size size, first, step int) []result {
	var results []result
	var browsers []*browser
	for _, s := range schemes(r) {
		browsers = append(browsers, &browser{scheme: s.scheme})
		results = append(results, result{s.name, make([]honest, len(world)), make([]thefts, len(strategies)), make([]thefts, len(strategies))})
	}
	ours := len(browsers) - 1
	for c := range world {
		weeks := generator{conditions: world[c]}
		lived := size.all
		if world[c] == harsh {
			lived = size.harsh
		}
		for n := first; n < lived; n += step {
			week := weeks.week(uint64(n))
			for i, b := range browsers {
				if n < size.all || i == ours {
					results[i].honest[c].days += days
					results[i].honest[c].signOuts += b.live(week)
				}
			}
		}
	}
	calm, storm := generator{conditions: alone}, generator{conditions: harsh}
	for n := first; n < size.thefts; n += step {
		week := calm.week(uint64(n))
		for i, b := range browsers {
			b.runThefts(results[i].thefts, week, uint64(n))
		}
		browsers[ours].runThefts(results[ours].harshThefts, storm.week(uint64(n)), uint64(n))
	}
	return results
}

// runThefts simulates a week with each thief in turn.
func (b *browser) runThefts(count []thefts, week *trace, seed uint64) {
	for i, strategy := range strategies {
		if after, found := b.runTheft(week, strategy, seed); found {
			count[i].found = append(count[i].found, after)
		} else {
			count[i].missed++
		}
	}
}
