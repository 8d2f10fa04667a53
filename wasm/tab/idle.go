package tab

import (
	"math"
	"time"
)

// An organization may end its sessions when nobody does anything. The backend
// decides by what it was told: the tab reports how long ago the person did something
// there, and asks before it warns, for a sibling tab may know better.

// activity is when the person last did something here (clock.now), or noInput.
type activity time.Duration

// noInput is the time of an input that there was none of.
const noInput activity = math.MinInt64

// The warning comes in the last part of the idle limit, a minute at most.
const warnShare, maxWarning = 4, time.Minute

// recalled is when an input was that the record knows of.
func inputFromRecord(unixMillis int64, c *clock) activity {
	age := c.Wall() - time.Duration(unixMillis)*time.Millisecond
	if unixMillis == 0 || age < 0 {
		return noInput
	}
	return activity(c.now() - age)
}

// unixMillis is when it was by the wall clock, for the record.
func (a activity) unixMillis(c *clock) int64 {
	return (c.Wall() - (c.now() - time.Duration(a))).Milliseconds()
}

// seconds is how long ago it was, for a request; nil where the tab does not know.
func (a activity) seconds(now time.Duration) *int64 {
	if a == noInput {
		return nil
	}
	seconds := int64((now - time.Duration(a)) / time.Second)
	return &seconds
}

// Input is called when the person does something in the page. It counts for the
// organization that the tab wears.
func (t *Tab) OnInput() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.checkSleep()
	t.binding.input = activity(t.clock.now())
	t.updateIdle()
}

// recount tells the page anew how long is left, and plans what is due. Before it is
// known where the tab stands the page shows what it did when it was left.
func (t *Tab) updateIdle() {
	if s := &t.binding.state; s.Status != Starting {
		t.show(s.Status, s.Error)
	}
}

// limit is how long the organization lets a person be idle; 0 where it does not mind.
func (h *heldToken) idleLimit() time.Duration {
	return time.Duration(h.answer.OrganizationSession.IdleTimeout) * time.Second
}

// idleEnd is when the organization session ends, for all that the backend was told.
func (h *heldToken) idleEnd() time.Duration {
	return h.received + time.Duration(h.answer.OrganizationSession.IdleExpiresIn)*time.Second
}

func (h *heldToken) warnAt() time.Duration {
	return h.idleEnd() - min(h.idleLimit()/warnShare, maxWarning)
}

// secondsLeft is how long the organization session still has unless the person does
// something; 0 while there is no reason to warn.
func (b *binding) secondsLeft(now time.Duration) int64 {
	h := b.find(b.wanted)
	if b.state.Status != Active || h == nil || h.idleLimit() == 0 || h.received < h.warnAt() || b.input > h.reportedInput {
		return 0
	}
	return max(1, int64((h.idleEnd()-now+time.Second-1)/time.Second))
}
