package browser

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/demo"
	"github.com/tabard-auth/tabard/browser_test/kit/faultproxy"
)

// awaitServed waits until an organization is active in a tab with a token that the API
// accepts.
func awaitServed(t *testing.T, tab context.Context, organization string) {
	t.Helper()
	demo.AwaitActive(t, tab, organization)
	if got := demo.Notes(t, tab, organization); got != 200 {
		t.Errorf("the API answers the tab of %s with %d", organization, got)
	}
}

// faults are the ways in which a network, or a proxy in it, treats requests wrongly.
var faults = map[string]faultproxy.Fault{
	"answers are lost":  faultproxy.AnswerLost,
	"a hotel's page":    faultproxy.CaptivePortal,
	"a gateway's 502":   faultproxy.Answer(502, "<html>"),
	"a proxy's 401":     faultproxy.Answer(401, `<html>`),
	"too many requests": faultproxy.Answer(429, `{"error":"rate_limited","retry_after":1}`, "Retry-After", "1"),
}

// TestP6NoFaultSignsAnyoneOut: during the fault a valid token is served, and no session
// is reported as ended; afterward the tab continues without a press.
// TestP6NoOtherFaultSignsAnyoneOut has more faults.
func TestP6NoFaultSignsAnyoneOut(t *testing.T) {
	t.Parallel()
	faultsSignNobodyOut(t, demo.Start(t), faults)
}

func faultsSignNobodyOut(t *testing.T, d *demo.Demo, faults map[string]faultproxy.Fault) {
	t.Helper()
	w := faultproxy.New(t)
	tab := chrome.New(t, chrome.WithProxy(w.Address))
	enterAcme(t, d, tab, []string{asleep})
	for name, fate := range faults {
		t.Run(name, func(t *testing.T) {
			token := chrome.Eval[string](t, tab, `tabard.getToken()`)
			w.Set(fate)
			if got := chrome.Eval[string](t, tab, `tabard.organizations().then(() => "a list", ({ action }) => action)`); got != "retry" && got != "stop" {
				t.Errorf("the page is told to %s", got)
			}
			if got := chrome.Eval[string](t, tab, `tabard.getToken()`); got != token {
				t.Error("the living token is not served")
			}
			demo.AwaitActive(t, tab, "acme")
			chrome.Eval[any](t, tab, `sleep(600)`)
			chrome.Await(t, tab, `tabard.state.status === "unavailable"`)
			if got := chrome.Eval[string](t, tab, `tabard.getToken().then(() => "a token", ({ action }) => action)`); got != "retry" && got != "stop" {
				t.Errorf("without a living token the page is told to %s", got)
			}
			w.Set(nil)
			awaitServed(t, tab, "acme")
		})
	}
}

// TestP6ASlowNetworkOnlyTakesLonger: a slow network delays the token and has no other
// effect.
func TestP6ASlowNetworkOnlyTakesLonger(t *testing.T) {
	t.Parallel()
	w := faultproxy.New(t)
	d := demo.Start(t)
	tab := chrome.New(t, chrome.WithProxy(w.Address))
	w.Set(faultproxy.Slow(time.Second))
	d.SignIn(t, tab, "alice")
	d.Open(t, tab, "acme")
	if got := chrome.Eval[string](t, tab, switchExpression("globex")); got != "switched" {
		t.Errorf("the switch: %s", got)
	}
	awaitServed(t, tab, "globex")
}

// TestP6AWrongClockSignsNobodyOut: the clock is hours ahead or behind from the start,
// or is corrected while the page is open. TestP6AClockWrongByADay has other hours.
func TestP6AWrongClockSignsNobodyOut(t *testing.T) {
	t.Parallel()
	wrongClockSignsNobodyOut(t, -3, 3)
}

func wrongClockSignsNobodyOut(t *testing.T, wrong ...int) {
	t.Helper()
	d := demo.Start(t)
	browser := chrome.Guest(t)
	for _, hours := range wrong {
		t.Run(fmt.Sprintf("%+d hours", hours), func(t *testing.T) {
			tab := chrome.Person(t, browser)
			chrome.Before(t, tab, asleep)
			chrome.Go(t, tab, d.Origin)
			chrome.Eval[any](t, tab, fmt.Sprintf(`void jump(%d * 3600)`, hours))
			d.SignIn(t, tab, "alice")
			d.Open(t, tab, "acme")
			token := chrome.Eval[string](t, tab, `tabard.getToken()`)
			if got := chrome.Eval[string](t, tab, `tabard.getToken()`); got != token {
				t.Error("a token just minted is taken for expired")
			}
			awaitServed(t, tab, "acme")
			chrome.Reload(t, tab)
			awaitServed(t, tab, "acme")
			chrome.Eval[any](t, tab, fmt.Sprintf(`void sleep(%d * 3600)`, -hours)) // put right
			awaitServed(t, tab, "acme")
			chrome.Reload(t, tab)
			awaitServed(t, tab, "acme")
			if !chrome.Eval[bool](t, tab, `tabard.state.deviceBound`) {
				t.Error("the session is not bound to the device")
			}
		})
	}
}

// TestP6AFrozenTabGoesOnWhereItWas: its token expires meanwhile, and other tabs
// continue.
func TestP6AFrozenTabGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	d, tab := atAcme(t, asleep)
	other := chrome.Tab(t, tab)
	d.Open(t, other, "globex")
	chrome.Eval[any](t, tab, `void jump(3600)`) // which the tab sees when it thaws
	chrome.Freeze(t, tab)
	awaitServed(t, other, "globex")
	chrome.Thaw(t, tab)
	awaitServed(t, tab, "acme")
}

// TestP6ABrowserThatIsOfflineWaits: the tab continues when the browser reports that it
// is online.
func TestP6ABrowserThatIsOfflineWaits(t *testing.T) {
	t.Parallel()
	_, tab := atAcme(t, asleep)
	chrome.Offline(t, tab, true)
	token := chrome.Eval[string](t, tab, `tabard.getToken()`)
	if got := chrome.Eval[string](t, tab, switchExpression("globex")); got != "unavailable temporarily_unavailable retry" {
		t.Errorf("a switch while offline: %s", got)
	}
	if chrome.Eval[string](t, tab, `tabard.getToken()`) != token {
		t.Error("the living token is not served")
	}
	chrome.Eval[any](t, tab, `sleep(600)`)
	chrome.Await(t, tab, `tabard.state.status === "unavailable"`)
	chrome.Offline(t, tab, false)
	awaitServed(t, tab, "acme")
}

// TestP6APanicInTheModuleLosesNothing: the module is restarted under the same tab id,
// with the tab's token.
func TestP6APanicInTheModuleLosesNothing(t *testing.T) {
	t.Parallel()
	_, tab := atAcme(t)
	id, token := tabID(t, tab), chrome.Eval[string](t, tab, `tabard.getToken()`)
	// An array that lies about its length: Go panics when it makes room for it.
	panics := `(() => {
		const parse = JSON.parse;
		JSON.parse = (text) => {
			JSON.parse = parse;
			return { user: { id: "usr" }, organizations: new Proxy([], { get: (array, name) => (name === "length" ? 2 ** 52 : array[name]) }) };
		};
		return tabard.organizations().then(() => "a list", ({ code, action }) => code + " " + action);
	})()`
	for range 2 {
		if got := chrome.Eval[string](t, tab, panics); got != "temporarily_unavailable retry" {
			t.Fatalf("the waiting caller got %s", got)
		}
		demo.AwaitActive(t, tab, "acme")
		if got := chrome.Eval[int](t, tab, `tabard.organizations().then((list) => list.length)`); got != 3 {
			t.Errorf("the new module lists %d organizations", got)
		}
		if chrome.Eval[string](t, tab, `tabard.getToken()`) != token || tabID(t, tab) != id {
			t.Error("the tab lost its token or its id")
		}
		awaitLocks(t, tab, id)
	}
}

// onlyFrontIsVisible stops the test unless all tabs but one are hidden.
func onlyFrontIsVisible(t *testing.T, tabs []context.Context) {
	t.Helper()
	hidden := 0
	for _, tab := range tabs {
		if chrome.Eval[bool](t, tab, `document.visibilityState === "hidden"`) {
			hidden++
		}
	}
	if hidden != len(tabs)-1 {
		t.Fatalf("%d tabs are hidden", hidden)
	}
}

// TestP6EightTabsDoNotStampede: seven of them are hidden. They sleep, wake, are signed
// out and in again; a hidden tab sends a request only when its page asks for a token.
// TestP6TwentyTabsDoNotStampede has more tabs.
func TestP6EightTabsDoNotStampede(t *testing.T) {
	t.Parallel()
	tabsDoNotStampede(t, 8, 5, time.Second)
}

// tabsDoNotStampede has all tabs but one hidden. After a sign-in so many of those take
// this long at least to ask.
func tabsDoNotStampede(t *testing.T, count, many int, atLeast time.Duration) {
	t.Helper()
	w := faultproxy.New(t)
	d := demo.Start(t)
	front := chrome.New(t, chrome.WithProxy(w.Address))
	tabs := []context.Context{front}
	for range count - 1 {
		tabs = append(tabs, chrome.InFront(t, front))
	}
	for _, tab := range tabs {
		chrome.Before(t, tab, asleep)
	}
	chrome.Show(t, front)
	d.SignIn(t, front, "alice")
	for i, tab := range tabs {
		d.Open(t, tab, []string{"acme", "globex"}[i%2])
	}
	onlyFrontIsVisible(t, tabs)

	w.Forget()
	for _, tab := range tabs {
		chrome.Eval[any](t, tab, `sleep(3600)`)
	}
	awaitServed(t, front, "acme")
	<-time.After(2 * time.Second)
	if asked := w.Seen("/auth/token"); len(asked) > 3 { // a proof with the old time is sent again
		t.Errorf("%d requests for a token after a sleep, want the visible tab's", len(asked))
	}
	awaitServed(t, tabs[1], "globex") // asked for

	w.Forget()
	chrome.Eval[any](t, front, `tabard.signOut().then(() => null)`)
	for _, tab := range tabs {
		demo.AwaitScreen(t, tab, "signed_out")
	}
	if asked := w.Seen("/auth/token"); len(asked) > 0 {
		t.Errorf("%d requests for a token after a sign-out", len(asked))
	}
	w.Forget()
	chrome.Press(t, front, "#sign-in")
	demo.AwaitActive(t, front, "acme")
	for began := time.Now(); len(w.Seen("/auth/token")) <= many; <-time.After(100 * time.Millisecond) {
		if time.Since(began) > time.Minute {
			t.Fatalf("%d tabs asked within a minute of a sign-in", len(w.Seen("/auth/token")))
		}
	}
	asked := w.Seen("/auth/token") // the visible tab's first
	if over := asked[many].At.Sub(asked[1].At); over < atLeast {
		t.Errorf("%d of %d hidden tabs asked within %v of a sign-in", many, count-1, over)
	}
	for i, tab := range tabs {
		awaitServed(t, tab, []string{"acme", "globex"}[i%2]) // asked for
	}
}
