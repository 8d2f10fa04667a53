//go:build long

package browser

import (
	"fmt"
	"testing"

	"github.com/tabard-auth/tabard/browser_test/kit/firefox"
)

// withoutNavigation is the preference of a Firefox that has the History API alone, as those
// before 147 do.
const withoutNavigation = `user_pref("dom.navigation.webidl.enabled", false);
`

// firefoxExits are the ways to leave an organization that a guard is asked about.
var firefoxExits = []struct {
	name  string
	ahead bool // of the router, where the browser has the Navigation API
	leave func(*testing.T, drafting)
}{
	{"a link", true, func(t *testing.T, d drafting) { d.Click(t, "#to-globex") }},
	{"back", true, func(t *testing.T, d drafting) { d.Click(t, "h1"); d.run(t, `history.back()`) }},
	{"back by a script", false, func(t *testing.T, d drafting) { d.run(t, `history.back()`) }},
	{"the router's navigate", false, func(t *testing.T, d drafting) {
		d.run(t, `router.navigate("/globex/notes").then(() => routes.follow())`)
	}},
	{"the switcher", true, func(t *testing.T, d drafting) { d.choose(t, "globex") }},
	{"switchOrganization", true, func(t *testing.T, d drafting) { d.run(t, `tabard.switchOrganization("globex")`) }},
	{"go", true, func(t *testing.T, d drafting) { d.run(t, `routes.go("/globex/notes")`) }},
}

// run runs a script that changes the route.
func (d drafting) run(t *testing.T, script string) {
	t.Helper()
	firefox.Eval[any](t, d.Tab, "void setTimeout(() => {"+script+"})")
}

// do runs statements in the page.
func (d drafting) do(t *testing.T, statements string) {
	t.Helper()
	firefox.Eval[any](t, d.Tab, "(() => {"+statements+"})()")
}

// onFirefoxHistories runs a test in a Firefox with the Navigation API, and in one without.
func onFirefoxHistories(t *testing.T, test func(*testing.T, drafting, bool)) {
	for _, navigation := range []bool{true, false} {
		name, preferences := "Navigation API", ""
		if !navigation {
			name, preferences = "History API", withoutNavigation
		}
		t.Run(name, func(t *testing.T) {
			d := newDrafting(t, byNavigate, "alice", "acme", preferences)
			if got := firefox.Eval[bool](t, d.Tab, `Boolean(globalThis.navigation)`); got != navigation {
				t.Fatalf("the browser has the Navigation API: %v", got)
			}
			test(t, d, navigation)
		})
	}
}

// TestFirefox_OneQuestion: where the router's blocker and the page's question are about the
// same draft, one of them asks. A no keeps the draft, which is posted to its organization; a
// yes loses it.
func TestFirefox_OneQuestion(t *testing.T) {
	t.Parallel()
	onFirefoxHistories(t, func(t *testing.T, d drafting, _ bool) {
		for _, way := range firefoxExits {
			t.Run(way.name, func(t *testing.T) {
				for _, stays := range []bool{true, false} {
					d.draft(t)
					d.do(t, askAboutDraft)
					way.leave(t, d)
					d.answer(t, stays)
					if stays {
						d.checkKept(t)
						continue
					}
					d.Await(t, `location.pathname.startsWith("/globex/") && tabard.state.organization.slug === "globex" && routes.state.status === "settled" && document.querySelector("#draft")`)
					d.checkGone(t)
				}
			})
		}
	})
}

// answer answers the one that asks, and fails the test if the other one asks too.
func (d drafting) answer(t *testing.T, stays bool) {
	t.Helper()
	d.Await(t, `globalThis.answer || document.querySelector("#leave")`)
	asked := 1
	if firefox.Eval[bool](t, d.Tab, `Boolean(globalThis.answer)`) {
		asked = 0 // questions has it
		firefox.Eval[any](t, d.Tab, fmt.Sprintf(`void answer(%v)`, !stays))
	} else if stays {
		d.Press(t, "#stay")
	} else {
		d.Press(t, "#leave")
	}
	if asked == 1 {
		d.Await(t, `!document.querySelector("#stay")`)
	}
	d.Await(t, fmt.Sprintf(`location.pathname.startsWith(%q) && routes.state.status !== "switching"`, map[bool]string{true: "/acme/", false: "/globex/"}[stays]))
	if got := firefox.Eval[int](t, d.Tab, `questions + (document.querySelector("#stay") ? 1 : 0)`) + asked; got != 1 {
		t.Errorf("the person was asked %d times", got)
	}
}

// TestFirefox_AddressWaits: while the page asks, address and router are at the organization
// of what was typed. A form that no blocker knows of keeps what was typed after a no.
func TestFirefox_AddressWaits(t *testing.T) {
	t.Parallel()
	onFirefoxHistories(t, func(t *testing.T, d drafting, navigation bool) {
		for _, way := range firefoxExits {
			t.Run(way.name, func(t *testing.T) {
				for _, agrees := range []bool{false, true} {
					d.at(t)
					d.Type(t, "#remark", "mine")
					d.do(t, askOnce+addresses)
					way.leave(t, d)
					const waits = `location.pathname === "/acme/notes" && router.state.location.pathname === "/acme/notes" && router.state.navigation.state === "idle"`
					d.Await(t, `questions.length > 0 && `+waits)
					if way.ahead && navigation && firefox.Eval[bool](t, d.Tab, `named.has("globex")`) {
						t.Error("the address or the router was at Globex before the person agreed")
					}
					firefox.Eval[any](t, d.Tab, fmt.Sprintf(`void answer(%v)`, agrees))
					want := "mine"
					if agrees {
						want = ""
						d.Await(t, `location.pathname.startsWith("/globex/") && tabard.state.organization.slug === "globex" && routes.state.status === "settled" && document.querySelector("#remark")`)
					} else {
						d.Await(t, waits)
						d.awaitRoute(t, "/acme/notes", "acme")
					}
					if got := firefox.Eval[string](t, d.Tab, `[questions.length, document.querySelector("#remark").value].join(" ")`); got != "1 "+want {
						t.Errorf("agrees %v: questions and remark are %q", agrees, got)
					}
					if agrees {
						continue
					}
					d.Click(t, "#send")
					d.Await(t, `posted.length > 0`)
					if got := firefox.Eval[string](t, d.Tab, `posted.join()`); got != "acme acme 201" {
						t.Errorf("posted %s", got)
					}
				}
			})
		}
	})
}

// TestFirefox_SwitcherIsCanceled: a page that cancels the switcher's event keeps organization
// and draft, and asks nothing.
func TestFirefox_SwitcherIsCanceled(t *testing.T) {
	t.Parallel()
	d := newDrafting(t, byNavigate, "alice", "acme")
	d.draft(t)
	d.do(t, `globalThis.told = [];
		addEventListener("tabard-before-switch", (event) => event.preventDefault());
		addEventListener("tabard-switch", ({ detail }) => told.push(detail.status, detail.code));`)
	d.choose(t, "globex")
	d.Await(t, `told.join() === "refused,switch_declined" && !document.querySelector("#stay")`)
	d.checkKept(t)
}
