package tab_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/wasm/tab"
)

func (p *page) signOut(t *testing.T, scope string) {
	t.Helper()
	if _, err := p.SignOut(scope, ""); err != nil {
		t.Fatalf("signing out: %v", err)
	}
	synctest.Wait()
}

func TestP10ASignOutReachesEveryTab(t *testing.T) {
	environments := map[string]func(*browser){
		"with all the browser has":   func(b *browser) {},
		"without a BroadcastChannel": func(b *browser) { b.noChannel = true },
		"with storage blocked":       func(b *browser) { b.local.blocked = true },
	}
	for name, prepare := range environments {
		t.Run(name, func(t *testing.T) {
			run(t, func(t *testing.T, b *browser) {
				prepare(b)
				b.signIn("ada")
				p, other, hidden := b.open(route("acme")), b.open(route("globex")), b.open(route("acme"))
				hidden.hide()
				if end, err := p.SignOut(api.ScopeSession, ""); err != nil || end != "https://id.example/end" {
					t.Fatalf("sign-out: %q %v", end, err)
				}
				time.Sleep(3 * time.Second)
				other.Credential("", "")
				hidden.Credential("", "")
				for _, p := range []*page{p, other, hidden} {
					p.expect(t, tab.SignedOut, "")
					p.expectRefusal(t, api.LoginRequired)
					p.reload().expect(t, tab.SignedOut, "")
				}
			})
		})
	}
}

func TestP10ASignOutElsewhereTakesNoRequest(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		var tabs []*page
		for range 200 {
			tabs = append(tabs, b.open(route("acme")))
		}
		b.requests()
		tabs[0].signOut(t, api.ScopeEverywhere)
		for _, p := range tabs {
			p.expect(t, tab.SignedOut, "")
		}
		time.Sleep(time.Minute)
		b.expectRequests(t, "POST /logout everywhere")
	})
}

func TestP10ARestoredTabShowsNothing(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		p, closed := b.open(route("acme")), b.open(route("acme"))
		closed.closeTab()
		kept := b.open(route("globex"))
		kept.OnPageHide() // into the back/forward cache, where no message arrives
		b.noChannel = true
		p.signOut(t, api.ScopeSession)

		restored := b.restore(closed.session)
		restored.expect(t, tab.SignedOut, "")
		for _, text := range restored.states {
			if strings.Contains(text, "acme") {
				t.Errorf("the restored tab showed %s", text)
			}
		}
		kept.OnPageShow()
		kept.expect(t, tab.SignedOut, "")
	})
}

func TestP10ALateAnswerBringsNothingBack(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		p, other := b.open(route("acme")), b.open(route("globex"))
		late := ok(b.mint(globex))
		b.set(func() {
			b.latency = 5 * time.Second
			b.script = func(r tab.Request) *tab.Response {
				if strings.Contains(r.Body, "org_g") {
					b.script, b.latency = nil, 0
					return &late
				}
				return nil
			}
		})
		got := make(chan *tab.Error)
		go func() {
			_, err := other.Credential("", other.token(t, "ada@globex"))
			got <- err
		}()
		synctest.Wait()
		b.noChannel = true
		p.signOut(t, api.ScopeSession)
		if err := <-got; err == nil || err.Action != api.SignIn {
			t.Errorf("the token under way came as %v", err)
		}
		other.expect(t, tab.SignedOut, "")
	})
}

func TestP10ASignOutDuringASwitchStands(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		p := b.open(route("acme"))
		b.set(func() { b.latency = time.Second })
		done := make(chan tab.SwitchResult)
		go func() { done <- p.Switch("globex") }()
		synctest.Wait()
		b.set(func() { b.latency = 3 * time.Second }) // the sign-out is slower
		p.signOut(t, api.ScopeSession)
		if r := <-done; r.Status != tab.SwitchOvertaken {
			t.Errorf("switch: %+v", r)
		}
		p.expect(t, tab.SignedOut, "")
	})
}

func TestASignOutThatFailedEndsNothing(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		p := b.open(route("acme"))
		b.set(func() { b.offline = true })
		if _, err := p.SignOut(api.ScopeSession, ""); err == nil || err.Action != api.Retry {
			t.Errorf("sign-out offline: %v", err)
		}
		p.expect(t, tab.Active, "acme")
	})
}

// The previous release refuses a field that it does not know.
func TestSignOut_AtTheReleaseBefore(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		p := b.open(route("acme"))
		b.requests()
		b.set(func() {
			b.script = func(r tab.Request) *tab.Response {
				if !strings.Contains(r.Body, "return_to") {
					return nil
				}
				refused := refuse(400, api.Error{Code: api.InvalidRequest})
				return &refused
			}
		})
		if end, err := p.SignOut(api.ScopeSession, "https://app.example/app/"); err != nil || end != "https://id.example/end" {
			t.Errorf("sign-out: %q %v", end, err)
		}
		b.expectRequests(t, "POST /logout session", "POST /logout session")
		p.expect(t, tab.SignedOut, "")
	})
}

func TestASignOutOfASessionThatIsOverSucceeds(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		p := b.open(route("acme"))
		b.set(func() { b.person = "" })
		p.signOut(t, api.ScopeSession)
		p.expect(t, tab.SignedOut, "")
	})
}

func TestP4SigningOutOfOneOrganizationLeavesTheOthers(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		p, sibling, other := b.open(route("acme")), b.open(route("acme")), b.open(route("globex"))
		fence := other.state(t).Fence
		p.signOut(t, api.ScopeOrganization)
		time.Sleep(3 * time.Second)
		p.expect(t, tab.Ended, "acme")
		sibling.expect(t, tab.Ended, "acme")
		other.expect(t, tab.Active, "globex")
		if got := other.state(t).Fence; got != fence {
			t.Errorf("the other organization's fence is %d, was %d", got, fence)
		}
		other.token(t, "ada@globex")
	})
}

func TestP4OnlyASwitchEntersAnOrganizationThatWasLeft(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		p := b.open(route("acme"))
		p.signOut(t, api.ScopeOrganization)
		p.expectRefusal(t, api.OrganizationSessionExpired)
		p = p.reload()
		p.expect(t, tab.Ended)
		b.open(route("acme")).expect(t, tab.Ended)
		if r := p.Switch("acme"); r.Status != tab.Switched {
			t.Fatalf("switch: %+v", r)
		}
		p.expect(t, tab.Active, "acme")
		p.token(t, "ada@acme")
	})
}

func TestP4TheEndOfOneOrganizationIsNotTheEndOfTheSession(t *testing.T) {
	for _, code := range []api.Code{api.OrganizationSessionExpired, api.InsufficientUserAuthentication, api.OrganizationAccessDenied} {
		t.Run(string(code), func(t *testing.T) {
			run(t, func(t *testing.T, b *browser) {
				b.signIn("ada")
				p, other := b.open(route("acme")), b.open(route("globex"))
				b.set(func() { b.refusals["org_a"] = api.Error{Code: code} })
				time.Sleep(time.Hour)
				p.expect(t, tab.Ended, "acme")
				p.expectRefusal(t, code)
				other.expect(t, tab.Active, "globex")
			})
		})
	}
}

func TestTheSessionsEndSignsEveryTabOut(t *testing.T) {
	for _, code := range []api.Code{api.LoginRequired, api.SessionExpired, api.SessionRevoked, api.RefreshTokenReused, api.DeviceKeyRequired, api.DeviceKeyMismatch} {
		t.Run(string(code), func(t *testing.T) {
			run(t, func(t *testing.T, b *browser) {
				b.signIn("ada")
				b.bound = true
				p, other := b.open(route("acme")), b.open(route("globex"))
				b.set(func() {
					b.script = func(tab.Request) *tab.Response { r := refuse(401, api.Error{Code: code}); return &r }
				})
				p.Credential("", p.token(t, "ada@acme"))
				p.expect(t, tab.SignedOut, "")
				p.expectRefusal(t, code)
				other.expect(t, tab.SignedOut, "")
			})
		})
	}
}

func TestASignInElsewhereSignsTheTabIn(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		p := b.open(route("acme"))
		p.expect(t, tab.SignedOut, "")
		b.signIn("ada")
		b.open(route("globex"))
		p.expect(t, tab.Active, "acme")
	})
}

func TestSomebodyElseSignedIn(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		p := b.open(route("globex"))
		p.config.Organization = ""
		b.signIn("bob") // a member of Globex too
		b.open(route("globex")).token(t, "bob@globex")
		p.expect(t, tab.Ended, "")
		p.expectRefusal(t, api.IdentityChanged)
		p = p.reload()
		p.expectRefusal(t, api.IdentityChanged)
		for _, text := range p.states {
			if strings.Contains(text, "usr_bob") {
				t.Errorf("Ada's tab showed Bob: %s", text)
			}
		}
		b.signIn("ada")
		b.open(route("acme"))
		p.expect(t, tab.Active, "globex")
		p.token(t, "ada@globex")
	})
}

func TestSomebodyElsesTokenIsNeverTakenIn(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		p := b.open(route("globex"))
		b.set(func() {
			b.person = "bob" // and the backend fails to compare
			b.script = func(tab.Request) *tab.Response { r := ok(b.mint(globex)); return &r }
		})
		token, err := p.Credential("", p.token(t, "ada@globex"))
		if err == nil || err.Code != api.IdentityChanged {
			t.Errorf("token %q, %v", token, err)
		}
	})
}

func TestTheSamePersonUnderANewSessionGoesOn(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		p := b.open(route("acme"))
		b.signIn("ada")
		b.open(route("globex"))
		p.expect(t, tab.Active, "acme")
		p.token(t, "ada@acme")
	})
}

func TestANewSessionsTabHoldsNoTokensOfTheOldOne(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		b.local.blocked = true // no message or epoch reaches the tab
		p := b.open(route("acme"))
		p.Switch("globex")
		b.signIn("ada")
		if _, err := p.Credential("", p.token(t, "ada@globex")); err != nil {
			t.Fatal(err)
		}
		b.requests()
		p.Switch("acme")
		b.expectRequests(t, "POST /token acme enter")
	})
}

func TestP10AListThatComesAfterASignOutIsNotShown(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		p, other := b.open(route("acme")), b.open(route("globex"))
		b.noChannel = true
		b.set(func() { b.latency = 5 * time.Second })
		got := make(chan *tab.Error)
		go func() {
			_, err := p.Organizations()
			got <- err
		}()
		synctest.Wait()
		b.set(func() { b.latency = 0 })
		other.signOut(t, api.ScopeSession)
		if err := <-got; err == nil || p.state(t).Organizations != nil {
			t.Errorf("%v, in the state %+v", err, p.state(t).Organizations)
		}
	})
}

func TestSomebodyElsesOrganizationsAreNotListed(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		p := b.open(route("acme"))
		b.signIn("bob")
		if list, err := p.Organizations(); err == nil || err.Code != api.IdentityChanged {
			t.Errorf("%+v %v", list, err)
		}
		p.expect(t, tab.Ended, "acme")
	})
}

func TestTheOrganizationsCanBeListed(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		p := b.open(route("acme"))
		list, err := p.Organizations()
		if err != nil || len(list) != 2 || len(p.state(t).Organizations) != 2 {
			t.Errorf("%+v %v, in the state %+v", list, err, p.state(t).Organizations)
		}
		p.expect(t, tab.Active, "acme")
	})
}
