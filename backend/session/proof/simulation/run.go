package main

import "github.com/tabard-auth/tabard/backend/session"

// flush is how long a browser keeps a changed cookie before it writes it.
const flush = 30 * second

// browser is one honest browser under a scheme: a jar shared by all tabs, and its disk.
type browser struct {
	scheme
	jar, disk session.Token
	// changed is when the jar began to differ from the disk; 0 if it does not.
	changed int64
	// session numbers the sign-ins; messages of an earlier one are void.
	session int32
	// carried and answered are the tokens of the requests under way.
	carried, answered []message
	// signOuts counts the sessions that the scheme has ended.
	signOuts int
}

type message struct {
	token   session.Token
	session int32
}

func (b *browser) begin(requests int32) {
	b.carried = grown(b.carried, requests)
	b.answered = grown(b.answered, requests)
	b.signIn(0)
}

func grown(messages []message, n int32) []message {
	if int(n) > cap(messages) {
		messages = make([]message, n)
	}
	messages = messages[:n]
	clear(messages)
	return messages
}

func (b *browser) signIn(at int64) {
	b.jar = b.scheme.signIn(clock(at, 0))
	b.disk, b.changed = b.jar, 0
	b.session++
}

// clock returns a replica's time.
func clock(at, skew int64) int64 { return 1_800_000_000 + at/second + skew }

// apply applies an event.
func (b *browser) apply(e event, skew int64) {
	switch e.kind {
	case send:
		b.carried[e.request] = message{b.jar, b.session}
	case arrive:
		b.arrive(e, skew)
	case land:
		b.land(e)
	case crash:
		b.settle(e.at)
		b.jar, b.changed = b.disk, 0
	}
}

func (b *browser) arrive(e event, skew int64) {
	carried := b.carried[e.request]
	if carried.session != b.session {
		return
	}
	mints, successor := b.present(carried.token, clock(e.at, skew))
	if !mints {
		b.signOuts++
		b.signIn(e.at)
		return
	}
	b.answered[e.request] = message{successor, b.session}
}

func (b *browser) land(e event) {
	answer := b.answered[e.request]
	if answer.session != b.session || answer.token == (session.Token{}) {
		return
	}
	b.settle(e.at)
	b.jar = answer.token
	if b.changed == 0 {
		b.changed = e.at
	}
}

// settle writes the jar to the disk if it is due.
func (b *browser) settle(at int64) {
	if b.changed != 0 && at >= b.changed+flush {
		b.disk, b.changed = b.jar, 0
	}
}

// live returns how many times a scheme ends an honest browser's session in a week.
func (b *browser) live(week *trace) int {
	b.signOuts = 0
	b.begin(week.requests)
	for _, e := range week.events {
		b.apply(e, week.skews[e.request])
	}
	return b.signOuts
}
