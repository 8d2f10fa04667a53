package tab

import (
	"strconv"
	"strings"
	"time"
)

// The browser's epoch is an item in the storage that all tabs share: the session
// that lives (empty: none) and a random number. It is no secret. Every sign-in
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

// enterEpoch ties the record to the browser's epoch, and begins a new one where
// the session has just begun.
func (t *Tab) enterEpoch() {
	if epochSession(t.epoch()) != t.record.Session {
		t.replaceEpoch(t.record.Session)
	}
	t.record.Epoch = t.epoch()
}

// leaveEpoch begins a new epoch because something was signed out; session is
// the one that lives on, or empty.
func (t *Tab) leaveEpoch(session string) {
	epoch := t.epoch()
	if epochSession(epoch) != "" {
		t.replaceEpoch(session)
	}
	t.record.Epoch = t.epoch()
}

// replaceEpoch tells the other tabs only of an epoch that they can read: without
// storage they would answer one another for ever.
func (t *Tab) replaceEpoch(session string) {
	epoch := session + "." + strconv.FormatUint(t.world.Random(), 36)
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
