package tab_test

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/wasm/tab"
)

// base is the backend's base URL.
const base = "https://app.example/auth"

// browser is the state that all tabs of a person share: the backend's cookie, storage,
// locks, the channel, the clocks.
type browser struct {
	*backend
	local *storage
	start time.Time

	mu                   sync.Mutex
	skew                 time.Duration // error of the wall clock
	slept                time.Duration // time that the monotonic clock stood still
	locks                map[string]bool
	noLocks, silentLocks bool       // no Web Locks; Web Locks that never answer
	noChannel            bool       // no BroadcastChannel
	device               tab.Device // nil without WebCrypto or IndexedDB
	pages                []*page
	sent                 []string
}

// page is one tab, with its client.
type page struct {
	*tab.Tab
	browser *browser
	session *storage
	config  tab.Config

	mu        sync.Mutex
	hidden    bool
	states    []string // states as published
	navigated string   // where the page navigated
}

// run runs a test in a bubble where time advances as soon as every goroutine waits.
func run(t *testing.T, test func(t *testing.T, b *browser)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := &browser{backend: newBackend(), local: &storage{}, start: time.Now(), locks: map[string]bool{}}
		t.Cleanup(func() {
			for _, p := range b.pages {
				p.Close()
			}
		})
		test(t, b)
	})
}

// open opens a tab.
func (b *browser) open(configure ...func(*tab.Config)) *page {
	return b.restore(&storage{}, configure...)
}

// restore opens a tab with the storage of another one.
func (b *browser) restore(session *storage, configure ...func(*tab.Config)) *page {
	p := &page{browser: b, session: session}
	p.config = tab.Config{Backend: base, Key: "tabard", Release: "1.2.3"}
	for _, f := range configure {
		f(&p.config)
	}
	b.mu.Lock()
	b.pages = append(b.pages, p)
	b.mu.Unlock()
	p.Tab = tab.New(p.config, p.env())
	p.Start()
	synctest.Wait()
	return p
}

// reload loads the page again; requests of the old page are lost.
func (p *page) reload() *page {
	p.closeTab()
	return p.browser.restore(p.session, func(c *tab.Config) { *c = p.config; c.Arrival, c.Account = "", "" })
}

// closeTab closes the tab.
func (p *page) closeTab() {
	p.OnPageHide()
	p.Close()
	synctest.Wait()
}

// sleep suspends the computer: the wall clock goes on, the monotonic one stands.
func (b *browser) sleep(d time.Duration) {
	time.Sleep(d)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.slept += d
}

func route(organization string) func(*tab.Config) {
	return func(c *tab.Config) { c.Organization = organization }
}

func (p *page) env() tab.Env {
	b := tab.Env{
		Backend: p.browser.backend, Session: p.session, Local: p.browser.local,
		Locks: locks{p.browser}, Device: p.browser.device, Channel: channel{p}, Clock: clock{p.browser}, Page: p,
		Random: rand.Uint64, Parse: parse, Changed: p.changed, Join: p.joinBy,
	}
	if p.browser.noLocks {
		b.Locks = nil
	}
	return b
}

func (p *page) changed(state string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.states = append(p.states, state)
}

func (p *page) Hidden() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.hidden
}

// joinBy leaves for a silent sign-in.
func (p *page) joinBy(loginURL string) { p.Navigate("silently " + loginURL) }

func (p *page) Navigate(url string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.navigated = url
}

// hide puts the tab into the background.
func (p *page) hide() {
	p.mu.Lock()
	p.hidden = true
	p.mu.Unlock()
	p.Tab.OnHidden()
}

// focus brings the tab to the front.
func (p *page) focus() {
	p.mu.Lock()
	p.hidden = false
	p.mu.Unlock()
	p.OnVisible(false)
	synctest.Wait()
}

// shown is the state that the page sees.
type shown struct {
	Status        string
	Fence         int64
	Organization  *api.Organization
	User          *api.User
	Roles         []string
	Organizations []api.OrganizationState
	Denied        string
	Error         *struct {
		Code   string
		Action string
		Reason string
	}
	Idle *struct{ SecondsLeft int64 }
}

func (p *page) state(t *testing.T) shown {
	t.Helper()
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.states) == 0 {
		t.Fatal("the page has shown nothing yet")
	}
	var s shown
	if err := json.Unmarshal([]byte(p.states[len(p.states)-1]), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// expect fails the test unless the tab has a status and, if given, an active
// organization.
func (p *page) expect(t *testing.T, status tab.Status, organization ...string) {
	t.Helper()
	s := p.state(t)
	got, slug := s.Status, ""
	if s.Organization != nil {
		slug = s.Organization.Slug
	}
	if want := strings.Join(organization, ""); got != string(status) || len(organization) > 0 && slug != want {
		t.Fatalf("the tab is %s %q %+v, want %s %q", got, slug, s.Error, status, want)
	}
}

// token gets the tab's token and fails the test unless it is of that person and
// organization, as in "ada@acme".
func (p *page) token(t *testing.T, organization string) string {
	t.Helper()
	token, err := p.Credential("", "")
	if err != nil {
		t.Fatalf("no token: %v", err)
	}
	if !strings.HasPrefix(token, organization+"#") {
		t.Fatalf("token %s, want one of %s", token, organization)
	}
	return token
}

// expectRefusal fails the test unless the tab refuses a token with this code.
func (p *page) expectRefusal(t *testing.T, code api.Code) {
	t.Helper()
	token, err := p.Credential("", "")
	if err == nil || err.Code != code {
		t.Fatalf("token %q, error %v, want error %s", token, err, code)
	}
}

// expectRequests fails the test unless exactly these requests were made since the last
// call.
func (b *browser) expectRequests(t *testing.T, want ...string) {
	t.Helper()
	synctest.Wait()
	if got := b.requests(); strings.Join(got, ", ") != strings.Join(want, ", ") {
		t.Fatalf("asked %q, want %q", got, want)
	}
}

// storage is a storage area.
type storage struct {
	mu      sync.Mutex
	items   map[string]string
	blocked bool
	room    int // in bytes; 0 for no limit
}

func (s *storage) Item(key string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.items[key]
}

func (s *storage) SetItem(key, value string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.items == nil {
		s.items = map[string]string{}
	}
	if s.blocked || s.room != 0 && len(value) > s.room {
		delete(s.items, key)
		return false
	}
	s.items[key] = value
	return true
}

// copy is the storage of a duplicated tab.
func (s *storage) copy() *storage {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &storage{items: map[string]string{}}
	for k, v := range s.items {
		c.items[k] = v
	}
	return c
}

type clock struct{ b *browser }

func (c clock) Wall() time.Duration {
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	return time.Duration(time.Now().UnixNano()) + c.b.skew
}

func (c clock) Monotonic() time.Duration {
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	return time.Since(c.b.start) - c.b.slept
}

type channel struct{ p *page }

func (c channel) Send(message string) {
	b := c.p.browser
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sent = append(b.sent, message)
	for _, other := range b.pages {
		if other != c.p && !b.noChannel {
			go other.OnMessage(message)
		}
	}
}

type locks struct{ b *browser }

func (l locks) Take(name string, _ time.Duration) (func(), bool, error) {
	l.b.mu.Lock()
	defer l.b.mu.Unlock()
	if l.b.silentLocks {
		return nil, false, errors.New("no answer")
	}
	if l.b.locks[name] {
		return nil, false, nil
	}
	l.b.locks[name] = true
	return func() {
		l.b.mu.Lock()
		defer l.b.mu.Unlock()
		delete(l.b.locks, name)
	}, true, nil
}
