package tab

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// epoch is the browser's: an item in the storage that all tabs share, of the session
// that lives (empty: none), a random number, and the sessions of the same person in whose
// place it came by step-ups. It is no secret. Every sign-in
// and sign-out replaces it, and a token is handed out only under the epoch in
// which it was minted: a tab restored after a sign-out elsewhere shows nothing.
type epoch struct {
	local   Storage
	key     string
	channel Channel
	random  func() uint64
}

// What tabs tell each other. A message carries no data.
const (
	messageEpoch = "look again" // somebody signed in or out
	messageSlept = "woke"       // the computer slept
)

// now is the epoch, empty where there is none or storage is blocked.
func (e *epoch) current() string { return e.local.Item(e.key) }

// epochSession is the session of an epoch.
func epochSession(epoch string) string {
	return epoch[:max(0, strings.LastIndexByte(epoch, '.'))]
}

// maxBefore is how many sessions an epoch names in whose place its own came.
const maxPredecessors = 4

// epochBefore are the sessions in whose place an epoch's came, the last first.
func epochPredecessors(epoch string) []string {
	_, names, _ := strings.Cut(epoch[strings.LastIndexByte(epoch, '.')+1:], "-")
	return strings.FieldsFunc(names, func(r rune) bool { return r == '-' })
}

// enter returns the epoch of a session: a new one where it has just begun. before is the
// session that the tab knew: where it is the epoch's, the same person goes on.
func (e *epoch) ensure(session, before string) string {
	if now := e.current(); epochSession(now) != session {
		var all []string
		if before != "" && epochSession(now) == before {
			all = append([]string{before}, epochPredecessors(now)...)
		}
		e.replace(session, all)
	}
	return e.current()
}

// leave begins a new epoch because something was signed out, and returns it; session is
// the one that lives on, or empty.
func (e *epoch) renew(session string) string {
	if now := e.current(); epochSession(now) != "" {
		var before []string
		if epochSession(now) == session {
			before = epochPredecessors(now)
		}
		e.replace(session, before)
	}
	return e.current()
}

// replace tells the other tabs only of an epoch that they can read: without
// storage they would answer one another for ever.
func (e *epoch) replace(session string, before []string) {
	next := session + "." + strconv.FormatUint(e.random(), 36)
	for _, name := range before[:min(len(before), maxPredecessors)] {
		next += "-" + name
	}
	e.local.SetItem(e.key, next)
	if e.current() == next {
		e.channel.Send(messageEpoch)
	}
}

// checkEpoch drops the tokens that were minted in another epoch.
func (t *Tab) checkEpoch() {
	b, epoch := &t.binding, t.epoch.current()
	if epoch == b.record.Epoch || b.state.Status == Starting {
		return
	}
	b.record.Epoch, b.record.Held = epoch, nil
	t.mints.abortAll(errOutdated)
	session := epochSession(epoch)
	switch {
	case epoch != "" && session == "":
		t.signedOut(nil)
		return
	case b.record.Session != "" && slices.Contains(epochPredecessors(epoch), b.record.Session):
		b.record.Session = session // the same person goes on under it
	case session != b.record.Session:
		t.deactivate(Starting, nil)
	}
	t.save()
	t.checkSoon()
}

// soon looks where the tab stands. A hidden tab puts that off, so that a browser's tabs
// do not all ask at once, until somebody looks or asks; see [timers.cancelDelayed].
func (t *Tab) checkSoon() {
	if t.timers.cancelDelayed() {
		go t.settle()
	}
	if !t.env.Page.Hidden() {
		go t.settle()
		return
	}
	t.timers.delayed = time.AfterFunc(randomPart(spread, t.env.Random()), t.settle)
}

// Hear takes in what another tab said.
func (t *Tab) OnMessage(message string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch message {
	case messageSlept:
		t.checkSleep()
	case messageEpoch:
		t.checkEpoch()
		if t.epoch.current() == "" && t.binding.state.Status != Starting {
			t.binding.record.Held = nil
			t.checkSoon()
		}
	}
}
