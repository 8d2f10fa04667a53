package tab_test

import (
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/wasm/tab"
)

// The same person goes on in the other tabs, under the session that the step-up began.
// No page starts again or sees its partition end.
func TestEpoch_StepUpLeavesOtherTabs(t *testing.T) {
	for name, first := range map[string]int{"the tab that came back mints first": 0, "another tab mints first": 1} {
		t.Run(name, func(t *testing.T) {
			run(t, func(t *testing.T, b *browser) {
				b.signIn("ada")
				tabs := []*page{b.open(route("acme")), b.open(route("globex")), b.open(route("acme"))}
				before := []shown{tabs[0].state(t), tabs[1].state(t), tabs[2].state(t)}
				seen := len(tabs[2].states)
				for range 3 { // step-ups, one after the other
					tabs[0].StepUp("acme", "", "https://app.example/page")
					b.signIn("ada")
					if first == 1 {
						time.Sleep(10 * time.Minute) // the others renew their tokens
					}
					tabs[0] = tabs[0].reload()
					tabs[0].expect(t, tab.Active, "acme")
				}
				for i, p := range tabs[1:] {
					p.expect(t, tab.Active, p.config.Organization)
					if got := p.state(t); got.Fence != before[i+1].Fence {
						t.Errorf("tab %d: fence %d, was %d", i+1, got.Fence, before[i+1].Fence)
					}
				}
				for _, state := range tabs[2].states[seen:] {
					if !strings.Contains(state, `"active"`) {
						t.Errorf("the third tab showed %s", state)
					}
				}
				tabs[2].token(t, "ada@acme")
				tabs[1].signOut(t, api.ScopeSession)
				for _, p := range tabs {
					p.expect(t, tab.SignedOut)
				}
			})
		})
	}
}

// A sign-in that did not start from a tab's session may be another person's: no tab
// goes on before it knows the person.
func TestEpoch_SignInTakesOtherTabsOff(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		one, two := b.open(route("acme")), b.open(route("acme"))
		before := two.state(t).Fence
		one.SignIn("", "https://app.example/page", tab.Hints{})
		b.signIn("ada")
		one.reload()
		if two.state(t).Fence == before {
			t.Error("the other tab went on as if nothing had happened")
		}
	})
}

// TestStepUp_MintedWhileLeaving: a token that the page asks for after the step-up began, and
// before it is left, does not pass for one that meets it.
func TestStepUp_MintedWhileLeaving(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		p := b.open(route("acme"))
		p.StepUp("org_a", "", "https://app.example/page")
		old := p.token(t, "ada@acme")
		b.signIn("ada")
		p = p.reload()
		p.expect(t, tab.Active, "acme")
		if got := p.token(t, "ada@acme"); got == old {
			t.Error("the tab goes on with the token of before the step-up")
		}
	})
}
