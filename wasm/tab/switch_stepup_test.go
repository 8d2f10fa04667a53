package tab_test

import (
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/wasm/tab"
)

func TestASwitchIsFinishedAfterTheStepUp(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		p := b.open(route("acme"))
		p.config.Organization = ""
		b.refusals["org_g"] = api.Error{Code: api.InsufficientUserAuthentication, LoginURL: base + "/login?organization=org_g&acr_values=mfa"}
		r := p.Switch("globex")
		if r.Status != tab.StepUpRequired || !strings.Contains(r.JSON(), `"loginUrl":"https://app.example/auth/login?organization=org_g&acr_values=mfa"`) {
			t.Fatalf("switch: %s", r.JSON())
		}
		p.StepUp("globex", r.Error.LoginURL, "https://app.example/x")
		if want := r.Error.LoginURL + "&user=usr_ada&return_to=https%3A%2F%2Fapp.example%2Fx"; p.navigated != want {
			t.Errorf("went to %s, want %s", p.navigated, want)
		}
		delete(b.refusals, "org_g")
		p = p.reload()
		p.expect(t, tab.Active, "globex")
		p.reload().expect(t, tab.Active, "globex")
	})
}

func TestAStepUpDoesNotOverruleWhereThePageIs(t *testing.T) {
	for name, configure := range map[string]func(*tab.Config){
		"it failed":                    func(c *tab.Config) { c.Arrival = "access_denied" },
		"the route names another":      route("acme"),
		"the route names it by its id": route("org_a"),
	} {
		t.Run(name, func(t *testing.T) {
			run(t, func(t *testing.T, b *browser) {
				b.signIn("ada")
				p := b.open(route("acme"))
				p.StepUp("globex", "", "https://app.example/")
				p.closeTab()
				b.restore(p.session, configure).expect(t, tab.Active, "acme")
			})
		})
	}
}

func TestASwitchIsFinishedOnThePageOfItsOrganization(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		p := b.open(route("acme"))
		b.refusals["org_g"] = api.Error{Code: api.InsufficientUserAuthentication}
		p.Switch("globex")
		p.StepUp("globex", "", "https://app.example/globex")
		delete(b.refusals, "org_g")
		b.left["org_g"] = true // an enter is needed
		p.config.Organization = "globex"
		p.reload().expect(t, tab.Active, "globex")
	})
}

// The tab's token was minted before the step-up.
func TestAStepUpForTheOrganizationAtHandBringsAFreshToken(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		p := b.open(route("acme"))
		before := p.token(t, "ada@acme")
		p.StepUp("acme", "", "https://app.example/")
		if after := p.reload().token(t, "ada@acme"); after == before {
			t.Error("the tab shows the token from before")
		}
	})
}

func TestAStepUpThatWasGivenUpLeavesTheTabWhereItWas(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		p := b.open(route("acme"))
		b.refusals["org_g"] = api.Error{Code: api.InsufficientUserAuthentication}
		p.StepUp("globex", "", "https://app.example/")
		if want := base + "/login?organization=globex&user=usr_ada&return_to=https%3A%2F%2Fapp.example%2F"; p.navigated != want {
			t.Errorf("went to %s, want %s", p.navigated, want)
		}
		p.closeTab()
		b.restore(p.session).expect(t, tab.Active, "acme")
	})
}
