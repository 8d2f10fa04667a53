package tab_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/wasm/tab"
)

func TestP3ASwitchChangesTheTabOnceTheTokenIsThere(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		p := b.open(route("acme"))
		b.requests()
		b.set(func() { b.latency = 3 * time.Second })
		done := make(chan tab.SwitchResult)
		go func() { done <- p.Switch("globex") }()
		synctest.Wait()
		p.expect(t, tab.Active, "acme")
		p.token(t, "ada@acme")
		if r := <-done; r.Status != tab.Switched || r.Organization != globex {
			t.Fatalf("switch: %+v", r)
		}
		p.expect(t, tab.Active, "globex")
		p.token(t, "ada@globex")
		b.expectRequests(t, "POST /token globex enter")
	})
}

// fault is an event that disturbs a switch.
type fault func(*browser, *page)

func answers401(code api.Code) fault {
	return answersWith(func(*browser) tab.Response { return refuse(401, api.Error{Code: code}) })
}

func answersBody(status int, body string) fault {
	return answersWith(func(*browser) tab.Response { return tab.Response{Status: status, Body: body} })
}

func answersWith(answer func(*browser) tab.Response) fault {
	return func(b *browser, _ *page) {
		b.set(func() { b.script = func(tab.Request) *tab.Response { r := answer(b); return &r } })
	}
}

// overtakenBy switches elsewhere while the first switch waits for its response.
func overtakenBy(organization string) fault {
	return func(b *browser, p *page) {
		b.set(func() { b.latency = time.Second })
		go func() {
			time.Sleep(time.Millisecond)
			p.Switch(organization)
		}()
	}
}

var faults = []struct {
	name   string
	happen fault
	want   tab.Outcome
	code   api.Code
}{
	{"not a member", func(b *browser, _ *page) { b.set(func() { delete(b.members, "ada") }) }, tab.Refused, api.OrganizationAccessDenied},
	{"step-up", answers401(api.InsufficientUserAuthentication), tab.StepUpRequired, api.InsufficientUserAuthentication},
	{"ended there", answers401(api.OrganizationSessionExpired), tab.StepUpRequired, api.OrganizationSessionExpired},
	{"origin", answers401(api.OriginNotAllowed), tab.Refused, api.OriginNotAllowed},
	{"an unknown code", answers401("brand_new"), tab.Refused, "brand_new"},
	{"server_error", answers401(api.ServerError), tab.SwitchUnavailable, api.ServerError},
	{"too many requests", answers401(api.RateLimited), tab.SwitchUnavailable, api.RateLimited},
	{"offline", func(b *browser, _ *page) { b.set(func() { b.offline = true }) }, tab.SwitchUnavailable, api.TemporarilyUnavailable},
	{"no answer in time", func(b *browser, _ *page) { b.set(func() { b.latency = time.Hour }) }, tab.SwitchUnavailable, api.TemporarilyUnavailable},
	{"a captive portal", answersBody(200, "<html>"), tab.SwitchUnavailable, api.TemporarilyUnavailable},
	{"a proxy's 401", answersBody(401, "<html>"), tab.SwitchUnavailable, api.TemporarilyUnavailable},
	{"a proxy's 401 in JSON", answersBody(401, `{"message":"who are you"}`), tab.SwitchUnavailable, api.TemporarilyUnavailable},
	{"JSON that is no token", answersBody(200, "{}"), tab.SwitchUnavailable, api.TemporarilyUnavailable},
	{"null", answersBody(200, "null"), tab.SwitchUnavailable, api.TemporarilyUnavailable},
	{"a token of another organization", answersWith(func(b *browser) tab.Response { return ok(b.mint(initech)) }), tab.Failed, tab.OrganizationMismatch},
	{"another switch", overtakenBy("acme"), tab.SwitchOvertaken, tab.Overtaken},
}

func TestP3WhateverElseHappensTheOldOrganizationGoesOn(t *testing.T) {
	for _, test := range faults {
		t.Run(test.name, func(t *testing.T) {
			run(t, func(t *testing.T, b *browser) {
				b.signIn("ada")
				p := b.open(route("acme"))
				p.config.Organization = ""
				before, token := p.state(t), p.token(t, "ada@acme")
				test.happen(b, p)
				r := p.Switch("globex")
				if r.Status != test.want || r.Error == nil || r.Error.Code != test.code {
					t.Errorf("switch: %+v %v, want %s %s", r, r.Error, test.want, test.code)
				}
				after := p.state(t)
				if after.Status != "active" || after.Fence != before.Fence || *after.Organization != acme || after.Error != nil {
					t.Errorf("the state changed to %+v", after)
				}
				if got := p.token(t, "ada@acme"); got != token {
					t.Errorf("token %s, want %s", got, token)
				}
				p = p.reload()
				p.expect(t, tab.Active, "acme")
			})
		})
	}
}

func TestP3OfTwoSwitchesTheLastWins(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("dan")
		p := b.open(route("acme"))
		first := make(chan tab.SwitchResult)
		b.set(func() { b.latency = 5 * time.Second })
		go func() { first <- p.Switch("globex") }()
		synctest.Wait()
		b.set(func() { b.latency = time.Second })
		if r := p.Switch("initech"); r.Status != tab.Switched {
			t.Errorf("the second: %+v", r)
		}
		if r := <-first; r.Status != tab.SwitchOvertaken {
			t.Errorf("the first: %+v", r)
		}
		p.expect(t, tab.Active, "initech")
	})
}

func TestP3ASwitchDuringARenewalHappens(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		p := b.open(route("acme"))
		b.set(func() { b.latency = time.Second })
		renewed := make(chan *tab.Error)
		go func() {
			_, err := p.Credential("", p.token(t, "ada@acme"))
			renewed <- err
		}()
		synctest.Wait()
		if r := p.Switch("globex"); r.Status != tab.Switched {
			t.Errorf("switch: %+v", r)
		}
		<-renewed
		p.expect(t, tab.Active, "globex")
		p.token(t, "ada@globex")
	})
}

func TestP3ASwitchOvertakesARenewal(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		p := b.open(route("acme"))
		p.hide()
		time.Sleep(time.Hour) // the token has expired
		b.set(func() { b.latency = 10 * time.Second })
		renewed := make(chan *tab.Error)
		go func() {
			_, err := p.Credential("", "")
			renewed <- err
		}()
		synctest.Wait()
		b.set(func() { b.latency = time.Second })
		if r := p.Switch("globex"); r.Status != tab.Switched {
			t.Errorf("switch: %+v", r)
		}
		if err := <-renewed; err == nil || err.Code != tab.Overtaken || err.Action != api.Retry {
			t.Errorf("who waited for the old organization's token: %v", err)
		}
	})
}

func TestALateAnswerForTheOldOrganizationIsDropped(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		p := b.open(route("acme"))
		p.Switch("globex")
		p.Switch("acme")
		b.set(func() { b.latency = 10 * time.Second })
		renewed := make(chan *tab.Error)
		go func() {
			_, err := p.Credential("", p.token(t, "ada@acme"))
			renewed <- err
		}()
		synctest.Wait()
		if r := p.Switch("globex"); r.Status != tab.Switched { // from the record, at once
			t.Fatalf("switch: %+v", r)
		}
		if err := <-renewed; err == nil || err.Code != tab.Overtaken || err.Action != api.Retry {
			t.Errorf("the old organization's token: %v", err)
		}
		p.expect(t, tab.Active, "globex")
	})
}

func TestSwitchingBackTakesNoRequest(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		p := b.open(route("acme"))
		p.Switch("globex")
		b.requests()
		for _, organization := range []string{"acme", "org_g", "acme", "acme"} {
			if r := p.Switch(organization); r.Status != tab.Switched {
				t.Fatalf("switch: %+v", r)
			}
		}
		b.expectRequests(t)
		p.expect(t, tab.Active, "acme")
	})
}

func TestSwitchingBackTakesAFreshTokenWherePolicyDemandsIt(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		b.fresh = true
		p := b.open(route("acme"))
		p.Switch("globex")
		b.requests()
		p.Switch("acme")
		b.expectRequests(t, "POST /token org_a enter")
		p.Switch("acme") // it is active already
		b.expectRequests(t)
	})
}

func TestEverySwitchChangesTheFence(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		p := b.open(route("acme"))
		seen := map[int64]bool{p.state(t).Fence: true}
		for _, organization := range []string{"globex", "acme", "globex"} {
			p.Switch(organization)
			fence := p.state(t).Fence
			if seen[fence] {
				t.Errorf("fence %d again", fence)
			}
			seen[fence] = true
		}
		fence := p.state(t).Fence
		p.config.Organization = ""
		time.Sleep(time.Hour) // renewals
		if got := p.reload().state(t).Fence; got != fence {
			t.Errorf("fence %d after renewals and a reload, want %d", got, fence)
		}
	})
}

func TestASecondOrganizationIsServedWithoutSwitching(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		p := b.open(route("acme"))
		b.requests()
		for range 3 {
			token, err := p.Credential("globex", "")
			if err != nil || !strings.HasPrefix(token, "ada@globex#") {
				t.Fatalf("token %q, %v", token, err)
			}
		}
		b.expectRequests(t, "POST /token globex")
		p.expect(t, tab.Active, "acme")
		if _, err := p.Credential("initech", ""); err == nil || err.Code != api.OrganizationAccessDenied {
			t.Errorf("a foreign one: %v", err)
		}
		p.expect(t, tab.Active, "acme")
	})
}

// The switch then takes no request, even to an organization that requires a fresh token
// at every switch.
func TestEnter_TheTabStaysUntilTheSwitch(t *testing.T) {
	for _, fresh := range []bool{false, true} {
		run(t, func(t *testing.T, b *browser) {
			b.signIn("ada")
			b.fresh = fresh
			p := b.open(route("acme"))
			before := p.token(t, "ada@acme")
			b.left["org_g"] = true // an enter is needed
			b.requests()
			if r := p.Enter("globex"); r.Status != tab.Switched || r.Organization != globex {
				t.Fatalf("entering: %+v", r)
			}
			p.expect(t, tab.Active, "acme")
			if got := p.token(t, "ada@acme"); got != before {
				t.Errorf("token %s, want %s", got, before)
			}
			p.reload().expect(t, tab.Active, "acme")
			p = b.open(route("acme"))
			b.requests()
			p.Enter("globex")
			b.expectRequests(t, "POST /token globex enter")
			if r := p.Switch("org_g"); r.Status != tab.Switched {
				t.Fatalf("switching: %+v", r)
			}
			b.expectRequests(t)
			p.expect(t, tab.Active, "globex")
			p.Switch("acme")
			b.requests()
			p.Switch("globex")
			if fresh {
				b.expectRequests(t, "POST /token org_g enter")
			} else {
				b.expectRequests(t)
			}
		})
	}
}

// An organization entered before a sign-out is not activated after it.
func TestEnter_OvertakenBySignOut(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		p := b.open(route("acme"))
		p.Enter("globex")
		p.signOut(t, api.ScopeSession)
		if r := p.Switch("globex"); r.Status != tab.Refused || r.Error.Code != api.LoginRequired {
			t.Errorf("switching: %+v %v", r, r.Error)
		}
		p.expect(t, tab.SignedOut, "")
	})
}
