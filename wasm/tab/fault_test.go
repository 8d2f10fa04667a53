package tab_test

import (
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/wasm/tab"
)

func TestP6NoFaultSignsAnyoneOut(t *testing.T) {
	answer := func(status int, body string) func(*browser) {
		return func(b *browser) {
			b.script = func(tab.Request) *tab.Response { return &tab.Response{Status: status, Body: body} }
		}
	}
	faults := map[string]func(*browser){
		"offline":                func(b *browser) { b.offline = true },
		"no answer":              func(b *browser) { b.latency = time.Hour },
		"server_error":           answer(500, `{"error":"server_error"}`),
		"a gateway's 502":        answer(502, `<html>`),
		"a proxy's 401":          answer(401, `{"message":"who are you"}`),
		"a captive portal":       answer(200, `<html>`),
		"429":                    answer(429, `{"error":"rate_limited","retry_after":30}`),
		"an unknown code":        answer(400, `{"error":"brand_new"}`),
		"another organization's": func(b *browser) { b.script = func(tab.Request) *tab.Response { r := ok(b.mint(initech)); return &r } },
	}
	for name, begin := range faults {
		t.Run(name, func(t *testing.T) {
			run(t, func(t *testing.T, b *browser) {
				b.signIn("ada")
				p := b.open(route("acme"))
				token := p.token(t, "ada@acme")
				b.set(func() { begin(b) })

				time.Sleep(4*time.Minute + 40*time.Second)
				if got := p.token(t, "ada@acme"); got != token {
					t.Errorf("token %s, want the living %s", got, token)
				}
				p.expect(t, tab.Active, "acme")

				time.Sleep(time.Minute)
				p.expect(t, tab.Unavailable, "acme")
				if _, err := p.Credential("", ""); err == nil || err.Action == api.SignIn {
					t.Errorf("an expired token: %v", err)
				}

				time.Sleep(8 * time.Hour)
				b.set(func() { b.offline, b.latency, b.script = false, 0, nil })
				time.Sleep(2 * time.Minute)
				p.expect(t, tab.Active, "acme")
				p.token(t, "ada@acme")
			})
		})
	}
}

func TestP5AnotherOrganizationsTokenIsNeverHandedOut(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		b.script = func(r tab.Request) *tab.Response {
			if strings.Contains(r.URL, "token") {
				answer := ok(b.mint(globex))
				return &answer
			}
			return nil
		}
		p := b.open(route("acme"))
		p.expect(t, tab.Unavailable, "")
		p.expectRefusal(t, tab.OrganizationMismatch)
		for _, text := range p.states {
			if strings.Contains(text, "globex") {
				t.Errorf("the tab showed %s", text)
			}
		}
	})
}

func TestAFailingBackendIsAskedEverLessOften(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		b.offline = true
		p := b.open(route("acme"))
		p.expect(t, tab.Unavailable, "")
		for range 100 { // however often the app calls
			p.Credential("", "")
		}
		b.expectRequests(t, "POST /token acme")
		time.Sleep(10 * time.Minute)
		if n := len(b.requests()); n < 10 || n > 25 {
			t.Errorf("%d requests in ten minutes, want between 10 and 25", n)
		}
		b.set(func() { b.offline = false })
		p.OnVisible(true) // the browser reports that it is online
		p.expect(t, tab.Active, "acme")
	})
}

func TestTheBackendsRetryAfterIsKept(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		b.script = func(tab.Request) *tab.Response {
			r := refuse(429, api.Error{Code: api.RateLimited, RetryAfter: 300})
			return &r
		}
		p := b.open(route("acme"))
		b.requests()
		b.set(func() { b.script = nil })
		time.Sleep(4 * time.Minute)
		p.OnVisible(true)
		b.expectRequests(t)
		time.Sleep(2 * time.Minute)
		p.expect(t, tab.Active, "acme")
	})
}

func TestATokenThatExpiresWhileTheBackendIsLeftAloneIsNotShownAsLiving(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		p := b.open(route("acme"))
		b.set(func() {
			b.script = func(tab.Request) *tab.Response {
				r := refuse(429, api.Error{Code: api.RateLimited, RetryAfter: 3600})
				return &r
			}
		})
		time.Sleep(4*time.Minute + 30*time.Second)
		p.expect(t, tab.Active, "acme")
		time.Sleep(time.Minute)
		p.expect(t, tab.Unavailable, "acme")
	})
}

func TestRequestsEndAfterTwentySeconds(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		b.latency = time.Hour
		start := time.Now()
		b.open(route("acme")).expect(t, tab.Unavailable, "")
		if took := time.Since(start); took != tab.Timeout {
			t.Errorf("it took %v", took)
		}
	})
}

func TestATokenIsRenewedBeforeItExpires(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		p := b.open(route("acme"))
		b.requests()
		for range 60 {
			time.Sleep(time.Minute)
			p.token(t, "ada@acme")
		}
		if n := len(b.requests()); n < 14 || n > 18 {
			t.Errorf("%d renewals in an hour of five-minute tokens", n)
		}
	})
}

func TestAHiddenTabRenewsOnlyWhenAsked(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		p := b.open(route("acme"))
		p.hide()
		b.requests()
		time.Sleep(time.Hour)
		b.expectRequests(t)
		p.token(t, "ada@acme")
		b.expectRequests(t, "POST /token org_a")
		time.Sleep(time.Hour)
		p.focus()
		b.expectRequests(t, "POST /token org_a")
	})
}

func TestAnAppMayKeepAHiddenTabAlive(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		p := b.open(route("acme"), func(c *tab.Config) { c.KeepAlive = true })
		p.hide()
		b.requests()
		time.Sleep(time.Hour)
		if n := len(b.requests()); n < 14 {
			t.Errorf("%d renewals in an hour", n)
		}
	})
}

func TestATokenNearItsEndIsRenewedWhileItIsUsed(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		p := b.open(route("acme"))
		p.hide()
		token := p.token(t, "ada@acme")
		b.set(func() { b.latency = 5 * time.Second })
		time.Sleep(4*time.Minute + 30*time.Second)
		start := time.Now()
		if got := p.token(t, "ada@acme"); got != token || time.Since(start) > 0 {
			t.Errorf("token %s after %v, want %s at once", got, time.Since(start), token)
		}
		time.Sleep(6 * time.Second)
		if got := p.token(t, "ada@acme"); got == token {
			t.Error("the token was not renewed")
		}
	})
}

func TestOneMintServesAllWhoWait(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		p := b.open(route("acme"))
		p.hide()
		time.Sleep(time.Hour)
		b.requests()
		b.set(func() { b.latency = time.Second })
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() { p.token(t, "ada@acme") })
		}
		all.Wait()
		b.expectRequests(t, "POST /token org_a")
	})
}

func TestARefusedTokenIsNotHandedOutAgain(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		p := b.open(route("acme"))
		old := p.token(t, "ada@acme")
		renewed, err := p.Credential("", old)
		if err != nil || renewed == old {
			t.Fatalf("token %s, %v", renewed, err)
		}
		again, err := p.Credential("", old) // another request that used it
		if err != nil || again != renewed {
			t.Errorf("token %s, %v, want %s", again, err, renewed)
		}
	})
}

func TestRequestsSayWhoAsksAndWhen(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		p := b.open(route("acme"))
		b.mu.Lock()
		b.skew = -5 * time.Hour // the server's time is not the browser's
		b.mu.Unlock()
		p.hide()
		time.Sleep(time.Hour)
		p.token(t, "ada@acme")

		first, last := headers(b.seen[0]), headers(b.seen[len(b.seen)-1])
		if first[api.HeaderClient] != "1.2.3" || first["Content-Type"] != "application/json" {
			t.Errorf("headers %v", first)
		}
		if body := b.seen[len(b.seen)-1].Body; body != `{"organization":"org_a","user":"usr_ada"}` {
			t.Errorf("body %s", body)
		}
		if at, sent := first[api.HeaderTime]; sent {
			t.Errorf("the first request knew the server's time: %s", at)
		}
		if want := strconv.FormatInt(serverTime(), 10); last[api.HeaderTime] != want {
			t.Errorf("sent at %s, want %s", last[api.HeaderTime], want)
		}
	})
}

func TestARequestThatIsTooOldIsMadeAnew(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		n := 0
		b.script = func(tab.Request) *tab.Response {
			if n++; n == 1 {
				r := refuse(400, api.Error{Code: api.RequestTooOld, ServerTime: serverTime() + 7200})
				return &r
			}
			return nil
		}
		p := b.open(route("acme"))
		p.expect(t, tab.Active, "acme")
		if got := headers(b.seen[1])[api.HeaderTime]; got != strconv.FormatInt(serverTime()+7200, 10) {
			t.Errorf("the second request was sent at %s", got)
		}
	})
}

func TestRequestsThatAreAlwaysTooOldComeToAnEnd(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		b.script = func(tab.Request) *tab.Response { r := refuse(400, api.Error{Code: api.RequestTooOld}); return &r }
		p := b.open(route("acme"))
		p.expect(t, tab.Unavailable, "")
		b.expectRequests(t, "POST /token acme", "POST /token acme", "POST /token acme")
	})
}

func TestAClosedClientAsksNobody(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		p := b.open(route("acme"))
		p.hide()
		time.Sleep(time.Hour)
		p.Close()
		b.requests()
		p.expectRefusal(t, tab.Closed)
		p.OnVisible(true)
		time.Sleep(time.Hour)
		b.expectRequests(t)
	})
}

func headers(r tab.Request) map[string]string {
	h := map[string]string{}
	for _, pair := range r.Headers {
		h[pair[0]] = pair[1]
	}
	return h
}

// TestP11_HiddenTabIsOfferedAChoice checks that a hidden tab that began without the backend
// offers the person their organizations once a call has reached it.
func TestP11_HiddenTabIsOfferedAChoice(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		p := b.open()
		p.expect(t, tab.Choose)
		b.set(func() { b.offline = true })
		p = p.reload()
		p.expect(t, tab.Unavailable, "")
		p.hide()
		b.set(func() { b.offline = false })
		time.Sleep(10 * time.Minute)
		p.expectRefusal(t, api.OrganizationRequired)
		p.expect(t, tab.Choose)
	})
}
