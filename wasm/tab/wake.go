package tab

// wake aborts what was under way while the computer slept, in every tab, before
// anything new is sent: its requests and answers are older than they look.
func (t *Tab) wake() {
	if !t.clock.woke() {
		return
	}
	t.world.Channel.Send(woke)
	t.abortAll(again)
	t.hangUpAll(again)
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
	if online {
		t.hurry()
	}
	t.wake()
	t.heed()
	if !t.world.Page.Hidden() {
		t.hasten()
	}
	t.recount()
}

// Hide is called when the page is hidden: timers stop.
func (t *Tab) Hide() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.plan()
}
