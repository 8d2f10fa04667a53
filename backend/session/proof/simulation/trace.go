package main

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
)

// conditions are the environment of a browser.
type conditions struct {
	name string
	tabs int
	// loss is the fraction of messages lost, each way.
	loss float64
	// crashEvery is the mean time between crashes of the browser; 0 for none.
	crashEvery int64
	// patient callers never abort a request: they accept every answer, however late.
	patient bool
}

// Times are in milliseconds since the sign-in.
const (
	second = int64(1000)
	minute = 60 * second
	hour   = 60 * minute

	workingDay = 8 * hour
	days       = 5

	lifetime = 300 * second // of an access token
	abort    = 20 * second  // the client's timeout
	tooOld   = 30 * second  // refused by the server under any scheme
	longest  = 30 * second  // the longest time of a message

	// If callers never abort, messages take as long as TCP tries.
	longestTried = 15 * minute
)

// event is one event of a browser. A trace of events does not depend on the server's
// answers, so that every scheme can run on the same trace.
type event struct {
	at   int64
	kind kind
	// request numbers the request that is sent, arrives or is answered.
	request int32
}

type kind uint8

const (
	send   kind = iota // a request takes the token out of the jar
	arrive             // it reaches the server, by a replica whose clock is ahead
	land               // the answer reaches the jar
	crash              // the jar returns to the state on the disk
)

// trace is a working week of one browser. Requests are numbered.
type trace struct {
	events   []event
	skews    []int64 // of the replica that a request reaches, in seconds
	requests int32
}

// generator makes traces. Its buffers are reused.
type generator struct {
	conditions
	rand *rand.Rand
	trace
}

// week returns the trace of a week.
func (g *generator) week(seed uint64) *trace {
	return g.made(seed, func() {
		for day := range int64(days) {
			g.day(day*24*hour, day*24*hour+workingDay)
		}
	})
}

// aroundTheClock returns the trace of days without sleep or crash.
func (g *generator) aroundTheClock(seed uint64, days int64) *trace {
	return g.made(seed, func() { g.awake(0, days*24*hour, 0) })
}

func (g *generator) made(seed uint64, live func()) *trace {
	g.rand = rand.New(rand.NewPCG(seed, uint64(g.tabs)))
	g.events, g.skews, g.requests = g.events[:0], g.skews[:0], 0
	live()
	slices.SortStableFunc(g.events, func(a, b event) int { return cmp.Compare(a.at, b.at) })
	return &g.trace
}

// day makes the events from one sleep or crash to the next. A crash soon after a sleep
// is a known limit and is not generated.
func (g *generator) day(from, to int64) {
	for from < to {
		asleep := from + g.exponential(3*hour)
		crashed := from + 2*minute + g.exponential(g.crashEvery)
		end := min(to, asleep, crashed)
		if end == crashed && end < to {
			g.events = append(g.events, event{at: end, kind: crash})
			g.awake(from, end, 0)
			from = end + 5*second + g.exponential(20*second)
			continue
		}
		wake := end + g.exponential(15*minute)
		if end == to {
			wake = end + 16*hour
		}
		g.awake(from, end, wake)
		from = wake
	}
}

// awake makes the requests of every tab from waking to the next sleep or crash. wake is
// when a sleep ends, 0 for a crash. All tabs renew on waking.
func (g *generator) awake(from, to, wake int64) {
	for range g.tabs {
		for at := from + 1 + g.rand.Int64N(2*second); at < to; {
			if g.request(at, to, wake) {
				at += min(lifetime-g.rand.Int64N(lifetime/5), 1+g.exponential(20*minute))
			} else {
				at += second + g.rand.Int64N(abort)
			}
		}
	}
}

// request makes a request sent at a time and reports whether it was answered. A message
// frozen by a sleep arrives when the browser wakes, before it sends a new one.
func (g *generator) request(at, to, wake int64) bool {
	n := g.requests
	g.requests++
	g.skews = append(g.skews, g.rand.Int64N(6))
	g.events = append(g.events, event{at, send, n})
	if g.rand.Float64() < g.loss {
		return false
	}
	arrival := at + g.delay()
	g.events = append(g.events, event{arrival, arrive, n})
	if again := arrival + g.delay(); g.rand.Float64() < 0.005 && (again <= at+tooOld || g.patient) {
		g.events = append(g.events, event{again, arrive, n}) // a duplicate; the duplicate is answered
		arrival = again
	}
	reload := g.rand.Float64() < 0.005
	landing := arrival + g.delay()
	if reload || g.rand.Float64() < g.loss || landing > at+abort && !g.patient {
		return false
	}
	if landing >= to { // gone with the crash, aborted on waking, or frozen in the sleep
		if wake == 0 || landing >= wake || g.rand.IntN(2) == 0 {
			return false
		}
		landing = wake
	}
	g.events = append(g.events, event{landing, land, n})
	return true
}

// delay is log-normal with one in two hundred drawn from a slow period, and bounded.
func (g *generator) delay() int64 {
	median, sigma := 0.06, 0.8
	if g.rand.IntN(200) == 0 {
		median, sigma = 4, 1
	}
	most := longest
	if g.patient {
		most = longestTried
	}
	return 1 + int64(min(median*math.Exp(sigma*g.rand.NormFloat64())*float64(second), float64(most)))
}

func (g *generator) exponential(mean int64) int64 {
	if mean == 0 {
		return math.MaxInt64 / 4
	}
	return int64(g.rand.ExpFloat64() * float64(mean))
}
