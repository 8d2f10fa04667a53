package tab_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/wasm/tab"
)

// TestDenied_SaysWhoAndWhereElse: a bookmark of an organization that does not admit the
// person, that does not exist or that cannot exist.
func TestDenied_SaysWhoAndWhereElse(t *testing.T) {
	for _, name := range []string{"initech", "nosuch", "ünï", "a b", "NOSUCH", strings.Repeat("a", 65)} {
		run(t, func(t *testing.T, b *browser) {
			b.signIn("ada")
			p := b.open(route(name))
			s := p.state(t)
			if s.Denied != name || s.User == nil || s.User.ID != "usr_ada" || len(s.Organizations) != 2 || s.Organization != nil {
				t.Errorf("%s: denied %q, %+v may enter %+v", name, s.Denied, s.User, s.Organizations)
			}
			if s.Error == nil || s.Error.Code != string(api.OrganizationAccessDenied) || s.Error.Action != string(api.Stop) {
				t.Errorf("%s: %+v", name, s.Error)
			}
			p.expectRefusal(t, api.OrganizationAccessDenied)
			for _, text := range p.states[:len(p.states)-1] {
				if !strings.Contains(text, `"starting"`) {
					t.Errorf("%s: the tab flickered through %s", name, text)
				}
			}
			b.requests()
			time.Sleep(24 * time.Hour)
			b.expectRequests(t) // it is final
			if r := p.Switch("globex"); r.Status != tab.Switched {
				t.Fatalf("%s: %+v", name, r)
			}
			if s := p.state(t); s.Denied != "" || s.Status != "active" {
				t.Errorf("%s: after a switch %+v", name, s)
			}
		})
	}
}

// TestDenied_OneRequest: the refusal of a bookmark says who the person is and where they may
// go. A backend of the release before is asked.
func TestDenied_OneRequest(t *testing.T) {
	for before, more := range map[bool][]string{false: nil, true: {"GET /session"}} {
		run(t, func(t *testing.T, b *browser) {
			b.signIn("ada")
			b.before = before
			if s := b.open(route("nosuch")).state(t); s.Denied != "nosuch" || s.User == nil || len(s.Organizations) != 2 {
				t.Errorf("%+v", s)
			}
			b.expectRequests(t, append([]string{"POST /token nosuch"}, more...)...)
		})
	}
}

// TestDenied_WhatCanBeNoOrganizationIsNotAskedFor, neither at the start nor by a switch.
func TestDenied_WhatCanBeNoOrganizationIsNotAskedFor(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		p := b.open(route("ünï"))
		b.expectRequests(t, "GET /session")
		if r := p.Switch("a/b"); r.Status != tab.Refused || r.Error.Code != api.OrganizationAccessDenied {
			t.Errorf("%+v", r)
		}
		b.expectRequests(t)
	})
	run(t, func(t *testing.T, b *browser) {
		p := b.open(route("ünï"))
		p.expect(t, tab.SignedOut) // nobody has signed in
		if p.SignIn("", "/", tab.Hints{}); strings.Contains(p.navigated, "organization=") {
			t.Errorf("the sign-in is for what is no organization: %s", p.navigated)
		}
	})
}

// TestDenied_InATabThatWasElsewhere: the tab was in another organization before.
func TestDenied_InATabThatWasElsewhere(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		p := b.open(route("acme"))
		p.closeTab()
		p = b.restore(p.session, route("initech"))
		if s := p.state(t); s.Denied != "initech" || s.User == nil || len(s.Organizations) != 2 {
			t.Errorf("%+v", s)
		}
	})
}

// TestDenied_StepUp: an address of an organization that asks for a step-up first. What
// has ended says so instead.
func TestDenied_StepUp(t *testing.T) {
	for reason, denied := range map[string]string{"": "acme", "idle": ""} {
		run(t, func(t *testing.T, b *browser) {
			b.signIn("ada")
			b.refusals["org_a"] = api.Error{Code: api.InsufficientUserAuthentication, Reason: reason, LoginURL: "/login?organization=org_a"}
			s := b.open(route("acme")).state(t)
			if s.Denied != denied || s.Status != "ended" || s.Organization == nil || s.Organization.Name != "Acme" || s.User == nil || s.Error.Action != string(api.StepUp) {
				t.Errorf("with reason %q: %+v", reason, s)
			}
		})
	}
}

// TestDenied_EndedIsOneRequest: the refusal of an organization session that has ended says
// the same. A backend of the release before is asked.
func TestDenied_EndedIsOneRequest(t *testing.T) {
	for before, more := range map[bool][]string{false: nil, true: {"GET /session"}} {
		run(t, func(t *testing.T, b *browser) {
			b.signIn("ada")
			b.left["org_a"], b.before = true, before
			if s := b.open(route("acme")).state(t); s.Status != "ended" || s.Denied != "" || s.Organization == nil || s.Organization.Name != "Acme" || s.User == nil || len(s.Organizations) != 2 {
				t.Errorf("%+v", s)
			}
			b.expectRequests(t, append([]string{"POST /token acme"}, more...)...)
		})
	}
}

// TestDenied_TakenAwayIsAnEnd: what the page shows has ended.
func TestDenied_TakenAwayIsAnEnd(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		p := b.open(route("acme"))
		b.set(func() { b.members["ada"] = b.members["ada"][1:] })
		time.Sleep(time.Hour)
		if s := p.state(t); s.Status != "ended" || s.Denied != "" || s.Organization == nil {
			t.Errorf("%+v", s)
		}
	})
}

// TestDenied_Offline: the refusal came and the answer to who the person is did not. The
// tab asks again.
func TestDenied_Offline(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		b.set(func() {
			b.before = true
			b.script = func(r tab.Request) *tab.Response {
				if r.Method == "GET" {
					away := refuse(503, api.Error{Code: api.TemporarilyUnavailable})
					return &away
				}
				return nil
			}
		})
		p := b.open(route("nosuch"))
		p.expect(t, tab.Unavailable, "")
		b.set(func() { b.script = nil })
		time.Sleep(time.Hour)
		if s := p.state(t); s.Denied != "nosuch" || s.User == nil {
			t.Errorf("%+v", s)
		}
	})
}

// TestDenied_AsksWhenLookedAt: a tab that was denied learns that the person was admitted, or
// signed out elsewhere, when it is looked at, and asks no more often than every 30 seconds.
func TestDenied_AsksWhenLookedAt(t *testing.T) {
	for name, end := range map[string]func(b *browser, p *page){
		"admitted": func(b *browser, p *page) {
			b.set(func() { b.members["ada"] = append(b.members["ada"], initech); clear(b.refusals) })
			p.focus()
			p.expect(t, tab.Active, "initech")
		},
		"signed out": func(b *browser, p *page) {
			b.set(func() { b.session, b.person = "", "" })
			p.focus()
			p.expect(t, tab.SignedOut)
		},
		"offline": func(b *browser, p *page) {
			b.set(func() { b.offline = true })
			shown := len(p.states)
			p.focus()
			if s := p.state(t); s.Denied != "initech" || len(p.states) != shown {
				t.Errorf("offline: %+v", s)
			}
			b.set(func() { b.offline = false })
		},
	} {
		for _, code := range []api.Code{api.OrganizationAccessDenied, api.InsufficientUserAuthentication, api.OriginNotJoined} {
			t.Run(name+" "+string(code), func(t *testing.T) { run(t, func(t *testing.T, b *browser) { lookAtDenied(t, b, code, end) }) })
		}
	}
}

func lookAtDenied(t *testing.T, b *browser, code api.Code, end func(*browser, *page)) {
	b.signIn("ada")
	if code != api.OrganizationAccessDenied {
		b.refusals["org_i"] = api.Error{Code: code, LoginURL: "/login?organization=org_i"}
	}
	p := b.open(route("initech"))
	p.hide()
	b.requests()
	shown := len(p.states)
	for range 3 { // it stays denied, and the page does not flicker
		time.Sleep(29 * time.Second)
		p.focus()
		b.expectRequests(t)
		time.Sleep(2 * time.Second)
		p.focus()
		if got := b.requests(); len(got) == 0 || got[0] != "POST /token initech" {
			t.Errorf("asked %v", got)
		}
		p.focus()
		b.expectRequests(t)
		p.hide()
	}
	if s := p.state(t); s.Denied != "initech" || len(p.states) != shown || s.User == nil {
		t.Errorf("%+v, after %v", s, p.states[shown:])
	}
	time.Sleep(time.Hour)
	end(b, p)
}

// TestSignOut_OfAnOrganizationHasItsReason, in this tab as in the others.
func TestSignOut_OfAnOrganizationHasItsReason(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		p := b.open(route("acme"))
		p.signOut(t, api.ScopeOrganization)
		if e := p.state(t).Error; e == nil || e.Code != string(api.OrganizationSessionExpired) || e.Reason != "signed_out" || e.Action != string(api.StepUp) {
			t.Errorf("%+v", e)
		}
	})
}

// TestArrival_IsACode: what an address says is no text for people.
func TestArrival_IsACode(t *testing.T) {
	for said, want := range map[api.Code][2]string{
		"access_denied":                    {"access_denied", "retry"},
		"user_cancelled_authorize":         {"access_denied", "retry"},
		"auth_time_missing":                {"auth_time_missing", "stop"},
		"authentication_not_renewed":       {"authentication_not_renewed", "stop"},
		"Your account is locked. Call 555": {"server_error", "retry"},
		"mine":                             {"server_error", "retry"},
	} {
		run(t, func(t *testing.T, b *browser) {
			p := b.open(func(c *tab.Config) { c.Arrival = said })
			if e := p.state(t).Error; e == nil || e.Code != want[0] || e.Action != want[1] {
				t.Errorf("%s: %+v", said, e)
			}
		})
	}
}

// pageOf is the page of organizations that a request asks for, of three; the first comes
// with the refusal of a mint too.
func (b *backend) pageOf(r tab.Request) *tab.Response {
	page := 0
	fmt.Sscanf(strings.TrimPrefix(r.URL, base+"/session"), "?after=org_%d", &page)
	session := api.SessionResponse{Session: b.session, User: b.user(),
		Organizations: []api.OrganizationState{{ID: fmt.Sprintf("org_p%d", page), Slug: fmt.Sprintf("p%d", page)}}}
	if page < 2 {
		session.Next = fmt.Sprintf("org_%d", page+1)
	}
	answer := ok(session)
	if r.Method == "POST" {
		answer = ok(api.Error{Code: api.OrganizationRequired, Session: &session})
	}
	return &answer
}

// TestOrganizations_Pages: all are listed, however many pages they are.
func TestOrganizations_Pages(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		b.set(func() { b.script = b.pageOf })
		p := b.open()
		p.expect(t, tab.Choose, "")
		var all []string
		for _, o := range p.state(t).Organizations {
			all = append(all, o.Slug)
		}
		if got := strings.Join(all, " "); got != "p0 p1 p2" {
			t.Errorf("listed %s", got)
		}
		b.expectRequests(t, "POST /token", "GET /session?after=org_1", "GET /session?after=org_2")
	})
}
