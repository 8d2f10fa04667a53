package main

import "math/bits"

// serve answers a request as package authn does: a session by its mark, or else the newest of
// its person. proves says that the request proves the keys of its person. It returns what is
// wrong with the answer.
func (c *choosing) serve(h *household, q asked, proves bool) (a answer, wrong string) {
	a = answer{there: true, person: q.person}
	before := *h
	chosen := c.choose(h, q, proves, &a)
	switch {
	case chosen == 0:
		if before.living()&q.jar&h.of(q.person) != 0 && proves {
			return a, "somebody who is signed in is refused"
		}
		return a, ""
	case !proves:
		return a, ""
	case q.person != anybody && h.of(q.person)&chosen == 0:
		return a, "a tab is answered for the other person"
	case h.left()&chosen != 0:
		return a, "somebody who signed out is signed in"
	}
	if q.out {
		c.signOut(h, q, chosen, &a)
		return a, c.compare(h, &before, q)
	}
	a.mark = chosen
	return a, c.compare(h, &before, q)
}

// compare says whether a request ended a session of somebody else's.
func (c *choosing) compare(after, before *household, q asked) string {
	if q.person != anybody && (before.living()&^after.living())&^after.of(q.person) != 0 {
		return "a request ends a session of the other person"
	}
	return ""
}

// choose returns the session that answers a request, or none, and ends what gives way to it.
func (c *choosing) choose(h *household, q asked, proves bool, a *answer) uint8 {
	living := h.living()
	if bits.OnesCount8(q.jar) == 1 {
		return c.named(h, q.jar, q, a)
	}
	if named := q.mark & q.jar; named != 0 {
		if chosen := c.named(h, named, q, a); chosen != 0 {
			return chosen
		}
	}
	a.clear |= q.jar &^ living
	for person := range uint8(anybody) {
		all := q.jar & living & h.of(person)
		if older := all &^ newest(all); person == q.person || q.person == anybody || c.endsOthers {
			a.clear |= older
			if proves && (person == q.person || q.person == anybody) {
				h.end(older)
			}
		}
	}
	all := q.jar & living
	switch people := [2]uint8{all & h.of(0), all & h.of(1)}; {
	case c.newest:
		return newest(all)
	case q.person != anybody:
		return newest(people[q.person])
	case people[0] != 0 && people[1] != 0:
		return 0 // asks which of them
	default:
		return newest(all)
	}
}

// named returns a session that the request names, or that is the only one, if it lives and is
// its person's.
func (c *choosing) named(h *household, one uint8, q asked, a *answer) uint8 {
	switch {
	case h.living()&one == 0:
		a.clear |= one
		return 0
	case q.person != anybody && h.of(q.person)&one == 0 && !c.onlyCookie:
		return 0
	}
	return one
}

// signOut ends the sessions that a person has in the jar.
func (c *choosing) signOut(h *household, q asked, chosen uint8, a *answer) {
	all := q.jar & h.of(q.person)
	for i := range h.sessions {
		s := &h.sessions[i]
		s.left = s.left || all&(1<<i) != 0
	}
	if c.markAlone {
		all = chosen
	}
	a.clear |= all
	if !c.clearOnly {
		h.end(all)
	}
}

func (h *household) end(set uint8) {
	for i := range h.sessions {
		s := &h.sessions[i]
		s.ended = s.ended || set&(1<<i) != 0
	}
}

// left returns the sessions of which their person signed out.
func (h *household) left() (all uint8) {
	for i, s := range h.sessions {
		if s.left {
			all |= 1 << i
		}
	}
	return all
}
