package tab

import (
	"strconv"
	"time"
)

// lockTimeout bounds the wait for an answer about a lock.
const lockTimeout = time.Second

// claim takes the tab's id. A copied tab finds it taken: it takes one of its
// own and keeps the organisation.
func (t *Tab) claim() {
	t.mu.Lock()
	id, held := t.record.Tab, t.unlock != nil
	t.mu.Unlock()
	if held {
		return
	}
	release, free := func() {}, false
	if id != "" {
		release, free = t.take(id)
	}
	if !free {
		id = strconv.FormatUint(t.world.Random(), 36) + strconv.FormatUint(t.world.Random(), 36)
		release, _ = t.take(id)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.record.Tab, t.unlock = id, release
	t.save()
}

// take locks an id. Without an answer about locks the id counts as free: it is
// a label, and nothing's safety rests on it.
func (t *Tab) take(id string) (release func(), free bool) {
	if t.world.Locks == nil {
		return func() {}, true
	}
	release, free, err := t.world.Locks.Take(t.config.Key+":tab:"+id, lockTimeout)
	if err != nil || release == nil {
		release = func() {}
	}
	return release, free || err != nil
}

func (t *Tab) release() {
	if t.unlock != nil {
		t.unlock()
		t.unlock = nil
	}
}

// Freeze is called when the page is left and may be kept for the way back. A
// page that holds a lock that another waits for is not kept.
func (t *Tab) Freeze() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.release()
	if t.world.Session.Item(t.config.Key) != "" { // what the app cleared stays so
		t.save() // the last input
	}
}

// Thaw is called when the page was kept and is shown again.
func (t *Tab) Thaw() {
	t.claim()
	t.Look(true)
}
