package tab

// wake aborts what was under way while the computer slept, in every tab, before
// anything new is sent: its requests and answers are older than they look.
func (t *Tab) checkSleep() {
	if !t.clock.detectSleep() {
		return
	}
	t.env.Channel.Send(messageSlept)
	t.mints.abortAll(errOutdated)
	t.calls.cancelAll(errOutdated)
	t.backoff.endPause()
}

// Look is called when the page is shown, focused or online again: it takes in
// what happened meanwhile.
func (t *Tab) OnVisible(online bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if online {
		t.backoff.endPause()
	}
	t.checkSleep()
	t.checkEpoch()
	if !t.env.Page.Hidden() && t.timers.cancelDelayed() {
		go t.settle()
	}
	t.updateIdle()
}

// Hide is called when the page is hidden: timers stop.
func (t *Tab) OnHidden() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.schedule()
}
