package tab_test

import (
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/wasm/tab"
)

func TestNobodyIsSignedIn(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		p := b.open()
		p.expect(t, tab.SignedOut, "")
		b.expectRequests(t, "POST /token")
		p.expectRefusal(t, api.LoginRequired)
		b.expectRequests(t) // the state is known
	})
}

func TestP2OneOrganizationIsNeverAskedFor(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("cleo")
		p := b.open()
		p.expect(t, tab.Active, "initech")
		p.token(t, "cleo@initech")
		b.expectRequests(t, "POST /token")
	})
}

func TestP2EnteringAnotherOrganizationTakesNoSignIn(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		for _, organization := range []string{"acme", "globex"} {
			p := b.open(route(organization))
			p.expect(t, tab.Active, organization)
			p.token(t, "ada@"+organization)
		}
	})
}

func TestSeveralOrganizationsAreOffered(t *testing.T) {
	for name, before := range map[string]bool{"by one request": false, "by two of the release before": true} {
		t.Run(name, func(t *testing.T) { testChoice(t, before) })
	}
}

func testChoice(t *testing.T, before bool) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		b.before = before
		p := b.open()
		p.expect(t, tab.Choose, "")
		if before {
			b.expectRequests(t, "POST /token", "GET /session")
		} else {
			b.expectRequests(t, "POST /token")
		}
		if s := p.state(t); len(s.Organizations) != 2 || s.User == nil || s.User.ID != "usr_ada" {
			t.Errorf("offered %+v to %+v", s.Organizations, s.User)
		}
		p.expectRefusal(t, api.OrganizationRequired)
		p.Switch("acme")
		p.expect(t, tab.Active, "acme")
	})
}

func TestSomebodyWithoutAnOrganizationSeesWhoTheyAre(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("eve")
		p := b.open()
		p.expect(t, tab.Choose, "")
		if s := p.state(t); s.Organizations == nil || len(s.Organizations) != 0 || s.User.ID != "usr_eve" {
			t.Errorf("offered %+v to %+v", s.Organizations, s.User)
		}
	})
}

func TestWhichOrganizationANewTabWears(t *testing.T) {
	wears := func(name string, person, route, remembered, want string) {
		t.Run(name, func(t *testing.T) {
			run(t, func(t *testing.T, b *browser) {
				b.signIn(person)
				session := &storage{}
				if remembered != "" {
					p := b.open(func(c *tab.Config) { c.Organization = remembered })
					session = p.session
					p.closeTab()
				}
				p := b.restore(session, func(c *tab.Config) { c.Organization = route })
				if want == "" {
					p.expect(t, tab.Choose, "")
					return
				}
				p.expect(t, tab.Active, want)
				p.token(t, person+"@"+want)
			})
		})
	}
	wears("the route goes before the record", "ada", "globex", "acme", "globex")
	wears("the route may name an id", "ada", "org_g", "acme", "globex")
	wears("the record goes before asking", "ada", "", "acme", "acme")
	wears("the only one needs no name", "cleo", "", "", "initech")
	wears("several are asked for, never the one last used", "ada", "", "", "")
}

func TestARouteToAForeignOrganizationShowsNothing(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		p := b.open(route("acme"))
		p.closeTab()
		p = b.restore(p.session, route("initech"))
		p.expect(t, tab.Ended, "")
		p.expectRefusal(t, api.OrganizationAccessDenied)
	})
}

func TestP1AReloadKeepsTheOrganizationAndAsksNobody(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		p := b.open(route("acme"))
		p.config.Organization = ""
		token := p.token(t, "ada@acme")
		b.expectRequests(t, "POST /token acme")
		for range 5 {
			time.Sleep(10 * time.Second)
			p = p.reload()
			p.expect(t, tab.Active, "acme")
			if got := p.token(t, "ada@acme"); got != token {
				t.Fatalf("token %s, want %s", got, token)
			}
		}
		b.expectRequests(t)
	})
}

// A request that the page began with the early token goes on.
func TestP6ATokenThatEndsWhileThePageLoadsCostsItNothing(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		p := b.open(route("acme"))
		p.config.Organization = ""
		fence := p.state(t).Fence
		p.closeTab()
		time.Sleep(time.Hour)
		asked := false
		b.set(func() {
			b.script = func(tab.Request) *tab.Response { // meanwhile the page is focused and asks for a token too
				if p := b.pages[len(b.pages)-1]; !asked {
					asked = true
					go p.OnVisible(false)
					go p.Organizations()
				}
				return nil
			}
			b.latency = time.Second
		})
		p = b.restore(p.session)
		time.Sleep(2 * time.Second)
		b.set(func() { b.script = nil })
		if p.expect(t, tab.Active, "acme"); strings.Contains(strings.Join(p.states, ""), `"starting"`) {
			t.Errorf("the tab flickered through %v", p.states)
		}
		if got := p.state(t).Fence; got != fence {
			t.Errorf("fence %d, was %d", got, fence)
		}
		p.closeTab()
		b.refusals["org_a"] = api.Error{Code: api.OrganizationSessionExpired}
		time.Sleep(time.Hour)
		p = b.restore(p.session)
		p.expect(t, tab.Ended)
		if got := p.state(t).Fence; got == fence {
			t.Error("what ended has the fence of what was worn")
		}
	})
}

func TestP1NothingAnotherTabDoesChangesTheOrganization(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("dan")
		p, other := b.open(route("acme")), b.open(route("globex"))
		p.config.Organization, other.config.Organization = "", ""
		if r := other.Switch("initech"); r.Status != tab.Switched {
			t.Fatalf("switch: %+v", r)
		}
		other = other.reload()
		p.token(t, "dan@acme")
		p = p.reload()
		p.expect(t, tab.Active, "acme")
		other.expect(t, tab.Active, "initech")
	})
}

func TestP8AnExpiredTokenStillSaysWhereTheTabBelongs(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		p := b.open(route("globex"))
		p.config.Organization = ""
		p.closeTab()
		time.Sleep(24 * time.Hour)
		p = p.browser.restore(p.session)
		p.expect(t, tab.Active, "globex")
		p.token(t, "ada@globex")
	})
}

func TestP8AfterASignInTheTabIsWhereItWas(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		p := b.open(route("globex"))
		p.config.Organization = ""
		b.set(func() { b.person = "" })
		time.Sleep(time.Hour)
		p.expect(t, tab.SignedOut, "")
		p.SignIn("", "https://app.example/notes?a=1", tab.Hints{})
		want := base + "/login?organization=org_g&return_to=https%3A%2F%2Fapp.example%2Fnotes%3Fa%3D1"
		if p.navigated != want {
			t.Errorf("went to %s\nwant    %s", p.navigated, want)
		}
		b.signIn("ada")
		p = p.reload()
		p.expect(t, tab.Active, "globex")
	})
}

func TestAnotherPersonSigningInHereDoesNotInheritTheOrganization(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		p := b.open(route("acme"))
		p.config.Organization = ""
		p.SignIn("", "https://app.example/", tab.Hints{})
		b.signIn("cleo")
		p = p.reload()
		p.expect(t, tab.Active, "initech")
		p.token(t, "cleo@initech")
		for _, text := range p.states {
			if strings.Contains(text, `"ended"`) {
				t.Errorf("the tab flickered through %s", text)
			}
		}
	})
}

func TestASignInForAnOrganizationEntersIt(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		p := b.open()
		p.SignIn("globex", "https://app.example/", tab.Hints{})
		b.signIn("ada")
		p = p.reload()
		p.expect(t, tab.Active, "globex")
	})
}

// The provider cannot satisfy the step-up.
func TestAStepUpThatIsOfNoUseIsNotOfferedForEver(t *testing.T) {
	for arrival, want := range map[api.Code]api.Action{api.AuthTimeMissing: api.Stop, api.AuthenticationNotRenewed: api.Stop, "access_denied": api.StepUp} {
		run(t, func(t *testing.T, b *browser) {
			b.signIn("ada")
			b.refusals["org_a"] = api.Error{Code: api.InsufficientUserAuthentication}
			b.refusals["acme"] = b.refusals["org_a"]
			p := b.open(route("acme"), func(c *tab.Config) { c.Arrival = arrival })
			if s := p.state(t); s.Status != "ended" || s.Error == nil || s.Error.Action != string(want) || (s.Error.Code == string(arrival)) != (want == api.Stop) {
				t.Errorf("after %s: state %+v %+v", arrival, s.Status, s.Error)
			}
			if r := p.Switch("globex"); r.Status != tab.Switched {
				t.Errorf("the switch to another: %+v", r)
			}
		})
	}
}

func TestASignInThatFailedIsToldOnce(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		p := b.open(func(c *tab.Config) { c.Arrival = "access_denied" })
		s := p.state(t)
		if s.Status != "signed_out" || s.Error == nil || s.Error.Code != "access_denied" {
			t.Errorf("state %+v %+v", s.Status, s.Error)
		}
	})
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		p := b.open(route("acme"), func(c *tab.Config) { c.Arrival = "access_denied" })
		if s := p.state(t); s.Status != "active" || s.Error == nil || s.Error.Code != "access_denied" {
			t.Errorf("state %+v %+v", s.Status, s.Error)
		}
		p.Switch("globex")
		if s := p.state(t); s.Error != nil {
			t.Errorf("the error stays after the person went on: %+v", s.Error)
		}
	})
}
