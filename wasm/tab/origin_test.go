package tab_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/wasm/tab"
)

// Tabs of an app with an origin for each organization. The pages of these tests are at acme's.

const (
	acmeOrigin   = "https://acme.app.example"
	globexOrigin = "https://globex.app.example"
	joinURL      = base + "/login?app=web&join=1&prompt=none"
)

func atAcme(c *tab.Config) { c.Organization, c.Origin = "acme", acmeOrigin }

// many gives the app an origin for each organization. The origin of the page has no session
// until joined returns true, and a code for another one leads to globex.
func many(b *browser, joined func() bool) {
	b.origins = &api.Origins{Home: "https://app.example", Pattern: "https://:organization.app.example"}
	b.set(func() {
		b.script = func(r tab.Request) *tab.Response {
			var answer tab.Response
			switch {
			case pathOf(r) == api.PathHandoverJoin && strings.Contains(r.Body, "good"):
				joined = func() bool { return true }
				answer = ok(api.JoinResponse{ServerTime: serverTime()})
			case pathOf(r) == api.PathHandoverJoin:
				answer = refuse(400, api.Error{Code: api.InvalidRequest})
			case !joined():
				answer = refuse(401, api.Error{Code: api.OriginNotJoined, LoginURL: joinURL})
			case pathOf(r) == api.PathHandoverOrigin:
				answer = lead(r)
			default:
				return nil
			}
			return &answer
		}
	})
}

func lead(r tab.Request) tab.Response {
	var request api.OriginRequest
	json.Unmarshal([]byte(r.Body), &request)
	to := map[string]string{"": "https://app.example", "globex": globexOrigin, "org_g": globexOrigin, "acme": acmeOrigin}[request.Organization]
	if to == "" {
		return refuse(403, api.Error{Code: api.OrganizationAccessDenied})
	}
	return ok(api.OriginResponse{Origin: to, URL: to + "/app/", Code: "a+b", ExpiresIn: 60, ServerTime: serverTime()})
}

func always() bool { return true }
func never() bool  { return false }

// TestP6Origins_JoinsSilentlyThenAsks: a page whose origin has no session leaves once for a
// sign-in that asks nothing, and then asks the person. It is not signed out, and does not ask
// the backend without end.
func TestP6Origins_JoinsSilentlyThenAsks(t *testing.T) {
	for name, organization := range map[string]string{"an organization's page": "acme", "the app's own": ""} {
		t.Run(name, func(t *testing.T) {
			run(t, func(t *testing.T, b *browser) {
				b.signIn("ada")
				many(b, never)
				p := b.open(atAcme, route(organization))
				if len(p.states) > 0 || p.navigated != "silently "+joinURL {
					t.Fatalf("shows %v and goes to %q", p.states, p.navigated)
				}
				p = p.reload()
				s := p.state(t)
				want := map[string]string{"acme": "ended", "": "signed_out"}[organization]
				if s.Status != want || s.Denied != organization || s.Error == nil || s.Error.Code != "origin_not_joined" || s.Error.Action != "step_up" || p.navigated != "" {
					t.Errorf("%+v %+v, goes to %q", s, s.Error, p.navigated)
				}
				b.requests()
				time.Sleep(time.Hour)
				if all := b.requests(); len(all) > 0 {
					t.Errorf("asks again: %v", all)
				}
				if organization != "" {
					r := p.Switch(organization)
					if r.Status != tab.StepUpRequired || r.Error.LoginURL != "" { // which asks the person
						t.Errorf("%s", r.JSON())
					}
				}
				p = p.reload() // more than a minute later
				if p.navigated != "silently "+joinURL {
					t.Errorf("goes to %q", p.navigated)
				}
			})
		})
	}
}

// TestP11Origins_BlockedStorage: where a tab cannot remember that it left, it does not leave.
func TestP11Origins_BlockedStorage(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		many(b, never)
		p := b.restore(&storage{blocked: true}, atAcme)
		if s := p.state(t); s.Status != "ended" || s.Error.Code != "origin_not_joined" || p.navigated != "" {
			t.Errorf("%+v, goes to %q", s, p.navigated)
		}
	})
}

// TestOrigins_StayingPageAsks: a page that could not leave for the silent sign-in asks the
// person, and one that is shown again asks how the sign-in ended.
func TestOrigins_StayingPageAsks(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		joined := false
		many(b, func() bool { return joined })
		back := b.open(atAcme)
		told := b.open(atAcme)
		told.OnNotJoined()
		told.expect(t, tab.Ended)
		back.OnPageHide()
		b.set(func() { joined = true })
		back.OnPageShow()
		back.expect(t, tab.Active, "acme")
		b.set(func() { joined = false })
		staying := b.open(atAcme)
		time.Sleep(tab.Timeout + time.Second)
		staying.expect(t, tab.Ended)
		back.OnNotJoined() // late
		back.expect(t, tab.Active, "acme")
	})
}

// TestP2Origins_JoinsByCode: a page that another origin led to joins by the code of its
// address. One that is bad leads to the silent sign-in.
func TestP2Origins_JoinsByCode(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		many(b, never)
		bad := b.open(atAcme, func(c *tab.Config) { c.Join = "bad" })
		if bad.navigated != "silently "+joinURL {
			t.Errorf("goes to %q", bad.navigated)
		}
		b.requests()
		p := b.open(atAcme, func(c *tab.Config) { c.Join = "good" })
		p.expect(t, tab.Active, "acme")
		if got, want := b.requests(), []string{"POST /token acme", "POST /handover/join", "POST /token acme"}; !slices.Equal(got, want) || p.navigated != "" {
			t.Errorf("%v, goes to %q", got, p.navigated)
		}
	})
}

// TestOrigins_ActiveTabIsNotLeft: a tab with an organization on it that loses its origin's
// session stays where it is, with what the person typed.
func TestOrigins_ActiveTabIsNotLeft(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		joined := true
		many(b, func() bool { return joined })
		p := b.open(atAcme)
		p.expect(t, tab.Active, "acme")
		b.set(func() { joined = false })
		time.Sleep(time.Minute)
		if s := p.state(t); s.Status != "ended" || s.Organization == nil || s.Error.Code != "origin_not_joined" || p.navigated != "" {
			t.Errorf("%+v %+v, goes to %q", s, s.Error, p.navigated)
		}
	})
}

// TestP10Origins_NoTokenFromRecord: a tab cannot hear of a sign-out at another origin. So its
// record has no token, a reload asks the backend first, and a tab in sight asks when it is
// looked at and every half minute.
func TestP10Origins_NoTokenFromRecord(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		many(b, always)
		p := b.open(atAcme)
		p.expect(t, tab.Active, "acme")
		p.recordHasNoToken(t)
		b.elsewhere("")
		time.Sleep(time.Second)
		p.reload().expect(t, tab.SignedOut)

		p = b.alone(atAcme)
		b.elsewhere("")
		time.Sleep(31 * time.Second)
		p.expect(t, tab.SignedOut)

		p = b.alone(atAcme)
		p.hide()
		b.elsewhere("")
		time.Sleep(time.Millisecond)
		p.expect(t, tab.Active, "acme") // nobody looks
		p.focus()
		p.expect(t, tab.SignedOut)

		p = b.alone()
		p.expect(t, tab.Choose)
		b.set(func() { b.offline = true })
		p.focus()
		p.expect(t, tab.Choose)
		time.Sleep(10 * time.Minute)
		p.expect(t, tab.Choose)
		b.set(func() { b.offline = false })
		b.elsewhere("")
		p.focus()
		p.expect(t, tab.SignedOut)

		p = b.alone()
		p.expect(t, tab.Choose)
		b.elsewhere("")
		time.Sleep(31 * time.Second)
		p.expect(t, tab.SignedOut)

		p = b.alone(atAcme)
		p.OnPageHide()
		b.elsewhere("")
		b.set(func() { b.latency = time.Second })
		p.OnPageShow() // by the back button
		if token, err := p.Credential("", ""); err == nil {
			t.Errorf("handed out %s", token)
		}
		p.expect(t, tab.SignedOut)
	})
}

// elsewhere makes a person the one who is signed in, without a word in this origin's storage
// or channel; nobody, if it is empty.
func (b *browser) elsewhere(person string) { b.set(func() { b.person = person }) }

// alone signs ada in again, and opens the only tab, so that no other hears of it first.
func (b *browser) alone(configure ...func(*tab.Config)) *page {
	for _, other := range b.pages {
		other.closeTab()
	}
	b.elsewhere("ada")
	return b.open(configure...)
}

func (p *page) recordHasNoToken(t *testing.T) {
	t.Helper()
	for _, text := range p.session.items {
		if strings.Contains(text, "ada@acme") || strings.Contains(text, `"status":"active"`) {
			t.Errorf("the record has a token or a state: %s", text)
		}
	}
}

// TestOrigins_SteadyTab: a tab in sight asks twice a minute, and a hidden one not at all.
func TestOrigins_SteadyTab(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		many(b, always)
		p := b.open(atAcme)
		b.requests()
		time.Sleep(time.Hour + 10*time.Second) // between two requests
		if n := len(b.requests()); n < 115 || n > 120 {
			t.Errorf("%d requests in an hour in sight", n)
		}
		p.hide()
		time.Sleep(time.Hour)
		if all := b.requests(); len(all) > 0 {
			t.Errorf("hidden: %v", all)
		}
	})
}

// TestP3Origins_Switch: a page leaves for another organization's origin only once the backend
// has agreed; otherwise it stays as it is.
func TestP3Origins_Switch(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		many(b, always)
		p := b.open(atAcme)
		for organization, want := range map[string]tab.Outcome{"initech": tab.Refused, "acme": tab.Switched} {
			if r := p.Switch(organization); r.Status != want || p.navigated != "" {
				t.Errorf("%s: %s, goes to %q", organization, r.JSON(), p.navigated)
			}
			p.expect(t, tab.Active, "acme")
		}
		b.set(func() { b.offline = true })
		if r := p.Switch("globex"); r.Status != tab.SwitchUnavailable || p.navigated != "" {
			t.Errorf("offline: %s, goes to %q", r.JSON(), p.navigated)
		}
		p.expect(t, tab.Active, "acme")
		b.set(func() { b.offline, b.latency = false, time.Second })
		var first tab.SwitchResult
		done := make(chan bool)
		go func() { first = p.Switch("globex"); close(done) }()
		time.Sleep(time.Millisecond)
		if r := p.Switch(""); r.Status != tab.Leaving || r.Error.Code != "page_left" {
			t.Errorf("%s", r.JSON())
		}
		<-done
		if first.Status != tab.SwitchOvertaken || p.navigated != "https://app.example/app/#tabard_join=a%2Bb" {
			t.Errorf("%s, goes to %q", first.JSON(), p.navigated)
		}
		b.requests()
		if r := p.Switch("globex"); r.Status != tab.Leaving || p.navigated != globexOrigin+"/app/#tabard_join=a%2Bb" {
			t.Errorf("%s, goes to %q", r.JSON(), p.navigated)
		}
		if got := b.requests(); !slices.Equal(got, []string{"POST /handover/origin globex"}) {
			t.Error(got)
		}
		p.expect(t, tab.Active, "acme") // until the page is gone
		for path, want := range map[string]string{"": "/app/#tabard_join=a%2Bb", "/x?y#z": "/x?y#z&tabard_join=a%2Bb"} {
			if got, err := p.Address("globex", path); err != nil || got != globexOrigin+want {
				t.Errorf("%s: %q %v", path, got, err)
			}
		}
		if got, err := p.Address("initech", ""); err == nil || err.Code != api.OrganizationAccessDenied {
			t.Errorf("%q %v", got, err)
		}
	})
}

// TestOrigins_SwitchHere: from the app's own page a switch leads to the organization's origin;
// the organization that a page was opened or signed in for is entered where the page is.
func TestOrigins_SwitchHere(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		many(b, always)
		home := b.open(func(c *tab.Config) { c.Origin = "https://app.example" })
		home.expect(t, tab.Choose)
		if r := home.Switch(""); r.Status != tab.Refused || home.navigated != "" {
			t.Errorf("%s", r.JSON())
		}
		if r := home.Switch("globex"); r.Status != tab.Leaving {
			t.Errorf("%s", r.JSON())
		}
		home.StepUp("globex", "", "https://app.example/") // as a sign-in for it
		home = home.reload()
		home.expect(t, tab.Active, "globex")
		b.requests()
		if r := home.Switch("globex"); r.Status != tab.Switched {
			t.Errorf("%s", r.JSON())
		}
		if r := home.Enter("acme"); r.Status != tab.Switched { // a page that moves its address first
			t.Errorf("%s", r.JSON())
		}
		if r := home.Switch("acme"); r.Status != tab.Switched {
			t.Errorf("%s", r.JSON())
		}
	})
}

// TestOrigins_OneAsBefore: nothing changes in an app whose origins name no organization.
func TestOrigins_OneAsBefore(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		p := b.open(route("acme"))
		if got := p.states[len(p.states)-1] + p.session.items["tabard"]; strings.Contains(got, "origins") || strings.Contains(got, "asked") || !strings.Contains(got, "ada@acme") {
			t.Error(got)
		}
		b.requests()
		if r := p.Switch("globex"); r.Status != tab.Switched {
			t.Errorf("%s", r.JSON())
		}
		if got := b.requests(); !slices.Equal(got, []string{"POST /token globex enter"}) {
			t.Error(got)
		}
		if r := p.Switch(""); r.Status != tab.Refused {
			t.Errorf("%s", r.JSON())
		}
	})
}
