package main

import (
	"encoding/binary"
	"slices"

	"github.com/tabard-auth/tabard/backend/session"
)

// scheme is a server's rule for refresh tokens, with the state of one session.
// Times are Unix seconds.
type scheme interface {
	// signIn begins a session.
	signIn(now int64) session.Token
	// present reports whether a token mints, and returns the token in the answer's
	// cookie; the zero token for none. A token that does not mint ends the session.
	present(token session.Token, now int64) (mints bool, successor session.Token)
}

// schemes returns the schemes to compare, rotating at most every r seconds.
func schemes(r int64) []named {
	limits := session.LimitsFor(false)
	limits.R = r
	return []named{
		{"strict, revoke", &window{r: r}},
		{"3 s window", &window{r: r, window: 3}},
		{"30 s leeway, previous only", &leeway{r: r, leeway: 30}},
		{"60 s grace", &window{r: r, window: 60}},
		{"parent of current, counter", &parent{r: r}},
		{"no rotation", &window{r: 1 << 40}},
		{"ours, deterministic successor", &acknowledged{limits: limits, inStep: true}},
		{"ours", &acknowledged{limits: limits}},
	}
}

type named struct {
	name string
	scheme
}

// serial makes cheap unique token ids.
type serial uint64

func (s *serial) next() (id session.TokenID) {
	*s++
	binary.BigEndian.PutUint64(id[:], uint64(*s))
	return id
}

// acknowledged is session.Judge: a rotation ends when its successor is used.
type acknowledged struct {
	limits session.Limits
	inStep bool
	row    session.Row
	serial serial
}

func (a *acknowledged) signIn(now int64) session.Token {
	var first session.Token
	first, a.row = session.First(session.ID{}, a.serial.next(), now)
	return first
}

func (a *acknowledged) present(token session.Token, now int64) (bool, session.Token) {
	verdict := session.Judge(a.row, session.Redemption{Token: token, Limits: a.limits, Now: now})
	a.row = verdict.After
	if !verdict.Successor {
		return verdict.Outcome.Mints(), session.Token{}
	}
	id := a.serial.next()
	if a.inStep {
		id = a.row.Cur
		id[15]++
	}
	return true, session.Successor(session.ID{}, a.row, id, now)
}

// rotation is the shared state of the schemes that finish a rotation as they send it.
type rotation struct {
	cur    session.Token
	since  int64
	serial serial
}

func (r *rotation) signIn(now int64) session.Token {
	r.cur, r.since = session.Token{Gen: 1, ID: r.serial.next(), IssuedAt: now}, now
	return r.cur
}

func (r *rotation) rotate(now int64) (bool, session.Token) {
	r.cur, r.since = session.Token{Gen: r.cur.Gen + 1, ID: r.serial.next(), Parent: r.cur.ID, IssuedAt: now}, now
	return true, r.cur
}

// window answers a token replaced less than a window ago with the current one.
type window struct {
	rotation
	r, window int64
	replaced  []replacement
}

type replacement struct {
	id session.TokenID
	at int64
}

func (w *window) present(token session.Token, now int64) (bool, session.Token) {
	w.replaced = slices.DeleteFunc(w.replaced, func(r replacement) bool { return now >= r.at+w.window })
	switch {
	case token.ID == w.cur.ID && now < w.since+w.r:
		return true, session.Token{}
	case token.ID == w.cur.ID:
		w.replaced = append(w.replaced, replacement{w.cur.ID, now})
		return w.rotate(now)
	case slices.ContainsFunc(w.replaced, func(r replacement) bool { return r.id == token.ID }):
		return true, w.cur
	}
	return false, session.Token{}
}

// leeway rotates the previous token once more while its rotation is young.
type leeway struct {
	rotation
	r, leeway int64
}

func (l *leeway) present(token session.Token, now int64) (bool, session.Token) {
	switch {
	case token.ID == l.cur.ID && now < l.since+l.r:
		return true, session.Token{}
	case token.ID == l.cur.ID, token.ID == l.cur.Parent && now <= l.since+l.leeway:
		return l.rotate(now)
	}
	return false, session.Token{}
}

// parent answers the parent of the current token with the current one, at any
// time.
type parent struct {
	rotation
	r int64
}

func (p *parent) present(token session.Token, now int64) (bool, session.Token) {
	switch {
	case token.ID == p.cur.ID && now < p.since+p.r:
		return true, session.Token{}
	case token.ID == p.cur.ID:
		return p.rotate(now)
	case token.ID == p.cur.Parent:
		return true, p.cur
	}
	return false, session.Token{}
}
