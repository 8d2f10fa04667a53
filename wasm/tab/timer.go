package tab

import "time"

// apart is the time over which a browser's hidden tabs spread what they would all do at
// the same moment.
const apart = 20 * time.Second

// plan sets the timer for what is due next. Timers are only hints: a hidden tab
// renews only when asked, and expiry is checked whenever a token is asked for.
func (t *Tab) plan() {
	t.rest()
	at, ok := t.due()
	if !ok || t.closed || t.world.Page.Hidden() && !t.config.KeepAlive {
		return
	}
	if t.state.Idle > 0 {
		at = min(at, t.clock.now()+time.Second)
	}
	wait := at - t.clock.now()
	if wait <= 0 && t.world.Page.Hidden() {
		wait = fraction(apart, t.world.Random()) // it slept, or was offline, with all the others
	}
	t.timer = time.AfterFunc(max(0, wait), t.tick)
}

// due is when the tab has something to do of its own accord: to renew, to try
// again, or to say that its token has expired meanwhile.
func (t *Tab) due() (at time.Duration, ok bool) {
	h := t.find(t.wish)
	switch {
	case t.state.Status == Unavailable:
		return t.backoff.until, true
	case t.state.Status != Active:
		return 0, false
	case h == nil:
		return 0, true
	case h.expires < t.backoff.until:
		return h.expires, true
	}
	return max(t.renewal(h), t.backoff.until), true
}

// tick does what is due.
func (t *Tab) tick() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.wake()
	at, ok := t.due()
	now := t.clock.now()
	switch {
	case !ok || now < at:
		t.recount()
	case now < t.backoff.until:
		t.show(Unavailable, t.backoff.err)
	default:
		go t.settle()
	}
}

func (t *Tab) rest() {
	if t.timer != nil {
		t.timer.Stop()
		t.timer = nil
	}
}
