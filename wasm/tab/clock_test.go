package tab_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/wasm/tab"
)

func TestATokenJustMintedIsNeverExpired(t *testing.T) {
	for _, life := range []int64{1, 5, 20, 300, 86400} {
		for _, skew := range []time.Duration{-26 * time.Hour, 0, 26 * time.Hour} {
			t.Run(fmt.Sprintf("%ds, clock wrong by %v", life, skew), func(t *testing.T) {
				run(t, func(t *testing.T, b *browser) {
					b.signIn("ada")
					b.life, b.skew = life, skew
					p := b.open(route("acme"))
					b.requests()
					p.token(t, "ada@acme")
					b.expectRequests(t)
				})
			})
		}
	}
}

func TestAClockSetBackMakesNoOldTokenYoung(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		p := b.open(route("acme"))
		b.requests()
		b.mu.Lock()
		b.skew = -time.Hour
		b.mu.Unlock()
		p.token(t, "ada@acme") // its life is counted by the monotonic clock
		b.expectRequests(t)
		p.reload().token(t, "ada@acme") // its age is unknown
		b.expectRequests(t, "POST /token acme")
	})
}

func TestWakingAbortsWhatWasUnderWayAndAsksAnew(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		p := b.open(route("acme"))
		token := p.token(t, "ada@acme")
		b.set(func() { b.latency = 15 * time.Second })
		got := make(chan string)
		go func() {
			renewed, _ := p.Credential("", token)
			got <- renewed
		}()
		synctest.Wait()
		b.requests()
		b.sleep(10 * time.Second)
		b.set(func() { b.latency = 0 })
		p.focus()
		b.expectRequests(t, "POST /token org_a")
		if renewed := <-got; !strings.HasPrefix(renewed, "ada@acme#") || renewed == token {
			t.Errorf("token %q", renewed)
		}
		p.expect(t, tab.Active, "acme")
	})
}

func TestWakingAbortsASignOutThatWasUnderWay(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		p := b.open(route("acme"))
		b.set(func() { b.latency = 15 * time.Second })
		got := make(chan *tab.Error)
		start := time.Now()
		go func() {
			_, err := p.SignOut(api.ScopeSession, "")
			got <- err
		}()
		synctest.Wait()
		b.sleep(10 * time.Second)
		p.focus()
		if err := <-got; err == nil || err.Action != api.Retry || time.Since(start) > 10*time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
	})
}

// A request that the sleep made worthless is no fault of the backend.
func TestWakingAsksForTheOrganizationsAnew(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		p := b.open(route("acme"))
		b.set(func() { b.latency = 15 * time.Second })
		got := make(chan int)
		go func() {
			list, _ := p.Organizations()
			got <- len(list)
		}()
		synctest.Wait()
		b.sleep(10 * time.Second)
		b.set(func() { b.latency = 0 })
		p.focus()
		if n := <-got; n != 2 {
			t.Errorf("%d organizations", n)
		}
		p.hide()
		b.sleepAll(time.Hour)
		p.token(t, "ada@acme") // no pause after a fault
	})
}

func TestWakingInOneTabAbortsInAll(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		p, other := b.open(route("acme")), b.open(route("globex"))
		b.set(func() { b.latency = 15 * time.Second })
		go other.Credential("", other.token(t, "ada@globex"))
		synctest.Wait()
		b.requests()
		b.sleep(10 * time.Second)
		b.set(func() { b.latency = 0 })
		p.focus()
		b.expectRequests(t, "POST /token org_g")
		other.token(t, "ada@globex")
	})
}

func TestASleepCountsAsTime(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		p := b.open(route("acme"))
		token := p.token(t, "ada@acme")
		p.hide()
		b.sleep(time.Hour)
		if got := p.token(t, "ada@acme"); got == token {
			t.Error("a token from before the sleep was handed out")
		}
		p.expect(t, tab.Active, "acme")
	})
}
