// Package tab is the logic of one browser tab: which organisation it wears,
// which tokens it holds, and what it does when the backend, the person, the
// clock or another tab interferes.
//
// It is plain Go. The browser is behind the small interfaces of [World], so the
// whole of it is tested natively; wasm/browser implements them for real.
//
// Read on in the order of a tab's life: record.go, mint.go, token.go, switch.go,
// signin.go, epoch.go, wake.go.
package tab

import (
	"cmp"
	"sync"
	"time"

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
	world  World

	mu       sync.Mutex // guards all below
	clock    clock
	record   record
	wish     string // the organisation to wear, id or slug; empty while nobody named one
	state    State
	shown    string         // state as last published
	moved    chan struct{}  // closed when state changes
	calls    map[*call]bool // requests under way
	flights  map[string]*flight
	switches int   // numbers the switches, so that the last one wins
	entered  *held // what the last Enter had
	backoff  backoff
	timer    *time.Timer
	later    *time.Timer // of what soon put off
	unlock   func()      // releases the lock on the tab's id
	left     string      // person and organisation that the page showed when it was left; see stays
	closed   bool
	key      Key           // of the device, once it was had
	nonce    string        // for the next proof, as the backend gave it
	input    time.Duration // when the person last did something here (clock.now), or noInput
}

// New returns the tab as the page's record left it. It asks nobody anything
// before [Tab.Start].
func New(config Config, world World) *Tab {
	t := &Tab{
		config: config, world: world,
		calls: map[*call]bool{}, flights: map[string]*flight{}, moved: make(chan struct{}),
	}
	t.clock = newClock(world.Clock)
	t.record = t.load()
	t.input = t.recalled(t.record.Input)
	t.state = State{Status: Starting, Fence: t.record.Fence, Arrival: config.Arrival}
	if h := t.find(t.record.Organization); h != nil && (config.Organization == "" || names(h.organization(), config.Organization)) {
		t.state.Organization, t.state.User = h.organization(), h.answer.User
	}
	return t
}

// Start takes the tab's id and finds out where the tab stands. It returns when
// [State.Status] has left [Starting].
func (t *Tab) Start() {
	t.claim()
	if pending := t.aim(); pending != "" {
		t.Switch(pending)
	}
	if !t.resume() {
		t.settle()
	}
}

// aim settles which organisation the tab wears: the one that the page names,
// else the one that the tab remembers, else whichever the backend finds to be
// the person's only one. It returns the organisation of a switch that waits for
// the step-up from which the page comes back.
func (t *Tab) aim() (pending string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	pending = t.record.Pending
	elsewhere := t.config.Organization != "" && t.config.Organization != pending && !names(t.record.PendingKnown, t.config.Organization)
	if elsewhere || t.config.Arrival != "" {
		pending = ""
	}
	t.pend("")
	t.wish = cmp.Or(t.config.Organization, t.record.Organization)
	t.save()
	return pending
}

// resume goes on with a token from the record, if one still lives. It tells
// whether the tab stands somewhere.
func (t *Tab) resume() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.state.Status != Starting {
		return true
	}
	h := t.find(t.wish)
	if h == nil || !h.usable(t.clock.now()) {
		return false
	}
	t.wear(h)
	t.save()
	return true
}

// settle finds out where the tab stands and shows it: it mints for the
// organisation that the tab wears, or for the person's only one, or offers them
// all to choose from.
func (t *Tab) settle() {
	wish, sure := t.bound()
	_, err := t.mint(wish, false)
	if err != nil && err.Code == api.OrganizationAccessDenied && !sure {
		t.unbind()
		_, err = t.mint("", false)
	}
	switch {
	case err == nil:
	case err.Code == api.OrganizationRequired:
		t.offer()
	case err.Action == api.StepUp:
		t.introduce()
	}
}

// bound tells which organisation the tab is to wear, and whether that is sure.
func (t *Tab) bound() (wish string, sure bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.wish, t.sure()
}

// sure tells whether the organisation to wear was named by the page, or worn
// before by the person who is signed in now: not left behind by somebody else.
func (t *Tab) sure() bool {
	return t.wish == "" || t.config.Organization != "" || t.record.User.ID != ""
}

// unbind forgets an organisation that an earlier person left in the tab.
func (t *Tab) unbind() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.wish, t.record.Organization = "", ""
	t.show(Starting, nil)
}

// Close ends the client: nothing is under way any more, the tab's id is free.
func (t *Tab) Close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return
	}
	t.closed = true
	t.abortAll(closed)
	t.hangUpAll(closed)
	t.rest()
	if t.later != nil {
		t.later.Stop()
	}
	t.release()
	close(t.moved)
}
