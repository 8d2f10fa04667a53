package main

import (
	"fmt"
	"slices"
)

// browser is an honest browser, its session's row, and the messages between them.
type browser struct {
	row      row
	jar      token
	second   token      // under another name, if any
	past     [3]left    // possible older states of the jar on the disk
	requests [3]message // on the way to the server
	replies  [3]message // on the way to the jar
	crashes  int8       // crashes that may still happen
	state    state
	// ended is set once the session has ended, with the one that it joined or by itself.
	ended bool
	// unsettled counts the ticks until everything pending in a sleep has reached the
	// disk. No crash happens before: that is a known limit.
	unsettled int8
}

// left is a token that left the jar some ticks ago.
type left struct {
	token
	since int8
}

// message is a token sent some ticks ago. A crash of the browser orphans its requests:
// their replies are dropped.
type message struct {
	token
	sent   int8
	orphan bool
}

type state uint8

const (
	awake state = iota
	asleep
	waking // replies frozen in the sleep may arrive; no new request is sent
)

// environment is the environment of a browser to explore.
type environment struct {
	rules
	messages int // the most under way in each direction
	crashes  int8
	sleeps   bool
	// impatient browsers send before they have aborted the requests frozen by a sleep.
	impatient bool
	// ends lets the session end at any time, as by a sign-out at another origin.
	ends bool
	// clearedOnly ends a session by its cookie alone: its row goes on.
	clearedOnly bool
	// brief answers the requests of a session that joined at once, which keeps the world of
	// both small.
	brief bool
	// apart leaves the session that joined as it is when the first one ends.
	apart bool
	// people makes the other session another person's, whose sign-out leaves the first.
	people bool
	// twoNames keeps a second cookie of the session, which no reply replaces.
	twoNames bool
}

func (h *environment) check() found {
	return explore(h.normal(h.start()), h.next)
}

// start returns a browser that has just signed in.
func (h *environment) start() browser {
	b := browser{row: row{cur: 1}, jar: token{id: 1}, crashes: h.crashes}
	if h.twoNames {
		b.second = b.jar
	}
	return b
}

// next visits every possible next event, in the browser, on the way, at the server, or
// of the time.
func (h *environment) next(b browser, visit func(browser)) (wrong string) {
	reach := func(b browser) { visit(h.normal(b)) }
	if wrong := h.alone(b, reach); wrong != "" {
		return wrong
	}
	switch b.state {
	case awake:
		h.crash(b, reach)
	case waking:
		return ""
	}
	h.tick(b, reach)
	return ""
}

// alone visits every possible next event that concerns the session alone, unlike a crash of
// the browser and the time.
func (h *environment) alone(b browser, reach func(browser)) (wrong string) {
	if h.ends && !b.ended {
		ended := b
		ended.ended = true
		reach(ended)
	}
	for i, r := range b.requests[:h.messages] {
		if r.id != 0 {
			if wrong := h.deliver(b, i, reach); wrong != "" {
				return wrong
			}
		}
	}
	if b.state == awake || b.state == waking && h.impatient {
		h.send(b, reach)
	}
	if b.state != asleep {
		h.land(b, reach)
	}
	switch {
	case b.state == awake && h.sleeps:
		b.state = asleep
		reach(b)
	case b.state == asleep:
		b.state = waking
		reach(b)
	case b.state == waking:
		b.state, b.replies, b.unsettled = awake, [3]message{}, int8(h.Flush)+1
		reach(b)
	}
	return ""
}

func (h *environment) send(b browser, visit func(browser)) {
	i := slices.IndexFunc(b.requests[:h.messages], func(r message) bool { return r.id == 0 })
	if i < 0 {
		return
	}
	for _, held := range []token{b.jar, b.second} {
		if held.id != 0 { // a cleared cookie sends nothing
			b.requests[i] = message{token: held}
			visit(b)
		}
	}
}

// deliver brings a request to the server, by the clock of any replica. A copy of it may
// stay on the way; the reply may be lost.
func (h *environment) deliver(b browser, i int, visit func(browser)) (wrong string) {
	r := b.requests[i]
	if b.ended && !h.clearedOnly {
		h.refuse(b, i, visit)
		return ""
	}
	for skew := range h.Slack + 1 {
		verdict, after := h.present(b.row, r.token, skew)
		if !verdict.Outcome.Mints() {
			return fmt.Sprintf("%s taken for %v", b.row.kind(r.token), verdict.Outcome)
		}
		if b.ended {
			return "a session that has ended mints"
		}
		judged := b
		judged.row = after
		for range 2 {
			visit(judged)
			if verdict.Successor && !r.orphan {
				h.reply(judged, after.successor(skew), visit)
			}
			judged.requests[i] = message{}
		}
	}
	return ""
}

// refuse answers a request of a session that has ended: the row stays as it is, and the
// answer clears the cookie.
func (h *environment) refuse(b browser, i int, visit func(browser)) {
	orphan := b.requests[i].orphan
	for range 2 {
		visit(b)
		if !orphan && b.jar.id != 0 {
			h.clear(b, visit)
		}
		b.requests[i] = message{}
	}
}

// clear takes the cookie out of the jar. The disk may still have it.
func (h *environment) clear(b browser, visit func(browser)) {
	if free := slices.Index(b.past[:], left{}); free >= 0 {
		b.past[free], b.jar = left{token: b.jar}, token{}
		visit(b)
	}
}

func (h *environment) reply(b browser, successor token, visit func(browser)) {
	if i := slices.Index(b.replies[:h.messages], message{}); i >= 0 {
		b.replies[i] = message{token: successor}
		visit(b)
	}
}

// land puts a reply's token into the jar.
func (h *environment) land(b browser, visit func(browser)) {
	free := slices.Index(b.past[:], left{})
	if free < 0 {
		return
	}
	if b.jar.id != 0 {
		b.past[free] = left{token: b.jar}
	}
	for i, reply := range b.replies {
		if reply.id != 0 {
			landed := b
			landed.replies[i], landed.jar = message{}, reply.token
			visit(landed)
		}
	}
}

// crash ends the browser. The jar returns to the state on the disk.
func (h *environment) crash(b browser, visit func(browser)) {
	if b.crashes == 0 || b.unsettled > 0 {
		return
	}
	past := b.past
	b.crashes--
	b.past, b.replies = [3]left{}, [3]message{}
	for i := range b.requests {
		b.requests[i].orphan = b.requests[i].id != 0
	}
	visit(b)
	for _, p := range past {
		if p.id != 0 {
			b.jar = p.token
			visit(b)
		}
	}
}

// tick lets a tick pass. A message older than D is dropped, except that replies wait
// during a sleep.
func (h *environment) tick(b browser, visit func(browser)) {
	b.row.at++
	b.row.last++
	for _, held := range []*token{&b.jar, &b.second} {
		if held.id != 0 {
			held.age++
		}
	}
	for i := range b.past {
		if p := &b.past[i]; p.id != 0 {
			p.age++
			if p.since++; int64(p.since) > h.Flush {
				*p = left{}
			}
		}
	}
	for i := range b.requests {
		if r := &b.requests[i]; r.id != 0 {
			r.age++
			if r.sent++; int64(r.sent) > h.D {
				*r = message{}
			}
		}
	}
	for i := range b.replies {
		if r := &b.replies[i]; r.id != 0 {
			if r.age++; b.state == asleep {
				continue
			}
			if r.sent++; int64(r.sent) > h.D {
				*r = message{}
			}
		}
	}
	if b.state == awake && b.unsettled > 0 {
		b.unsettled--
	}
	visit(b)
}

// normal returns the same form for all browsers that differ only in names.
func (h *environment) normal(b browser) browser {
	slices.SortFunc(b.past[:], func(x, y left) int { return y.order() - x.order() })
	slices.SortFunc(b.requests[:], func(x, y message) int { return y.order() - x.order() })
	slices.SortFunc(b.replies[:], func(x, y message) int { return y.order() - x.order() })
	p := &h.scratch
	p.collect(&b.row)
	p.token(&b.jar)
	p.token(&b.second)
	for i := range b.past {
		p.token(&b.past[i].token)
	}
	for i := range b.requests {
		p.token(&b.requests[i].token)
	}
	for i := range b.replies {
		p.token(&b.replies[i].token)
	}
	p.normalize(h.longest())
	return b
}

func (t token) order() int {
	if t.id == 0 {
		return -1 << 20
	}
	return int(t.gen)<<8 + int(t.age)
}

func (l left) order() int { return int(l.since)<<16 + l.token.order() }

func (m message) order() int { return int(m.sent)<<16 + m.token.order() }
