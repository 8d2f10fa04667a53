package tab

import "time"

// alarm is what the tab does of its own accord, later.
type timers struct {
	next    *time.Timer // of what is due; see schedule
	delayed *time.Timer // of what checkSoon delayed
}

func (a *timers) stop() {
	if a.next != nil {
		a.next.Stop()
		a.next = nil
	}
}

// hasten takes back what checkSoon delayed, and tells whether it is to be done now.
func (a *timers) cancelDelayed() bool {
	stopped := a.delayed != nil && a.delayed.Stop()
	a.delayed = nil
	return stopped
}

// apart is the time over which a browser's hidden tabs spread what they would all do at
// the same moment.
const spread = 20 * time.Second

// plan sets the timer for what is due next. Timers are only hints: a hidden tab
// renews only when asked, and expiry is checked whenever a token is asked for.
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
		wait = randomPart(spread, t.env.Random()) // it slept, or was offline, with all the others
	}
	t.timers.next = time.AfterFunc(max(0, wait), t.onTimer)
}

// due is when the tab has something to do of its own accord: to renew, to try
// again, or to say that its token has expired meanwhile. Before until a backend that
// failed is not asked again.
func (b *binding) due(until time.Duration) (at time.Duration, ok bool) {
	h := b.find(b.wanted)
	switch {
	case b.state.Status == Unavailable:
		return until, true
	case b.state.Status != Active:
		return 0, false
	case h == nil:
		return 0, true
	case h.expires < until:
		return h.expires, true
	}
	return max(b.renewalTime(h), until), true
}

// tick does what is due.
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
