package main

import (
	"math/bits"
	"slices"
)

// household is two people in one browser, and the messages between it and the server: for
// which of the sessions in the jar a request is, as package authn chooses. What rotation does
// with the cookie of each session, jars explores. A session is one bit of the sets here, by
// the order of the sign-ins; its cookie has a name of its own.
type household struct {
	sessions [4]signIn
	jar      uint8    // the sessions whose cookies it has
	disk     [2]uint8 // the states of the jar that a crash can bring back
	marks    [2]uint8 // the session that each person's tab knows, or none
	requests [2]asked
	replies  [2]answer
	crashes  int8
	copied   uint8 // what somebody who has no key copied of the jar
}

// signIn is a session. left means that its person signed out where its cookie was.
type signIn struct {
	there       bool
	person      uint8
	ended, left bool
}

// anybody is the person of a request of a tab that acts for nobody yet.
const anybody = 2

// asked is a request. That of a browser that crashed since is an orphan: its answer is dropped.
type asked struct {
	there, out, orphan bool
	person, mark, jar  uint8
}

// answer is an answer on its way to the jar, and to the tab of a person.
type answer struct {
	there       bool
	person      uint8
	sets, clear uint8
	mark        uint8
}

// choosing is the rule by which the server chooses, or a variant that must be seen to fail.
type choosing struct {
	crashes, signIns int8
	messages         int
	copies           bool // somebody may copy the jar

	newest     bool // an unknown mark gets the newest session, whoever asks
	onlyCookie bool // the only cookie answers whoever asks
	markAlone  bool // a sign-out ends the session of the mark alone
	clearOnly  bool // a sign-out clears the cookie alone
	oneName    bool // the cookies of all sessions have one name
	endsOthers bool // a request ends everybody's older sessions
	keyless    bool // who has a cookie needs no key
}

func (c *choosing) check() found {
	return explore(household{crashes: c.crashes}, c.next)
}

// next visits every possible next event.
func (c *choosing) next(h household, reach func(household)) (wrong string) {
	visit := func(h household) { reach(h.normal()) }
	c.signIn(h, visit)
	for person := range uint8(anybody + 1) {
		c.send(h, person, visit)
	}
	for i, q := range h.requests[:c.messages] {
		if q.there && wrong == "" {
			wrong = c.deliver(h, i, visit)
		}
	}
	for i, a := range h.replies[:c.messages] {
		if a.there && wrong == "" {
			wrong = c.land(h, i, visit)
		}
	}
	if wrong == "" && c.copies {
		wrong = c.steal(h, visit)
	}
	h.crash(visit)
	return wrong
}

// signIn begins a session beside the others; its answer may be lost.
func (c *choosing) signIn(h household, visit func(household)) {
	at := slices.Index(h.sessions[:c.signIns], signIn{})
	for person := range uint8(anybody) {
		if at < 0 {
			return
		}
		begun := h
		begun.sessions[at] = signIn{there: true, person: person}
		visit(begun)
		begun.reply(c, answer{there: true, person: anybody, sets: 1 << at}, visit)
	}
}

func (h household) reply(c *choosing, a answer, visit func(household)) {
	if free := slices.Index(h.replies[:c.messages], answer{}); free >= 0 {
		h.replies[free] = a
		visit(h)
	}
}

// send sends a mint and a sign-out of a person's tab.
func (c *choosing) send(h household, person uint8, visit func(household)) {
	free := slices.Index(h.requests[:c.messages], asked{})
	if free < 0 || h.jar == 0 {
		return
	}
	q := asked{there: true, person: person, jar: h.jar}
	if person != anybody {
		q.mark = h.marks[person]
	}
	for _, out := range []bool{false, person != anybody} {
		q.out = out
		h.requests[free] = q
		visit(h)
	}
}

// deliver answers a request. A copy of it may stay on the way; the answer may be lost.
func (c *choosing) deliver(h household, i int, visit func(household)) (wrong string) {
	q := h.requests[i]
	a, wrong := c.serve(&h, q, true)
	if wrong != "" {
		return wrong
	}
	for range 2 {
		visit(h)
		if !q.orphan {
			h.reply(c, a, visit)
		}
		h.requests[i] = asked{}
	}
	return ""
}

// land lets an answer change the jar, and the tab.
func (c *choosing) land(h household, i int, visit func(household)) (wrong string) {
	a, before := h.replies[i], h.jar
	h.replies[i] = answer{}
	if h.jar = before&^a.clear | a.sets; c.oneName && a.sets != 0 {
		h.jar = a.sets
	}
	if before&^h.jar&h.living() != 0 {
		return "an answer takes the cookie of a session that goes on"
	}
	if h.jar != before {
		h.disk = [2]uint8{before, h.disk[0]}
	}
	if a.person != anybody && a.mark != 0 {
		h.marks[a.person] = a.mark
	}
	visit(h)
	return ""
}

// steal copies the jar, or asks with a copy: for either person and with any mark.
func (c *choosing) steal(h household, visit func(household)) (wrong string) {
	if h.copied == 0 {
		h.copied = h.jar
		visit(h)
		return ""
	}
	for n := range uint8(anybody+1) * uint8(c.signIns+1) * 2 {
		stolen := h
		q := asked{jar: h.copied, person: n % (anybody + 1), out: n%2 == 1}
		if mark := n / (anybody + 1) % uint8(c.signIns+1); mark > 0 {
			q.mark = 1 << (mark - 1)
		}
		if a, _ := c.serve(&stolen, q, c.keyless); a.mark != 0 {
			return "a copied jar mints"
		}
		if stolen.sessions != h.sessions {
			return "a copied jar ends a session"
		}
	}
	return ""
}

// crash ends the browser. Cookies, and what the tabs know, return to what the disk has.
func (h household) crash(visit func(household)) {
	if h.crashes == 0 {
		return
	}
	h.crashes--
	h.replies = [2]answer{}
	for i := range h.requests {
		h.requests[i].orphan = h.requests[i].there
	}
	for _, jar := range []uint8{h.jar, h.disk[0], h.disk[1]} {
		back := h
		back.jar, back.disk = jar, [2]uint8{}
		visit(back)
		back.marks = [2]uint8{}
		visit(back)
	}
}

// living returns the sessions that go on.
func (h *household) living() (all uint8) {
	for i, s := range h.sessions {
		if s.there && !s.ended {
			all |= 1 << i
		}
	}
	return all
}

// of returns a person's sessions.
func (h *household) of(person uint8) (all uint8) {
	for i, s := range h.sessions {
		if s.there && s.person == person {
			all |= 1 << i
		}
	}
	return all
}

func newest(set uint8) uint8 {
	if set == 0 {
		return 0
	}
	return 1 << (bits.Len8(set) - 1)
}

// normal returns the same form for worlds that differ only in the order of their messages.
func (h household) normal() household {
	slices.SortFunc(h.requests[:], func(a, b asked) int { return b.order() - a.order() })
	slices.SortFunc(h.replies[:], func(a, b answer) int { return b.order() - a.order() })
	return h
}

func (q asked) order() int {
	n := int(q.person)<<16 + int(q.mark)<<8 + int(q.jar)
	for i, set := range []bool{q.orphan, q.out, q.there} {
		if set {
			n += 1 << (20 + i)
		}
	}
	return n
}

func (a answer) order() int {
	n := int(a.person)<<24 + int(a.sets)<<16 + int(a.clear)<<8 + int(a.mark)
	if a.there {
		n += 1 << 28
	}
	return n
}
