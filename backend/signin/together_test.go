package signin

import (
	"fmt"
	"testing"
)

// The model of a browser whose tabs begin sign-ins together. A browser value is the number
// of the tab whose first answer set it, from 1; 0 is none. Requests carry what the browser
// keeps when they leave; answers change it when they arrive, at any later time.

const modelTabs = 3

// place is where a tab is.
type place int

const (
	idle      place = iota
	beginning       // the answer that leads to the provider is on its way
	away            // at the provider
	returning       // the callback is on its way to the server
	landing         // the answer that lets it land is on its way
	settling        // the answer that asks for the callback again is on its way
	landed
	stranded
)

type modelTab struct {
	at       place
	bound    int // the browser value that its attempt is bound to
	sets     int // the browser value that the answer on its way sets, or 0
	restarts int
	settled  bool
	// what the callback on its way carries
	carries  int
	sessions bool
	signsIn  bool // the answer on its way sets a session's cookie
}

type model struct {
	tabs     [modelTabs]modelTab
	provider [modelTabs]int      // where each tab signs in; 0 is the workspace's
	value    int                 // what the browser keeps
	session  bool                // the browser keeps a session's cookie
	under    [modelTabs + 1]bool // sessions that the server stores, by browser value
}

// trusts reports whether the value lets an attempt restart at the provider.
func (m model) trusts(value, provider int) bool {
	return provider == 0 || value != 0 && m.provider[value-1] == provider
}

// advance lets a tab take its next step.
func (m model) advance(i int) model {
	t := &m.tabs[i]
	switch t.at {
	case idle: // the request leaves, and the server answers
		t.at, t.bound, t.sets = beginning, m.value, 0
		if m.value == 0 {
			t.bound, t.sets = i+1, i+1
		}
	case beginning:
		m.arrive(t)
		t.at = away
	case away, settling:
		m.arrive(t)
		t.settled = t.at == settling
		t.at, t.carries, t.sessions = returning, m.value, t.settled && m.session
	case returning:
		m.decide(i)
	case landing:
		m.arrive(t)
		t.at = landed
	}
	return m
}

func (m *model) arrive(t *modelTab) {
	if t.sets != 0 {
		m.value, t.sets = t.sets, 0
	}
	m.session = m.session || t.signsIn
	t.signsIn = false
}

// decide is the server: what it answers to a callback.
func (m *model) decide(i int) {
	t := &m.tabs[i]
	r := returned{
		restarts: t.restarts, known: t.carries != 0, fits: t.carries == t.bound,
		trusted: m.trusts(t.carries, m.provider[i]), settled: t.settled,
		signedIn: m.under[t.carries] || t.sessions,
	}
	switch r.next() {
	case finishes:
		m.under[t.carries] = true
		t.at, t.signsIn = landing, true
	case lands:
		t.at = landing
	case settles:
		t.at = settling
	case restarts:
		t.at, t.bound, t.restarts = beginning, t.carries, t.restarts+1
	default:
		t.at = stranded
	}
}

// explore visits every state that can follow, in every order of requests and answers.
func explore(m model, seen map[model]bool, visit func(model)) {
	if seen[m] {
		return
	}
	seen[m] = true
	visit(m)
	for i := range m.tabs {
		if next := m.advance(i); next != m {
			explore(next, seen, visit)
		}
	}
}

// TestTogether_AllComeBack: three tabs begin together without a browser value. In every
// order of requests and answers each of them lands, after no more restarts than there are
// other tabs. At different providers of organizations a tab may end at the page that asks.
func TestTogether_AllComeBack(t *testing.T) {
	for name, test := range map[string]struct {
		provider [modelTabs]int
		asks     bool
	}{
		"the workspace's provider":           {provider: [modelTabs]int{0, 0, 0}},
		"an organization's own":              {provider: [modelTabs]int{1, 1, 1}},
		"the workspace's and organizations'": {provider: [modelTabs]int{0, 1, 2}, asks: true},
	} {
		t.Run(name, func(t *testing.T) {
			seen, ends := map[model]bool{}, 0
			explore(model{provider: test.provider}, seen, func(m model) {
				moves, stays := false, 0
				for i, tab := range m.tabs {
					moves = moves || m.advance(i) != m
					if tab.restarts > modelTabs-1 {
						t.Fatalf("%+v: tab %d restarted %d times", m, i, tab.restarts)
					}
					if tab.at == stranded && (!test.asks || test.provider[i] == 0) {
						t.Fatalf("%+v: tab %d is stranded", m, i)
					}
					if tab.at == landed || tab.at == stranded {
						stays++
					}
				}
				if !moves && stays == modelTabs {
					ends++
				} else if !moves {
					t.Fatalf("%+v goes on nowhere", m)
				}
			})
			if ends == 0 || len(seen) < 1000 {
				t.Errorf("%d states, %d ends", len(seen), ends)
			}
			t.Log(len(seen), "states,", ends, "ends")
		})
	}
}

// TestTogether_Defenses is the table of callbacks in a browser that did not begin the
// attempt.
func TestTogether_Defenses(t *testing.T) {
	for name, test := range map[string]struct {
		returned
		want step
	}{
		"its own":                              {returned{known: true, fits: true}, finishes},
		"its own, long known":                  {returned{known: true, fits: true, old: true}, finishes},
		"its own, one of several":              {returned{known: true, fits: true, counted: true}, settles},
		"its own, the browser signed in":       {returned{known: true, fits: true, counted: true, settled: true, signedIn: true}, lands},
		"its own, long known and counted":      {returned{known: true, fits: true, counted: true, old: true}, finishes},
		"its own, restarted":                   {returned{known: true, fits: true, restarts: 1}, settles},
		"its own, begun again, long known":     {returned{known: true, fits: true, old: true, restarts: 1, settled: true}, finishes},
		"a step-up's own":                      {returned{known: true, fits: true, stepUp: true, signedIn: true}, finishes},
		"another browser's step-up":            {returned{known: true, stepUp: true}, failsStepUp},
		"another browser's step-up, signed in": {returned{known: true, stepUp: true, signedIn: true, settled: true}, failsStepUp},
		"a browser known before":               {returned{known: true, old: true, trusted: true, settled: true}, failsUnknown},
		"a browser known before, restarted":    {returned{known: true, old: true, trusted: true, settled: true, restarts: 3}, failsUnknown},
		"no value":                             {returned{trusted: true}, restarts},
		"no value again":                       {returned{trusted: true, restarts: 1}, failsNoCookies},
		"no value, at an own provider":         {returned{}, failsUnknown},
		"another value":                        {returned{known: true, trusted: true}, settles},
		"another value, asked again":           {returned{known: true, trusted: true, settled: true}, restarts},
		"another value and signed in":          {returned{known: true, trusted: true, settled: true, signedIn: true}, lands},
		"another value, at an own provider":    {returned{known: true, settled: true}, failsUnknown},
		"a browser that always has another":    {returned{known: true, trusted: true, settled: true, restarts: maxRestarts}, failsUnknown},
	} {
		if got := test.next(); got != test.want {
			t.Errorf("%s: %s, want %s", name, fmt.Sprint(got), fmt.Sprint(test.want))
		}
	}
}
