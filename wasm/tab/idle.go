package tab

import (
	"math"
	"time"
)

// An organization may end its sessions when the person is idle. The backend decides by
// the activity that tabs report: a tab reports how long ago the person did something
// there. It asks the backend before it warns, because a sibling tab may have reported
// later activity.

// activity is when the person last did something here (clock.now), or noInput.
type activity time.Duration

// noInput is the activity of a person who has done nothing yet.
const noInput activity = math.MinInt64

// The warning comes in the last part of the idle limit, at most a minute.
const warnShare, maxWarning = 4, time.Minute

// inputFromRecord returns the last input that the record has.
func inputFromRecord(unixMillis int64, c *clock) activity {
	age := c.Wall() - time.Duration(unixMillis)*time.Millisecond
	if unixMillis == 0 || age < 0 {
		return noInput
	}
	return activity(c.now() - age)
}

// unixMillis returns the activity by the wall clock, for the record.
func (a activity) unixMillis(c *clock) int64 {
	return (c.Wall() - (c.now() - time.Duration(a))).Milliseconds()
}

// seconds returns how long ago the activity was, for a request; nil if there was none.
func (a activity) seconds(now time.Duration) *int64 {
	if a == noInput {
		return nil
	}
	seconds := int64((now - time.Duration(a)) / time.Second)
	return &seconds
}

// OnInput is called when the person does something in the page. It is activity in the
// tab's organization.
func (t *Tab) OnInput() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.checkSleep()
	t.binding.input = activity(t.clock.now())
	t.updateIdle()
}

// updateIdle publishes the seconds that are left and schedules the next action. While
// the status is Starting it leaves the page as it was left.
func (t *Tab) updateIdle() {
	if s := &t.binding.state; s.Status != Starting {
		t.show(s.Status, s.Error)
	}
}

// idleLimit returns how long the organization allows a person to be idle; 0 for no
// limit.
func (h *heldToken) idleLimit() time.Duration {
	return time.Duration(h.answer.OrganizationSession.IdleTimeout) * time.Second
}

// idleEnd returns when the organization session ends, by the backend's last response.
func (h *heldToken) idleEnd() time.Duration {
	return h.received + time.Duration(h.answer.OrganizationSession.IdleExpiresIn)*time.Second
}

func (h *heldToken) warnAt() time.Duration {
	return h.idleEnd() - min(h.idleLimit()/warnShare, maxWarning)
}

// secondsLeft returns the time to the end of an idle organization session; 0 while no
// warning is due.
func (b *binding) secondsLeft(now time.Duration) int64 {
	h := b.find(b.wanted)
	if b.state.Status != Active || h == nil || h.idleLimit() == 0 || h.received < h.warnAt() || b.input > h.reportedInput {
		return 0
	}
	return max(1, int64((h.idleEnd()-now+time.Second-1)/time.Second))
}
