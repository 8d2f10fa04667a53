package tab_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/wasm/tab"
)

// tabCount is the number of tabs of one person; one is visible.
const tabCount = 200

// requestRate counts requests by second.
type requestRate struct{ at map[int64]int }

// watch starts counting.
func (b *browser) watch() {
	b.set(func() { b.rate = &requestRate{map[int64]int{}} })
}

func (r *requestRate) record() {
	if r != nil {
		r.at[time.Now().Unix()]++
	}
}

// expectRate fails the test if more requests came in any second, or in all, since
// watch.
func (b *browser) expectRate(t *testing.T, perSecond, inAll int) {
	t.Helper()
	synctest.Wait()
	b.set(func() {
		worst, all := 0, 0
		for _, n := range b.rate.at {
			worst, all = max(worst, n), all+n
		}
		t.Logf("%d requests, %d of them in one second", all, worst)
		if worst > perSecond || all > inAll {
			t.Errorf("want at most %d, and %d in one second", inAll, perSecond)
		}
	})
}

// openTabs opens the tabs and hides all but the first.
func (b *browser) openTabs(configure ...func(*tab.Config)) []*page {
	var pages []*page
	for i := range tabCount {
		organization := []string{"acme", "globex"}[i%2]
		p := b.open(append(configure, route(organization))...)
		if i > 0 {
			p.hide()
		}
		pages = append(pages, p)
	}
	return pages
}

// sleepAll advances the time of day as a sleep does, in which no timer runs.
func (b *browser) sleepAll(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.skew += d
}

func keepAlive(c *tab.Config) { c.KeepAlive = true }

func TestP6TwoHundredTabsThatWakeDoNotStampede(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		pages := b.openTabs()
		b.sleepAll(8 * time.Hour)
		b.watch()
		pages[0].focus()
		time.Sleep(time.Minute)
		b.expectRate(t, 1, 1)
		pages[7].token(t, "ada@globex") // on demand it has one at once
		b.expectRate(t, 1, 2)
	})
}

func TestP6TwoHundredTabsKeptAliveDoNotStampede(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		pages := b.openTabs(keepAlive)
		b.watch()
		time.Sleep(10 * time.Minute) // renewals
		b.expectRate(t, tabCount/5, 3*tabCount)

		b.sleepAll(8 * time.Hour)
		b.watch()
		pages[0].focus()
		time.Sleep(time.Minute)
		b.expectRate(t, tabCount/8, 2*tabCount)

		b.set(func() { b.offline = true })
		time.Sleep(10 * time.Minute)
		b.set(func() { b.offline = false })
		b.watch()
		for _, p := range pages {
			p.OnVisible(true)
		}
		time.Sleep(time.Minute)
		b.expectRate(t, tabCount/8, 2*tabCount)
		for _, p := range pages {
			p.expect(t, tab.Active)
		}
	})
}

func TestP6AnOutageIsNotMadeWorse(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		b.openTabs(keepAlive)
		b.watch()
		b.set(func() { b.offline = true })
		time.Sleep(time.Hour)
		// A tab tries again every 30 to 60 seconds in the end: 200 of them, six times a
		// second.
		b.expectRate(t, tabCount/3, 120*tabCount)
	})
}

func TestP6TabsThatFailTogetherTryAgainApart(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		b.offline = true
		for range tabCount {
			b.open(route("acme"))
		}
		time.Sleep(5 * time.Minute)
		b.watch()
		time.Sleep(5 * time.Minute)
		b.expectRate(t, tabCount/8, 10*tabCount)
	})
}

func TestP6TwoHundredTabsThatHearOfASignInDoNotStampede(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		pages := b.openTabs()
		b.watch()
		if _, err := pages[0].SignOut(api.ScopeSession, ""); err != nil {
			t.Fatal(err)
		}
		for _, p := range pages {
			p.expect(t, tab.SignedOut)
		}
		b.expectRate(t, 1, 1)

		b.watch()
		b.signIn("ada")
		pages[0] = pages[0].reload()
		pages[9].token(t, "ada@globex") // on demand it does not wait
		pages[8].focus()
		pages[8].expect(t, tab.Active, "acme")
		time.Sleep(time.Minute)
		b.expectRate(t, tabCount/8, tabCount+5)
		for _, p := range pages {
			p.expect(t, tab.Active)
		}
	})
}

func TestAProxysRetryAfterIsKept(t *testing.T) {
	for name, c := range map[string]struct {
		seconds int64
		quiet   time.Duration
	}{
		"two minutes":                 {120, 119 * time.Second},
		"a day, which nobody waits":   {86400, 299 * time.Second},
		"none: as any other fault is": {0, 500 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, func(t *testing.T, b *browser) {
				b.signIn("ada")
				b.script = func(tab.Request) *tab.Response {
					return &tab.Response{Status: 503, Body: "<html>", RetryAfter: c.seconds}
				}
				p := b.open(route("acme"))
				b.requests()
				time.Sleep(c.quiet)
				b.expectRequests(t)
				b.set(func() { b.script = nil })
				time.Sleep(time.Minute)
				p.expect(t, tab.Active, "acme")
			})
		})
	}
}
