package resource

import (
	"slices"
	"sync"
	"time"

	"github.com/tabard-auth/tabard/backend/token"
	"github.com/tabard-auth/tabard/backend/token/secevent"
)

const (
	// remember is longer than any access token of before an event lives, with a minute for
	// clocks.
	remember = 11 * time.Minute
	// maxEndings limits the memory of a Follower, at about 150 bytes each.
	maxEndings = 100_000
	// clockSlack is for tokens of a release that did not number them: they are compared
	// with an event by the clock of the backend, in seconds.
	clockSlack = 60
)

// ending is what is remembered of a subject's newest event.
type ending struct {
	number int64
	at     int64     // Unix seconds of the backend's clock
	until  time.Time // no token of before the event lives longer
}

func (e ending) refuses(c *token.Claims) bool {
	if c.Event == 0 { // of the release before
		return c.IssuedAt <= e.at+clockSlack
	}
	return c.Event < e.number
}

// later returns an ending that refuses what either refuses.
func (e ending) later(other ending) ending {
	if other.until.After(e.until) {
		e.until = other.until
	}
	e.number, e.at = max(e.number, other.number), max(e.at, other.at)
	return e
}

// endings is the memory of a Follower. It never forgets an event while a token lives that
// the event refuses: if it is full, it remembers less precisely, which costs the tokens
// that are refused too much a renewal.
type endings struct {
	mu   sync.RWMutex
	of   map[secevent.Subject]ending
	due  []due // by time; a repeated subject has several
	most int
}

// due is when a subject's ending may be forgotten, unless it was repeated.
type due struct {
	secevent.Subject
	until time.Time
}

func newEndings(most int) *endings {
	return &endings{of: map[secevent.Subject]ending{}, most: most}
}

// add remembers an event.
func (m *endings) add(e secevent.Event, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.forget(now)
	subject := known(e.Subject)
	if _, again := m.of[subject]; !again && len(m.of) >= m.most {
		m.coarsen()
	}
	next := ending{e.Number, e.At, now.Add(remember)}.later(m.of[subject])
	m.of[subject], m.due = next, append(m.due, due{subject, next.until})
	if len(m.due) > 2*m.most {
		m.order()
	}
}

// forget drops the endings whose time is over.
func (m *endings) forget(now time.Time) {
	for len(m.due) > 0 && !m.due[0].until.After(now) {
		if e := m.of[m.due[0].Subject]; !e.until.After(now) {
			delete(m.of, m.due[0].Subject)
		}
		m.due = m.due[1:]
	}
}

// order lists each subject once.
func (m *endings) order() {
	m.due = make([]due, 0, len(m.of))
	for s, e := range m.of {
		m.due = append(m.due, due{s, e.until})
	}
	slices.SortFunc(m.due, func(a, b due) int { return a.until.Compare(b.until) })
}

// coarsen replaces what is about one organization by the organization, and if that does not
// free half of the memory, everything by the workspace.
func (m *endings) coarsen() {
	all, whole := m.of, ending{}
	m.of = map[secevent.Subject]ending{}
	for s, e := range all {
		if s.Organization != "" {
			s = secevent.Subject{Organization: s.Organization}
		}
		m.of[s] = e.later(m.of[s])
		whole = whole.later(e)
	}
	if len(m.of) > m.most/2 {
		m.of = map[secevent.Subject]ending{{}: whole}
	}
	m.order()
}

// known returns the subject in one of the forms that ended looks up. A session is one
// person's. Any other form is widened.
func known(s secevent.Subject) secevent.Subject {
	if s.Session != "" {
		s.User = ""
	}
	if s.Session != "" || s.User != "" || s.Organization != "" {
		s.App = ""
	}
	return s
}

// ended reports whether an event refuses a token.
func (m *endings) ended(c *token.Claims) bool {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if _, over := m.of[secevent.Subject{Session: c.SessionID}]; over && c.SessionID != "" {
		return true // for good, whatever the token says
	}
	for _, s := range [...]secevent.Subject{
		{},
		{Organization: c.OrganizationID},
		{App: c.ClientID},
		{User: c.Subject},
		{User: c.Subject, Organization: c.OrganizationID},
		{Session: c.SessionID, Organization: c.OrganizationID},
	} {
		if e, there := m.of[s]; there && e.refuses(c) {
			return true
		}
	}
	return false
}
