package idp

import (
	"crypto/rand"
	"maps"
	"sync"
	"time"
)

const (
	sessionLife = 12 * time.Hour
	codeLife    = time.Minute
	tokenLife   = 10 * time.Minute
)

// authentication is one sign-in at the provider.
type authentication struct {
	person Person
	at     time.Time
	acr    string
}

// amr lists the methods behind the authentication (RFC 8176).
func (a authentication) amr() []string {
	if a.acr == ACRSecondFactor {
		return []string{"pwd", "otp"}
	}
	return []string{"pwd"}
}

// grant is the meaning of an authorization code, and after its exchange of the access
// token.
type grant struct {
	authentication
	request authorizationRequest
	expires time.Time
	token   string // the access token that the code was exchanged for
}

// state keeps sessions by cookie, and grants by code and by access token.
type state struct {
	mu       sync.Mutex
	sessions map[string]authentication
	codes    map[string]*grant
	tokens   map[string]*grant
	requests map[string]pushed

	assertions []string // the ids of the client's that were used
}

func newState() *state {
	return &state{
		sessions: make(map[string]authentication),
		codes:    make(map[string]*grant),
		tokens:   make(map[string]*grant),
		requests: make(map[string]pushed),
	}
}

func (m *state) startSession(a authentication) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	id := rand.Text()
	m.sessions[id] = a
	return id
}

func (m *state) session(id string, now time.Time) (authentication, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	a, ok := m.sessions[id]
	return a, ok && now.Before(a.at.Add(sessionLife))
}

func (m *state) endSession(id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.sessions, id)
}

func (m *state) issueCode(a authentication, request authorizationRequest, now time.Time) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.deleteExpired(now)
	code := rand.Text()
	m.codes[code] = &grant{authentication: a, request: request, expires: now.Add(codeLife)}
	return code
}

// redeem spends a code. A second use fails and also revokes the access token of the
// first (RFC 6749 section 4.1.2). matches reports whether the code is the caller's; if
// not, it is spent nevertheless.
func (m *state) redeem(code string, now time.Time, matches func(authorizationRequest) bool) (*grant, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	g, ok := m.codes[code]
	if !ok {
		return nil, false
	}
	if g.token != "" {
		delete(m.tokens, g.token)
		return nil, false
	}
	g.token = rand.Text()
	if !now.Before(g.expires) || !matches(g.request) {
		return nil, false
	}
	g.expires = now.Add(tokenLife) // kept as long, to know a replayed code
	m.tokens[g.token] = g
	return g, true
}

// renew gives a grant a new access token.
func (m *state) renew(g *grant, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	g.token, g.expires = rand.Text(), now.Add(tokenLife)
	m.tokens[g.token] = g
}

func (m *state) grantByToken(token string, now time.Time) (*grant, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	g, ok := m.tokens[token]
	return g, ok && now.Before(g.expires)
}

func (m *state) deleteExpired(now time.Time) {
	expired := func(_ string, g *grant) bool { return !now.Before(g.expires) }
	maps.DeleteFunc(m.codes, expired)
	maps.DeleteFunc(m.tokens, expired)
	maps.DeleteFunc(m.requests, func(_ string, r pushed) bool { return !now.Before(r.expires) })
	maps.DeleteFunc(m.sessions, func(_ string, a authentication) bool { return !now.Before(a.at.Add(sessionLife)) })
}
