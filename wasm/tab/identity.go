package tab

import (
	"strconv"
	"time"
)

// lockTimeout bounds the wait for the browser's answer about a lock.
const lockTimeout = time.Second

// tabLock releases the lock on the tab's id; nil while the tab has none.
type tabLock func()

func (l *tabLock) release() {
	if *l != nil {
		(*l)()
		*l = nil
	}
}

// tryLock locks a name. If the browser does not answer, the name counts as free: the
// tab's id is a label, and no security rests on it.
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

// claimID locks the tab's id. A duplicated tab finds it locked: it makes a new id and
// keeps the organization.
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

// OnPageHide is called when the page is left and may go into the back/forward cache. It
// releases the lock, because browsers evict a page that holds one that another page
// waits for.
func (t *Tab) OnPageHide() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lock.release()
	if t.env.Session.Item(t.config.Key) != "" { // if the app cleared it, it stays cleared
		t.save() // with the last input
	}
}

// OnPageShow is called when the page is shown again from the back/forward cache.
func (t *Tab) OnPageShow() {
	t.claimID()
	t.confirm()
	t.OnVisible(true)
}
