package tab

// checkSleep aborts the requests that were under way while the computer slept, in every
// tab, before new ones are sent: their responses are older than they look.
func (t *Tab) checkSleep() {
	if !t.clock.detectSleep() {
		return
	}
	t.env.Channel.Send(messageSlept)
	t.mints.abortAll(errOutdated)
	t.calls.cancelAll(errOutdated)
	t.backoff.endPause()
}

// OnVisible is called when the page is shown, focused or online again. It catches up
// with the time in between.
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

// OnHidden is called when the page is hidden. It stops the timers.
func (t *Tab) OnHidden() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.schedule()
}
