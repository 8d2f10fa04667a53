package tab_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/wasm/tab"
)

// idleSession is an organization session with an idle limit, in seconds of the server's
// clock, by the backend's rules.
type idleSession struct {
	limit, activeAt, endedAt int64
	steppedUpAt              int64
}

// decide ends the organization session, or records reported activity.
func (s *idleSession) decide(r api.TokenRequest) *api.Error {
	if s == nil {
		return nil
	}
	now := serverTime()
	if s.activeAt == 0 {
		s.activeAt = now
	}
	if s.endedAt == 0 && now > s.activeAt+s.limit {
		s.endedAt = s.activeAt + s.limit
	}
	switch {
	case s.endedAt != 0 && !r.Enter:
		return &api.Error{Code: api.OrganizationSessionExpired, Reason: "idle"}
	case s.endedAt != 0 && s.steppedUpAt <= s.endedAt:
		return &api.Error{Code: api.InsufficientUserAuthentication, Reason: "idle", LoginURL: base + "/login?organization=org_a"}
	case s.endedAt != 0:
		s.endedAt, s.activeAt = 0, now
	case r.IdleSeconds != nil && now-*r.IdleSeconds > s.activeAt+s.limit/10:
		s.activeAt = now - *r.IdleSeconds
	}
	return nil
}

func (s *idleSession) deadlines() api.OrganizationSession {
	if s == nil {
		return api.OrganizationSession{}
	}
	return api.OrganizationSession{IdleTimeout: s.limit, IdleExpiresIn: max(1, s.activeAt+s.limit-serverTime())}
}

// idleLimit sets acme's idle limit.
func (b *browser) idleLimit(limit time.Duration) *idleSession {
	s := &idleSession{limit: int64(limit.Seconds())}
	b.idleSessions["org_a"] = s
	return s
}

// idleFor returns the warning that the page sees, in seconds; 0 for none.
func (p *page) idleFor(t *testing.T) int64 {
	t.Helper()
	if idle := p.state(t).Idle; idle != nil {
		return idle.SecondsLeft
	}
	return 0
}

// keepActive makes input at intervals for a while.
func (p *page) keepActive(every, during time.Duration) {
	for range during / every {
		time.Sleep(every)
		p.OnInput()
	}
	synctest.Wait()
}

func TestWhoDoesNothingIsWarnedAndThenIdlesOut(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		b.idleLimit(10 * time.Minute)
		p := b.open(route("acme"))
		time.Sleep(9*time.Minute - time.Second)
		if shownBefore := p.idleFor(t); shownBefore != 0 {
			t.Fatalf("warned %d s before the end", shownBefore)
		}
		time.Sleep(2 * time.Second)
		first := p.idleFor(t)
		if first < 59 || first > 60 { // the backend counts whole seconds
			t.Fatalf("%d s left, want a minute", first)
		}
		for want := first - 1; want > first-5; want-- {
			time.Sleep(time.Second)
			if shownBefore := p.idleFor(t); shownBefore != want {
				t.Fatalf("%d s left, want %d", shownBefore, want)
			}
		}
		p.expect(t, tab.Active, "acme")
		time.Sleep(time.Minute)
		p.expect(t, tab.Ended, "acme")
		if e := p.state(t).Error; e.Code != string(api.OrganizationSessionExpired) || e.Reason != "idle" || e.Action != "step_up" {
			t.Errorf("it ended by %+v", e)
		}
		if shownBefore := p.idleFor(t); shownBefore != 0 {
			t.Errorf("still warned: %d s", shownBefore)
		}
	})
}

// No action is due while a response is under way.
func TestASlowBackendIsAskedOnce(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		b.idleLimit(10 * time.Minute)
		p := b.open(route("acme"))
		b.set(func() { b.latency = 3 * time.Second })
		b.requests()
		time.Sleep(9*time.Minute + 30*time.Second)
		if shownBefore := p.idleFor(t); shownBefore < 27 || shownBefore > 34 {
			t.Errorf("%d s left", shownBefore)
		}
		time.Sleep(40 * time.Second)
		p.expect(t, tab.Ended, "acme")
		if n := len(b.requests()); n > 6 {
			t.Errorf("%d requests", n)
		}
	})
}

func TestWhoDoesSomethingStays(t *testing.T) {
	for name, every := range map[string]time.Duration{"all the time": time.Second, "now and then": 4 * time.Minute, "rarely": 9 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			run(t, func(t *testing.T, b *browser) {
				b.signIn("ada")
				b.idleLimit(10 * time.Minute)
				p := b.open(route("acme"))
				p.OnInput()
				p.keepActive(every, 2*time.Hour)
				p.expect(t, tab.Active, "acme")
				if shownBefore := p.idleFor(t); shownBefore != 0 {
					t.Errorf("warned: %d s", shownBefore)
				}
			})
		})
	}
}

func TestAWarningGoesAwayWithTheNextInput(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		s := b.idleLimit(10 * time.Minute)
		p := b.open(route("acme"))
		time.Sleep(9*time.Minute + 30*time.Second)
		if shownBefore := p.idleFor(t); shownBefore < 29 || shownBefore > 31 {
			t.Fatalf("%d s left", shownBefore)
		}
		b.requests()
		p.OnInput()
		if shownBefore := p.idleFor(t); shownBefore != 0 {
			t.Errorf("%d s left after the input", shownBefore)
		}
		b.expectRequests(t, "POST /token org_a") // at once, because the end is near
		if serverTime()-s.activeAt > 1 {
			t.Errorf("active %d s ago", serverTime()-s.activeAt)
		}
		time.Sleep(5 * time.Minute)
		p.expect(t, tab.Active, "acme")
	})
}

func TestActivityIsReportedByTwoThirdsOfTheLimit(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		b.life = 600
		s := b.idleLimit(10 * time.Minute)
		p := b.open(route("acme"))
		began := serverTime()
		time.Sleep(3 * time.Minute)
		p.OnInput()
		b.requests()
		time.Sleep(3*time.Minute + 39*time.Second)
		b.expectRequests(t)
		time.Sleep(2 * time.Second)
		b.expectRequests(t, "POST /token org_a")
		if s.activeAt != began+180 {
			t.Errorf("active %d s after the start, want 180", s.activeAt-began)
		}
	})
}

// The backend gets no needless request, neither from an active person, nor from an idle
// one, nor as the end comes near.
func TestTheBackendIsNotAskedMoreThanItHasTo(t *testing.T) {
	for name, test := range map[string]struct {
		act  func(p *page)
		most int
	}{
		"busy": {func(p *page) { p.keepActive(time.Second, time.Hour) }, 25},
		"idle": {func(*page) { time.Sleep(time.Hour) }, 6},
		"once": {func(p *page) { time.Sleep(30 * time.Second); p.OnInput(); time.Sleep(time.Hour) }, 8},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, func(t *testing.T, b *browser) {
				b.signIn("ada")
				b.idleLimit(10 * time.Minute)
				p := b.open(route("acme"))
				b.requests()
				test.act(p)
				synctest.Wait()
				if n := len(b.requests()); n > test.most {
					t.Errorf("%d requests in an hour, want at most %d", n, test.most)
				}
			})
		})
	}
}

func TestASiblingTabsActivityCounts(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		b.idleLimit(10 * time.Minute)
		b.life = 3600 // so that no renewal reports it
		quiet, busy := b.open(route("acme")), b.open(route("acme"))
		other := b.open(route("globex"))
		for range 40 {
			time.Sleep(time.Minute)
			busy.OnInput()
			other.OnInput()
			if shownBefore := quiet.idleFor(t); shownBefore != 0 {
				t.Fatalf("warned %d s before the end, although a sibling is active", shownBefore)
			}
		}
		quiet.expect(t, tab.Active, "acme")
	})
}

func TestAnotherOrganizationsActivityDoesNotCount(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		b.idleLimit(10 * time.Minute)
		p, other := b.open(route("acme")), b.open(route("globex"))
		other.keepActive(time.Second, 11*time.Minute)
		p.expect(t, tab.Ended, "acme")
		other.expect(t, tab.Active, "globex")
		other.token(t, "ada@globex")
	})
}

func TestActingForASecondOrganizationDoesNotKeepItOpen(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		b.life = 60
		s := b.idleLimit(10 * time.Minute)
		p := b.open(route("globex"))
		began := serverTime()
		for range 5 {
			p.keepActive(time.Second, time.Minute)
			if _, err := p.Credential("acme", ""); err != nil {
				t.Fatal(err)
			}
		}
		if s.activeAt != began+60 { // when it was entered
			t.Errorf("acme saw activity %d s after the start", s.activeAt-began)
		}
	})
}

func TestAHiddenTabKeepsNobodyIn(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		b.idleLimit(10 * time.Minute)
		p := b.open(route("acme"), func(c *tab.Config) { c.KeepAlive = true })
		p.OnInput()
		p.hide()
		time.Sleep(11 * time.Minute)
		p.expect(t, tab.Ended, "acme")
	})
}

func TestAReloadForgetsNoInput(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		s := b.idleLimit(10 * time.Minute)
		p := b.open(route("acme"))
		began := serverTime()
		time.Sleep(4 * time.Minute)
		p.OnInput()
		time.Sleep(time.Minute)
		p = p.reload()
		time.Sleep(3 * time.Minute)
		synctest.Wait()
		if s.activeAt != began+240 {
			t.Errorf("active %d s after the start, want 240", s.activeAt-began)
		}
		p.expect(t, tab.Active, "acme")
	})
}

func TestARecordThatTheAppClearedDoesNotComeBack(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		p := b.open(route("acme"))
		p.session.items = nil
		p.closeTab()
		if shownBefore := p.session.Item("tabard"); shownBefore != "" {
			t.Errorf("the tab left %s", shownBefore)
		}
	})
}

func TestALaptopThatSleptDoesNotComeBackToAnEndedSession(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		b.idleLimit(10 * time.Minute)
		p := b.open(route("acme"))
		p.OnInput()
		b.sleep(time.Hour)
		p.OnInput()
		p.focus()
		p.expect(t, tab.Ended, "acme")
	})
}

func TestOfflinePastADeadlineIsNoEnd(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		b.idleLimit(10 * time.Minute)
		p := b.open(route("acme"))
		b.set(func() { b.offline = true })
		p.keepActive(time.Minute, 20*time.Minute)
		p.expect(t, tab.Unavailable, "acme")
	})
}

// The page shows the reason, offers the step-up, and is back.
func TestIdle_StepUpReturns(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		s := b.idleLimit(10 * time.Minute)
		p := b.open(route("acme"))
		time.Sleep(11 * time.Minute)
		p.expect(t, tab.Ended, "acme")
		r := p.Switch("acme")
		if r.Status != tab.StepUpRequired || !strings.Contains(r.JSON(), `"reason":"idle"`) {
			t.Fatalf("switch: %s", r.JSON())
		}
		p.StepUp("acme", r.Error.LoginURL, "https://app.example/acme")
		time.Sleep(20 * time.Second)
		s.steppedUpAt = serverTime()
		p = p.reload()
		p.expect(t, tab.Active, "acme")
		p.token(t, "ada@acme")
	})
}

// The page enters by the organization's id and the step-up returns to the slug, or the
// other way round.
func TestIdle_ComesBackByEitherName(t *testing.T) {
	for _, names := range [][2]string{{"org_a", "acme"}, {"acme", "org_a"}} {
		t.Run(names[0]+" at "+names[1], func(t *testing.T) {
			run(t, func(t *testing.T, b *browser) {
				b.signIn("ada")
				s := b.idleLimit(10 * time.Minute)
				p := b.open(route(names[1]))
				time.Sleep(11 * time.Minute)
				p.expect(t, tab.Ended, "acme")
				p = p.reload() // it knows the organization from the backend's list alone
				r := p.Switch(names[0])
				if r.Status != tab.StepUpRequired {
					t.Fatalf("switch: %s", r.JSON())
				}
				p.StepUp(names[0], r.Error.LoginURL, "https://app.example/acme")
				time.Sleep(20 * time.Second)
				s.steppedUpAt = serverTime()
				b.requests()
				p = p.reload()
				b.expectRequests(t, "POST /token "+names[0]+" enter")
				p.expect(t, tab.Active, "acme")
			})
		})
	}
}

func TestATabThatMayNotEnterYetSaysWhere(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		b.refusals["org_g"] = api.Error{Code: api.InsufficientUserAuthentication}
		p := b.open(route("globex"))
		p.expect(t, tab.Ended, "globex")
		if s := p.state(t); s.Organization.Name != "Globex" || s.User.Name != "ada" || len(s.Organizations) != 2 || s.Error.Action != "step_up" {
			t.Errorf("the page sees %+v", s)
		}
		if r := p.Switch("org_g"); r.Status != tab.StepUpRequired {
			t.Errorf("entering: %+v", r)
		}
	})
}
