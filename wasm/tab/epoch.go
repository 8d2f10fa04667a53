package tab

import (
	"strconv"
	"strings"
	"time"
)

// epoch is the browser's: an item in the storage that all tabs share, of the session
// that lives (empty: none) and a random number. It is no secret. Every sign-in
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
	lookAgain = "look again" // somebody signed in or out
	woke      = "woke"       // the computer slept
)

// now is the epoch, empty where there is none or storage is blocked.
func (e *epoch) now() string { return e.local.Item(e.key) }

// epochSession is the session of an epoch.
func epochSession(epoch string) string {
	return epoch[:max(0, strings.LastIndexByte(epoch, '.'))]
}

// enter returns the epoch of a session: a new one where it has just begun.
func (e *epoch) enter(session string) string {
	if epochSession(e.now()) != session {
		e.replace(session)
	}
	return e.now()
}

// leave begins a new epoch because something was signed out, and returns it; session is
// the one that lives on, or empty.
func (e *epoch) leave(session string) string {
	if epochSession(e.now()) != "" {
		e.replace(session)
	}
	return e.now()
}

// replace tells the other tabs only of an epoch that they can read: without
// storage they would answer one another for ever.
func (e *epoch) replace(session string) {
	next := session + "." + strconv.FormatUint(e.random(), 36)
	e.local.SetItem(e.key, next)
	if e.now() == next {
		e.channel.Send(lookAgain)
	}
}

// heed leaves behind what was minted in another epoch.
func (t *Tab) heed() {
	w, epoch := &t.wardrobe, t.epoch.now()
	if epoch == w.record.Epoch || w.state.Status == Starting {
		return
	}
	w.record.Epoch, w.record.Held = epoch, nil
	t.mints.abortAll(again)
	session := epochSession(epoch)
	switch {
	case epoch != "" && session == "":
		t.signedOut(nil)
		return
	case session != w.record.Session:
		t.takeOff(Starting, nil)
	}
	t.save()
	t.soon()
}

// soon looks where the tab stands. A hidden tab puts that off, so that a browser's tabs
// do not all ask at once, until somebody looks or asks; see [alarm.hasten].
func (t *Tab) soon() {
	if t.alarm.hasten() {
		go t.settle()
	}
	if !t.world.Page.Hidden() {
		go t.settle()
		return
	}
	t.alarm.later = time.AfterFunc(fraction(apart, t.world.Random()), t.settle)
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
		if t.epoch.now() == "" && t.wardrobe.state.Status != Starting {
			t.wardrobe.record.Held = nil
			t.soon()
		}
	}
}
