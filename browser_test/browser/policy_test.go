package browser

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/demo"
)

// idleTimeout is long enough that a busy machine makes all checks within a quarter of
// it: a warning is shown for that long.
const idleTimeout = 12 * time.Second

// strictDemo starts the demo with a bank that soon ends idle sessions.
func strictDemo(t *testing.T) *demo.Demo {
	t.Helper()
	return withStrictBank(t, demo.Start(t))
}

// withStrictBank lets a demo's bank end idle sessions soon.
func withStrictBank(t *testing.T, d *demo.Demo) *demo.Demo {
	t.Helper()
	written := d.Workspace(t)
	strict := strings.Replace(written, "idle_timeout: 2m", "idle_timeout: "+idleTimeout.String(), 1)
	if strict == written {
		t.Fatal("the demo has no strict organization")
	}
	d.Apply(t, strict)
	return d
}

// confirm completes the provider's second factor.
func confirm(t *testing.T, tab context.Context) {
	t.Helper()
	chrome.Press(t, tab, "#second-factor-dana")
}

// TestP4OneOrganizationIdlesOutAndTheOtherWorksOn: the strict tab warns, says why its
// session ended, and returns after one step-up; closing it does not affect the other
// organization.
func TestP4OneOrganizationIdlesOutAndTheOtherWorksOn(t *testing.T) {
	t.Parallel()
	p4OneOrganizationIdlesOut(t, strictDemo(t))
}

func p4OneOrganizationIdlesOut(t *testing.T, d *demo.Demo) {
	other := chrome.Guest(t)
	d.SignIn(t, other, "dana")
	d.Open(t, other, "globex")
	strict := chrome.Tab(t, other)
	chrome.Go(t, strict, d.Origin+"/?tabard_organization=lamna")
	demo.AwaitScreen(t, strict, "ended")
	chrome.Await(t, strict, `tabard.state.error.code === "insufficient_user_authentication" &&
		document.querySelector("#ended-title").textContent === "Lamna Bank asks to confirm that it is you"`)
	chrome.Press(t, strict, "#ended-again")
	confirm(t, strict)
	demo.AwaitActive(t, strict, "lamna")
	if got := demo.Claim(t, strict, "acr"); got != "urn:tabard:mfa" {
		t.Errorf("acr %s", got)
	}

	chrome.Await(t, strict, `tabard.state.idle && document.querySelector("#idle").checkVisibility()`)
	chrome.Await(t, strict, `tabard.state.status === "ended" && document.body.dataset.screen === "ended"`)
	if got := chrome.Eval[string](t, strict, `tabard.state.error.reason`); got != "idle" {
		t.Errorf("it ended for %q", got)
	}
	if got := chrome.Eval[string](t, strict, `tabard.getToken().catch((e) => e.reason)`); got != "idle" {
		t.Errorf("a caller is told that it ended for %q", got)
	}
	if got := chrome.Eval[string](t, strict, `document.querySelector("main").innerText`); !strings.Contains(got, "Nobody did anything here for too long") {
		t.Errorf("the page says:\n%s", got)
	}
	if chrome.Eval[bool](t, strict, `document.querySelector("#note-list").children.length > 0`) {
		t.Error("the ended tab still shows notes")
	}
	demo.AwaitActive(t, other, "globex")
	if got := demo.Notes(t, other, "globex"); got != 200 {
		t.Errorf("the other tab's API answers %d", got)
	}
	if got := demo.Claim(t, other, "acr"); got != "urn:tabard:pwd" {
		t.Errorf("the other tab's token has acr %s", got)
	}

	chrome.Reload(t, strict) // a reload does not revive it
	demo.AwaitScreen(t, strict, "ended")
	chrome.Press(t, strict, "#ended-again")
	confirm(t, strict)
	demo.AwaitActive(t, strict, "lamna")
	if got := demo.Notes(t, strict, "lamna"); got != 200 {
		t.Errorf("after the step-up the API answers %d", got)
	}

	chrome.Eval[any](t, strict, `tabard.signOut({scope: "organization"}).then(() => null)`)
	demo.AwaitScreen(t, strict, "ended")
	chrome.Reload(t, other)
	demo.AwaitActive(t, other, "globex")
	if got := demo.Notes(t, other, "globex"); got != 200 {
		t.Errorf("after the strict organization was closed, the other's API answers %d", got)
	}
}

// TestP9WhoeverIsActiveStays: the mouse moves for longer than the limit in one of two
// tabs of the organization.
func TestP9WhoeverIsActiveStays(t *testing.T) {
	t.Parallel()
	p9WhoeverIsActiveStays(t, strictDemo(t))
}

func p9WhoeverIsActiveStays(t *testing.T, d *demo.Demo) {
	quiet := chrome.Guest(t)
	d.SignIn(t, quiet, "dana")
	chrome.Press(t, quiet, `#choices [data-organization="lamna"] .menu-row`)
	confirm(t, quiet)
	demo.AwaitActive(t, quiet, "lamna")
	busy := chrome.Tab(t, quiet)
	d.Open(t, busy, "lamna") // no second step-up
	began, move := time.Now(), time.NewTicker(200*time.Millisecond)
	defer move.Stop()
	for x := 100.0; time.Since(began) < 2*idleTimeout; x++ {
		chrome.Move(t, busy, x, 200)
		<-move.C
	}
	for _, tab := range []context.Context{busy, quiet} {
		demo.AwaitActive(t, tab, "lamna")
		if got := demo.Notes(t, tab, "lamna"); got != 200 {
			t.Errorf("the API answers %d", got)
		}
	}
}

// TestP3ARefusedStepUpLeavesTheOldOrganization, and a completed one finishes the
// switch.
func TestP3ARefusedStepUpLeavesTheOldOrganization(t *testing.T) {
	t.Parallel()
	d := demo.Start(t)
	tab := chrome.Guest(t)
	d.SignIn(t, tab, "dana")
	d.Open(t, tab, "acme")
	before := chrome.Eval[string](t, tab, `tabard.getToken()`)
	enter := func() {
		demo.Choose(t, tab, "lamna")
		demo.Confirm(t, tab)
	}
	enter()
	chrome.Press(t, tab, "#cancel")
	chrome.Press(t, tab, "main a") // the page with the provider's error
	demo.AwaitActive(t, tab, "acme")
	if chrome.Eval[string](t, tab, `tabard.getToken()`) != before {
		t.Error("the refused step-up cost the tab its token")
	}
	chrome.Await(t, tab, `tabard.state.error?.code === "access_denied"`)

	enter()
	chrome.Press(t, tab, "#person-dana") // a weaker factor than was asked for
	demo.AwaitActive(t, tab, "acme")
	chrome.Await(t, tab, `tabard.state.error?.code === "unmet_authentication_requirements"`)

	enter()
	confirm(t, tab)
	demo.AwaitActive(t, tab, "lamna")
	if got := demo.Claim(t, tab, "org_slug") + " " + demo.Claim(t, tab, "acr"); got != "lamna urn:tabard:mfa" {
		t.Errorf("the token is of %s", got)
	}
	chrome.Reload(t, tab)
	demo.AwaitActive(t, tab, "lamna")
}
