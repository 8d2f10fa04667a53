// Package tab is the logic of one browser tab: which organization it wears,
// which tokens it holds, and what it does when the backend, the person, the
// clock or another tab interferes.
//
// It is plain Go. The browser is behind the small interfaces of [Env], so the
// whole of it is tested natively; wasm/browser implements them for real.
//
// [Tab] has the one mutex, and its methods tell what happens. What they work with are
// values that have no mutex, start nothing and know no Tab: the binding (what the tab
// holds, wears and shows, over record.go and held.go), the mints and the calls under way,
// the browser's epoch and its device key, the pauses and the timers.
//
// Read on in the order of a tab's life: token.go, binding.go, mint.go, request.go,
// switch.go, signin.go, epoch.go, wake.go.
package tab

import (
	"sync"

	"github.com/tabard-auth/tabard/backend/api"
)

// Config is what the page says about its client.
type Config struct {
	// Backend is the backend's base URL: absolute, without a slash at its end.
	Backend string
	// Key names the client's items in storage, its lock and its channel.
	Key string
	// Release is the client's release, sent as [api.HeaderClient].
	Release string
	// App is the app's id; empty leaves it to the backend, which knows the
	// app by its origin.
	App string
	// Organization is the id or slug that the page names, by an option or by
	// its route. It goes before everything that the tab remembers.
	Organization string
	// Arrival is the code with which a sign-in came back without a session.
	Arrival api.Code
	// KeepAlive renews tokens even while the tab is hidden.
	KeepAlive bool
}

// Tab is one browser tab. Its methods may be called from any goroutine.
type Tab struct {
	config Config
	env    Env

	mu        sync.Mutex // guards all below
	clock     clock
	epoch     epoch
	binding   binding
	mints     mints
	calls     calls
	device    device
	switches  switches
	backoff   backoff
	timers    timers
	lock      tabLock       // of the tab's id
	published string        // state as last published
	changed   chan struct{} // closed when state changes
	closed    bool
}

// New returns the tab as the page's record left it. It asks nobody anything
// before [Tab.Start].
func New(config Config, env Env) *Tab {
	t := &Tab{
		config: config, env: env, clock: newClock(env.Clock),
		epoch: epoch{env.Local, config.Key + ":epoch", env.Channel, env.Random},
		mints: mints{}, calls: calls{}, device: device{browser: env.Device}, changed: make(chan struct{}),
	}
	r, shownBefore := load(env, config.Key, t.epoch.current(), &t.clock)
	t.binding = newBinding(config, r, shownBefore, inputFromRecord(r.Input, &t.clock))
	return t
}

// Start takes the tab's id and finds out where the tab stands. It returns when
// [State.Status] has left [Starting].
func (t *Tab) Start() {
	t.claimID()
	t.mu.Lock()
	pending := t.binding.resolveWanted(t.config)
	t.save()
	t.mu.Unlock()
	if pending != "" {
		t.Switch(pending)
	}
	if !t.resume() {
		t.settle()
	}
}

// resume goes on with a token from the record, if one still lives. It tells
// whether the tab stands somewhere.
func (t *Tab) resume() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.binding.state.Status != Starting {
		return true
	}
	h := t.binding.find(t.binding.wanted)
	if !h.usable(t.clock.now()) {
		return false
	}
	t.activate(h)
	t.save()
	return true
}

// settle finds out where the tab stands and shows it: it mints for the
// organization that the tab wears, or for the person's only one, or offers them
// all to choose from. One that an earlier person left in the tab it forgets.
func (t *Tab) settle() {
	b := &t.binding
	t.mu.Lock()
	wanted, trusted := b.wanted, b.trustsWanted()
	t.mu.Unlock()
	_, err := t.mint(wanted, false)
	if err != nil && err.Code == api.OrganizationAccessDenied && !trusted {
		t.mu.Lock()
		b.wanted, b.record.Organization = "", ""
		t.show(Starting, nil)
		t.mu.Unlock()
		_, err = t.mint("", false)
	}
	switch {
	case err == nil:
	case err.Code == api.OrganizationRequired:
		t.showChoice()
	case err.Action == api.StepUp:
		t.nameEnded()
	}
}

// Close ends the client: nothing is under way any more, the tab's id is free.
func (t *Tab) Close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return
	}
	t.closed = true
	t.mints.abortAll(errClosed)
	t.calls.cancelAll(errClosed)
	t.timers.stop()
	if t.timers.delayed != nil {
		t.timers.delayed.Stop()
	}
	t.lock.release()
	close(t.changed)
}
