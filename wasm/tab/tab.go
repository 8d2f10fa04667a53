// Package tab is the logic of one browser tab: its organization, its tokens, and how it
// reacts to the backend, the person, the clock and other tabs.
//
// It is plain Go. The browser is behind the small interfaces of [Env], so that all of
// it is tested natively; wasm/browser implements them.
//
// [Tab] has the one mutex, and its methods are the events. They work with values that
// have no mutex, start no goroutine and do not know Tab: the binding (over record.go
// and held_token.go), the mints and the calls under way, the browser's epoch and its
// device key, the backoff and the timers.
//
// Read in the order of a tab's life: token.go, binding.go, mint.go, request.go,
// switch.go, signin.go, epoch.go, events.go.
package tab

import (
	"slices"
	"sync"

	"github.com/tabard-auth/tabard/backend/api"
)

// Config is the client's configuration, set by the page.
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
	// Organization is the id or slug that the page names, by an option or by its route.
	// It takes precedence over the record.
	Organization string
	// Account is the id of the person whom the page's address names, where several can be
	// signed in.
	Account string
	// Arrival is the error code of a sign-in that came back without a session.
	Arrival api.Code
	// Origin is the page's, and Join the code with which a page of another origin led to it,
	// if one did.
	Origin, Join string
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
	answered  bool // the backend has answered; see [Error.isSetup]
	timers    timers
	lock      tabLock       // of the tab's id
	published string        // state as last published
	changed   chan struct{} // closed when state changes
	closed    bool
}

// New returns a tab in the state that the record has. It sends no request before
// [Tab.Start].
func New(config Config, env Env) *Tab {
	t := &Tab{
		config: config, env: env, clock: newClock(env.Clock),
		epoch: epoch{local: env.Local, key: config.Key + ":epoch", channel: env.Channel, random: env.Random},
		mints: mints{}, calls: calls{}, device: device{browser: env.Device, keys: map[string]Key{}}, changed: make(chan struct{}),
	}
	r, shownBefore := load(env, config.Key, &t.epoch, &t.clock)
	switch a := config.Account; {
	case a == "" || r.NewKey == "" && !slices.Contains(t.known(), a): // anybody can write an address
	case a != r.User.ID || r.NewKey != "":
		shownBefore = ""
		r.become(a)
	default:
		r.Several, r.Look = true, true // the person may have signed in again
	}
	t.binding = newBinding(config, r, shownBefore, inputFromRecord(r.Input, &t.clock))
	t.bindPerson()
	return t
}

// Start locks the tab's id and settles the tab. It returns when [State.Status] is no
// longer [Starting].
func (t *Tab) Start() {
	t.claimID()
	t.followAddress()
	t.mu.Lock()
	t.readNote()
	pending := t.binding.resolveWanted(t.config)
	t.save()
	t.clearNote()
	t.mu.Unlock()
	if pending != "" {
		switch r := t.switchHere(pending); {
		case r.Status == Switched:
			t.epoch.tell() // a tab may wait for the step-up
		case r.Error.deniesEntry() && r.Error.Code != api.OriginNotJoined:
			t.showDenied(pending, r.Error)
		}
	}
	if !t.resume() {
		t.settle()
	}
}

// resume activates a token from the record, if one is still valid. It reports whether
// the tab is settled.
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

// settle finds the tab's organization and status, and shows them: it mints for the
// organization of the binding, or for the person's only one, or offers a choice. It
// forgets an organization that an earlier person left in the tab.
func (t *Tab) settle() {
	b := &t.binding
	t.mu.Lock()
	wanted, trusted := b.wanted, b.trustsWanted()
	t.mu.Unlock()
	_, err := t.mint(wanted, false)
	if err != nil && err.Code == api.OriginNotJoined {
		if !t.join(err) {
			return
		}
		_, err = t.mint(wanted, false)
	}
	if err != nil && err.Code == api.OrganizationAccessDenied && !trusted {
		t.mu.Lock()
		b.wanted, b.record.Organization = "", ""
		t.show(Starting, nil)
		t.mu.Unlock()
		_, err = t.mint("", false)
	}
	switch {
	case err == nil:
	case err.deniesEntry():
		t.showDenied(wanted, err)
	case err.Action == api.StepUp:
		t.nameEnded(err)
	default:
		t.offer(err)
	}
}

// offer lets the person choose what a mint was refused without.
func (t *Tab) offer(err *Error) {
	switch {
	case err == nil:
	case err.Code == api.OrganizationRequired:
		t.showChoice(err)
	case err.Code == api.AccountRequired:
		t.showAccounts(err)
	}
}

// Close ends the client: it aborts all requests and releases the tab's id.
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
