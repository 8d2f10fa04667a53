package tab

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// The browser's epoch is an item in the storage that all tabs share: the session
// that lives (empty: none), a random number, and the sessions of the same person in whose
// place it came by step-ups. It is no secret. Every sign-in
// and sign-out replaces it, and a token is handed out only under the epoch in
// which it was minted: a tab restored after a sign-out elsewhere shows nothing.

// What tabs tell each other. A message carries no data.
const (
	lookAgain = "look again" // somebody signed in or out
	woke      = "woke"       // the computer slept
)

func (t *Tab) epochKey() string { return t.config.Key + ":epoch" }

// epoch is the browser's epoch, empty where there is none or storage is blocked.
func (t *Tab) epoch() string { return t.world.Local.Item(t.epochKey()) }

// epochSession is the session of an epoch.
func epochSession(epoch string) string {
	return epoch[:max(0, strings.LastIndexByte(epoch, '.'))]
}

// maxBefore is how many sessions an epoch names in whose place its own came.
const maxBefore = 4

// epochBefore are the sessions in whose place an epoch's came, the last first.
func epochBefore(epoch string) []string {
	_, names, _ := strings.Cut(epoch[strings.LastIndexByte(epoch, '.')+1:], "-")
	return strings.FieldsFunc(names, func(r rune) bool { return r == '-' })
}

// goesOn reports whether an epoch's session came in the place of the one that the tab
// knows: the same person goes on under it.
func (t *Tab) goesOn(epoch string) bool {
	return t.record.Session != "" && slices.Contains(epochBefore(epoch), t.record.Session)
}

// enterEpoch ties the record to the browser's epoch, and begins a new one where
// the session has just begun. before is the session that the tab knew: where it is the
// epoch's, the same person goes on.
func (t *Tab) enterEpoch(before string) {
	if epoch := t.epoch(); epochSession(epoch) != t.record.Session {
		var all []string
		if before != "" && epochSession(epoch) == before {
			all = append([]string{before}, epochBefore(epoch)...)
		}
		t.replaceEpoch(t.record.Session, all)
	}
	t.record.Epoch = t.epoch()
}

// leaveEpoch begins a new epoch because something was signed out; session is
// the one that lives on, or empty.
func (t *Tab) leaveEpoch(session string) {
	epoch := t.epoch()
	if of := epochSession(epoch); of != "" {
		var before []string
		if of == session {
			before = epochBefore(epoch)
		}
		t.replaceEpoch(session, before)
	}
	t.record.Epoch = t.epoch()
}

// replaceEpoch tells the other tabs only of an epoch that they can read: without
// storage they would answer one another for ever.
func (t *Tab) replaceEpoch(session string, before []string) {
	epoch := session + "." + strconv.FormatUint(t.world.Random(), 36)
	for _, name := range before[:min(len(before), maxBefore)] {
		epoch += "-" + name
	}
	t.world.Local.SetItem(t.epochKey(), epoch)
	if t.epoch() == epoch {
		t.world.Channel.Send(lookAgain)
	}
}

// heed leaves behind what was minted in another epoch.
func (t *Tab) heed() {
	epoch := t.epoch()
	if epoch == t.record.Epoch || t.state.Status == Starting {
		return
	}
	t.record.Epoch, t.record.Held = epoch, nil
	t.abortAll(again)
	session := epochSession(epoch)
	switch {
	case epoch != "" && session == "":
		t.signedOut(nil)
		return
	case t.goesOn(epoch):
		t.record.Session = session
	case session != t.record.Session:
		t.takeOff(Starting, nil)
	}
	t.save()
	t.soon()
}

// soon looks where the tab stands. A hidden tab puts that off, so that a browser's tabs
// do not all ask at once, until somebody looks or asks; see hasten.
func (t *Tab) soon() {
	t.hasten()
	if !t.world.Page.Hidden() {
		go t.settle()
		return
	}
	t.later = time.AfterFunc(fraction(apart, t.world.Random()), t.settle)
}

// hasten does now what soon put off.
func (t *Tab) hasten() {
	if t.later != nil && t.later.Stop() {
		go t.settle()
	}
	t.later = nil
}

// Hear takes in what another tab said.
func (t *Tab) Hear(message string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch message {
	case woke:
		t.wake()
	case lookAgain:
		t.heed()
		if t.epoch() == "" && t.state.Status != Starting {
			t.record.Held = nil
			t.soon()
		}
	}
}
