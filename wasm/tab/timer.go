package tab

import "time"

// timers are the tab's own later actions.
type timers struct {
	next    *time.Timer // for the next action; see schedule
	delayed *time.Timer // of checkSoon in a hidden tab
}

func (a *timers) stop() {
	if a.next != nil {
		a.next.Stop()
		a.next = nil
	}
}

// cancelDelayed cancels the delayed check of checkSoon, and reports whether there was
// one; the caller then does it now.
func (a *timers) cancelDelayed() bool {
	stopped := a.delayed != nil && a.delayed.Stop()
	a.delayed = nil
	return stopped
}

// spread is the time over which hidden tabs distribute the actions that they would all
// take at the same moment.
const spread = 20 * time.Second

// schedule sets the timer for the next action. Timers are only hints: a hidden tab
// renews only on demand, and every request for a token checks its expiry.
func (t *Tab) schedule() {
	t.timers.stop()
	at, ok := t.binding.due(t.backoff.until)
	if !ok || t.closed || t.env.Page.Hidden() && !t.config.KeepAlive {
		return
	}
	if t.binding.state.Idle > 0 {
		at = min(at, t.clock.now()+time.Second)
	}
	wait := at - t.clock.now()
	if wait <= 0 && t.env.Page.Hidden() {
		wait = randomPart(spread, t.env.Random()) // all tabs slept, or were offline, together
	}
	t.timers.next = time.AfterFunc(max(0, wait), t.onTimer)
}

// due returns when the tab has to act by itself: to renew, to try again, or to show
// that its token has expired. A backend that failed gets no request before until.
func (b *binding) due(until time.Duration) (at time.Duration, ok bool) {
	h := b.find(b.wanted)
	switch {
	case b.state.Status == Unavailable:
		return until, true
	case b.choosesAmongOrigins():
		return max(b.listed+staleAfter, until), true
	case b.state.Status != Active:
		return 0, false
	case h == nil:
		return 0, true
	case h.expires < until:
		return h.expires, true
	}
	return max(b.renewalTime(h), until), true
}

// onTimer takes the action that is due.
func (t *Tab) onTimer() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.checkSleep()
	at, ok := t.binding.due(t.backoff.until)
	now := t.clock.now()
	switch {
	case !ok || now < at:
		t.updateIdle()
	case now < t.backoff.until:
		t.show(Unavailable, t.backoff.err)
	default:
		go t.settle()
	}
}
