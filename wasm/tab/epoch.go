package tab

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// epoch is an item in the storage that all tabs of the origin share. It consists of the
// current session (empty for none), a random number, and the sessions that step-ups of
// the same person replaced. It is not secret. Every sign-in and sign-out replaces it,
// and a token is handed out only in the epoch in which it was minted: a tab that is
// restored after a sign-out elsewhere shows no data.
type epoch struct {
	local   Storage
	key     string
	channel Channel
	random  func() uint64
	person  string // whose epoch it is, where several people can be signed in
}

// item returns the name of the epoch's item.
func (e *epoch) item() string {
	if e.person == "" {
		return e.key
	}
	return e.key + ":" + e.person
}

// tell tells the other tabs that somebody signed in or out.
func (e *epoch) tell() {
	if e.person == "" {
		e.channel.Send(messageEpoch)
		return
	}
	e.channel.Send(messageEpoch + " " + tag(e.person))
}

// The messages between tabs. They carry no data.
const (
	messageEpoch = "look again" // somebody signed in or out
	messageSlept = "woke"       // the computer slept
)

// current returns the epoch; empty if there is none or storage is blocked.
func (e *epoch) current() string { return e.local.Item(e.item()) }

// epochSession returns the session of an epoch.
func epochSession(epoch string) string {
	return epoch[:max(0, strings.LastIndexByte(epoch, '.'))]
}

// maxPredecessors is the most replaced sessions that an epoch names.
const maxPredecessors = 4

// epochPredecessors returns the sessions that an epoch's session replaced, the latest
// first.
func epochPredecessors(epoch string) []string {
	_, names, _ := strings.Cut(epoch[strings.LastIndexByte(epoch, '.')+1:], "-")
	return strings.FieldsFunc(names, func(r rune) bool { return r == '-' })
}

// ensure returns the epoch of a session, and begins a new one if the session is new.
// before is the session that the tab knew: if it is the current epoch's, a step-up has
// replaced it, and the same person goes on.
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

// renew begins a new epoch after a sign-out, and returns it; session is the one that
// remains, or empty.
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

// replace stores a new epoch. It notifies the other tabs only if they can read it:
// without storage they would notify each other for ever.
func (e *epoch) replace(session string, before []string) {
	next := session + "." + strconv.FormatUint(e.random(), 36)
	for _, name := range before[:min(len(before), maxPredecessors)] {
		next += "-" + name
	}
	e.local.SetItem(e.item(), next)
	if e.current() == next {
		e.tell()
	}
}

// checkEpoch drops the tokens that were minted in another epoch, and shows a sign-out.
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
		b.record.Session = session // a step-up replaced it; the same person goes on
	case session != b.record.Session:
		t.deactivate(Starting, nil)
	}
	t.save()
	t.checkSoon()
}

// checkSoon settles the tab again: at once in a visible tab, after a random delay in a
// hidden one, so that hidden tabs do not all send a request at once. See
// [timers.cancelDelayed].
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

// OnMessage handles a message of another tab.
func (t *Tab) OnMessage(message string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if of, tagged := strings.CutPrefix(message, messageEpoch+" "); tagged && t.concerns(of) {
		message = messageEpoch
	}
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
