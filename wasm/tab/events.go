package tab

import "time"

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
	if !t.env.Page.Hidden() && (t.timers.cancelDelayed() || t.resumeFinal() || t.isStale() || t.asksAgain()) {
		go t.settle()
	}
	t.updateIdle()
}

// staleAfter is the age at which a tab that is looked at again asks whether its session
// goes on.
const staleAfter = 30 * time.Second

// isStale reports whether the tab's token is old enough to ask again, and makes it due.
func (t *Tab) isStale() bool {
	h, now := t.binding.find(t.binding.wanted), t.clock.now()
	if t.binding.state.Status != Active || h == nil || now < h.received+t.binding.staleAfter() || now < t.backoff.until {
		return false
	}
	h.renewAt = min(h.renewAt, now)
	return true
}

// asksAgain reports whether a tab without an organization asks again when it is looked at:
// one that was denied may be admitted by now, or the person may have signed out elsewhere.
func (t *Tab) asksAgain() bool {
	b, now := &t.binding, t.clock.now()
	if b.choosesAmongOrigins() {
		return true
	}
	if !b.isDenied() || !isName(b.state.Denied) || now < max(b.listed+staleAfter, t.backoff.until) {
		return false
	}
	b.listed = now
	return true
}

// OnHidden is called when the page is hidden. It stops the timers.
func (t *Tab) OnHidden() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.schedule()
}
