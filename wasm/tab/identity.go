package tab

import (
	"strconv"
	"time"
)

// lockTimeout bounds the wait for an answer about a lock.
const lockTimeout = time.Second

// lease is the lock on the tab's id; nil while it is not held.
type tabLock func()

func (l *tabLock) release() {
	if *l != nil {
		(*l)()
		*l = nil
	}
}

// take locks a name. Without an answer about locks it counts as free: the tab's id is
// a label, and nothing's safety rests on it.
func tryLock(locks Locks, name string) (l tabLock, free bool) {
	if locks == nil {
		return func() {}, true
	}
	release, free, err := locks.Take(name, lockTimeout)
	if err != nil || release == nil {
		release = func() {}
	}
	return release, free || err != nil
}

// claim takes the tab's id. A copied tab finds it taken: it takes one of its
// own and keeps the organization.
func (t *Tab) claimID() {
	t.mu.Lock()
	id, had := t.binding.record.Tab, t.lock != nil
	t.mu.Unlock()
	if had {
		return
	}
	name := t.config.Key + ":tab:"
	l, free := tabLock(func() {}), false
	if id != "" {
		l, free = tryLock(t.env.Locks, name+id)
	}
	if !free {
		id = strconv.FormatUint(t.env.Random(), 36) + strconv.FormatUint(t.env.Random(), 36)
		l, _ = tryLock(t.env.Locks, name+id)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.binding.record.Tab, t.lock = id, l
	t.save()
}

// Freeze is called when the page is left and may be kept for the way back. A
// page that holds a lock that another waits for is not kept.
func (t *Tab) OnPageHide() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lock.release()
	if t.env.Session.Item(t.config.Key) != "" { // what the app cleared stays so
		t.save() // the last input
	}
}

// Thaw is called when the page was kept and is shown again.
func (t *Tab) OnPageShow() {
	t.claimID()
	t.OnVisible(true)
}
