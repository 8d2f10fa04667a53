package tab

import (
	"context"
	"strconv"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
)

// lockTimeout bounds the wait for an answer about a lock.
const lockTimeout = time.Second

// wake aborts what was under way while the computer slept, in every tab, before
// anything new is sent: its requests and answers are older than they look.
func (t *Tab) wake() {
	if !t.clock.woke() {
		return
	}
	t.world.Channel.Send(woke)
	t.abortAll(again)
	t.hurry()
}

// hurry ends the pause after a fault, unless the backend asked for it.
func (t *Tab) hurry() {
	if t.backoff.err != nil && t.backoff.err.RetryAfter == 0 {
		t.backoff.until = 0
	}
}

// Look is called when the page is shown, focused or online again: it takes in
// what happened meanwhile.
func (t *Tab) Look(online bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.state.Status == Starting {
		return
	}
	if online {
		t.hurry()
	}
	t.wake()
	t.heed()
	t.plan()
}

// Hide is called when the page is hidden: timers stop.
func (t *Tab) Hide() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.plan()
}

// Freeze is called when the page is left and may be kept for the way back. A
// page that holds a lock that another waits for is not kept.
func (t *Tab) Freeze() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.release()
}

// Thaw is called when the page was kept and is shown again.
func (t *Tab) Thaw() {
	t.claim()
	t.Look(true)
}

// claim takes the tab's id. A copied tab finds it taken: it takes one of its
// own and keeps the organisation.
func (t *Tab) claim() {
	t.mu.Lock()
	id, held := t.record.Tab, t.unlock != nil
	t.mu.Unlock()
	if held {
		return
	}
	release, free := func() {}, false
	if id != "" {
		release, free = t.take(id)
	}
	if !free {
		id = strconv.FormatUint(t.world.Random(), 36) + strconv.FormatUint(t.world.Random(), 36)
		release, _ = t.take(id)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.record.Tab, t.unlock = id, release
	t.save()
}

// take locks an id. Without an answer about locks the id counts as free: it is
// a label, and nothing's safety rests on it.
func (t *Tab) take(id string) (release func(), free bool) {
	if t.world.Locks == nil {
		return func() {}, true
	}
	ctx, cancel := context.WithTimeout(t.ctx, lockTimeout)
	defer cancel()
	release, free, err := t.world.Locks.Take(ctx, t.config.Key+":tab:"+id)
	if err != nil || release == nil {
		release = func() {}
	}
	return release, free || err != nil
}

func (t *Tab) release() {
	if t.unlock != nil {
		t.unlock()
		t.unlock = nil
	}
}

// Organizations asks who is signed in and which organisations there are to
// enter, and shows them in the state.
func (t *Tab) Organizations() ([]api.OrganizationState, *Error) {
	session, err := t.inquire()
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.state.Organizations = session.Organizations
	t.show(t.state.Status, t.state.Error)
	return session.Organizations, nil
}

// offer lets the person choose.
func (t *Tab) offer() {
	session, err := t.inquire()
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case err == nil:
		t.state.Organizations, t.state.User = session.Organizations, session.User
		t.takeOff(Choose, nil)
	case t.state.Status == Starting:
		t.show(Unavailable, err)
	}
}

// inquire asks who is signed in. It mints nothing.
func (t *Tab) inquire() (api.SessionResponse, *Error) {
	t.mu.Lock()
	t.wake()
	epoch := t.epoch()
	t.mu.Unlock()
	v, err := t.send(t.ctx, "GET", api.PathSession, "")
	t.mu.Lock()
	defer t.mu.Unlock()
	session := DecodeSessionResponse(v)
	switch {
	case t.epoch() != epoch:
		return session, overtaken
	case err == nil && session.User.ID == "":
		err = unreachable("the answer lacks the person")
	case err == nil && t.record.User.ID != "" && t.record.User.ID != session.User.ID:
		err = newError(api.IdentityChanged, "somebody else has signed in")
	}
	if err != nil {
		t.refused("", err)
		return session, err
	}
	t.backoff = backoff{}
	return session, nil
}
