package tab

import (
	"math"
	"time"
)

// An organisation may end its sessions when nobody does anything. The backend
// decides by what it was told: the tab reports how long ago the person did something
// there, and asks before it warns, for a sibling tab may know better.

// noInput is the time of an input that there was none of.
const noInput time.Duration = math.MinInt64

// The warning comes in the last part of the idle limit, a minute at most.
const warnShare, warnMost = 4, time.Minute

// Input is called when the person does something in the page. It counts for the
// organisation that the tab wears.
func (t *Tab) Input() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.wake()
	t.input = t.clock.now()
	t.recount()
}

// recount tells the page anew how long is left, and plans what is due. Before it is
// known where the tab stands the page shows what it did when it was left.
func (t *Tab) recount() {
	if t.state.Status != Starting {
		t.show(t.state.Status, t.state.Error)
	}
}

// idle is how long ago the person did something in an organisation, in seconds, for
// a request about it; nil where the tab does not know. Whoever enters has done
// something here.
func (t *Tab) idle(organization string, enter bool) *int64 {
	if t.input == noInput || !enter && !t.worn(organization) {
		return nil
	}
	seconds := int64((t.clock.now() - t.input) / time.Second)
	return &seconds
}

// limit is how long the organisation lets a person be idle; 0 where it does not mind.
func (h *held) limit() time.Duration {
	return time.Duration(h.answer.OrganizationSession.IdleTimeout) * time.Second
}

// idleEnd is when the organisation session ends, for all that the backend was told.
func (h *held) idleEnd() time.Duration {
	return h.got + time.Duration(h.answer.OrganizationSession.IdleExpiresIn)*time.Second
}

func (h *held) warnAt() time.Duration { return h.idleEnd() - min(h.limit()/warnShare, warnMost) }

// renewal is when to ask for the next token: when this one is old; by two thirds of
// the idle limit, to report that the person is active; and before a warning, to hear
// of sibling tabs.
func (t *Tab) renewal(h *held) time.Duration {
	at := h.renewAt
	if h.limit() == 0 || h != t.find(t.wish) {
		return at
	}
	if t.input > h.input {
		at = min(at, h.idleEnd()-h.limit()/3)
	}
	if h.got < h.warnAt() {
		at = min(at, h.warnAt())
	}
	return at
}

// secondsLeft is how long the organisation session still has unless the person does
// something; 0 while there is no reason to warn.
func (t *Tab) secondsLeft() int64 {
	h, now := t.find(t.wish), t.clock.now()
	if t.state.Status != Active || h == nil || h.limit() == 0 || h.got < h.warnAt() || t.input > h.input {
		return 0
	}
	return max(1, int64((h.idleEnd()-now+time.Second-1)/time.Second))
}
