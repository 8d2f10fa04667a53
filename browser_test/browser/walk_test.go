package browser

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
)

// act is what a person can do at any point of the way. %s is what leads on there.
type act struct{ name, script string }

var acts = []act{
	{"back", `history.back()`},
	{"back and forward", `history.back(); setTimeout(() => history.forward(), 100)`},
	{"reload", `location.reload()`},
	{"press twice", `document.querySelector(%[1]q)?.click(); document.querySelector(%[1]q)?.click()`},
}

// point is a point of the way, and what leads on there.
type point struct {
	name, mode string // mode is the provider's response mode
	reach      func(*walk)
	press      string
	enters     string // the organization to enter; "" to be signed in is enough
	out        bool   // the person has signed out
	lost       bool   // the address is, and the app's start will do
}

var points = []point{
	{name: "the app", reach: func(*walk) {}, press: "#sign-in"},
	{name: "the page that asks first", reach: func(w *walk) {
		w.open("/auth/login?return_to=" + url.QueryEscape(wanted))
		w.awaits("main a")
	}, press: "main a"},
	{name: "the provider's form", reach: (*walk).begin, press: "#sign-in"},
	{name: "the provider, which decides", reach: func(w *walk) {
		w.begin()
		w.submitHeld("/sign-in", false)
	}, press: "#sign-in"},
	{name: "the callback", reach: func(w *walk) {
		w.begin()
		w.submitHeld("/auth/callback", false)
	}, press: "#sign-in"},
	{name: "the callback of a form", mode: "form_post", reach: func(w *walk) {
		w.begin()
		w.submitHeld("/auth/callback", false)
	}, press: "#sign-in"},
	{name: "the page that posts the form again", mode: "form_post", reach: func(w *walk) {
		w.begin()
		w.submitHeld("/auth/callback", true)
	}, press: "main button"},
	{name: "the page of an attempt that is too old", reach: func(w *walk) {
		w.begin()
		w.ahead.Add(11 * 60)
		w.submit()
		w.awaits("main a")
	}, press: "main a"},
	{name: "the page of an unknown attempt", lost: true, reach: func(w *walk) {
		w.open("/auth/callback?state=x&code=y")
		w.awaits("main a")
	}, press: "main a"},
	{name: "the page of a wrong address", lost: true, reach: func(w *walk) {
		w.open("/auth/login?app=nope")
		w.awaits("main a")
	}, press: "main a"},
	{name: "the page of a denial", reach: func(w *walk) {
		w.provider.Answer = func(v url.Values) {
			v.Del("code")
			v.Set("error", "access_denied")
			v.Set("error_description", "You may not enter.")
		}
		w.begin()
		w.submit()
		w.awaits("main blockquote")
		w.provider.Answer = nil
	}, press: "main a"},
	{name: "the page of a provider that is down", reach: func(w *walk) {
		w.provider.Endpoints = map[string]http.HandlerFunc{"/token": func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusBadGateway) }}
		w.begin()
		w.submit()
		w.awaits("main a")
		w.provider.Endpoints = nil
	}, press: "main a"},
	{name: "a step-up at the provider", enters: "isolated", reach: (*walk).beginStepUp, press: "#sign-in"},
	{name: "a step-up's callback", enters: "isolated", reach: func(w *walk) {
		w.beginStepUp()
		w.submitHeld("/auth/callback", false)
	}, press: "#sign-in"},
	{name: "an organization's own provider", enters: "own", reach: (*walk).beginStepUp, press: "#sign-in"},
	{name: "the callback of an organization's own provider", enters: "own", reach: func(w *walk) {
		w.beginStepUp()
		w.submitHeld("/auth/callback/con_own", false)
	}, press: "#sign-in"},
	{name: "the provider's sign-out", out: true, lost: true, reach: func(w *walk) {
		w.begin()
		w.goOn()
		w.pending = w.hold("/end-session", false)
	}, press: "#sign-out"},
	{name: "back from the sign-out", out: true, lost: true, reach: func(w *walk) {
		w.begin()
		w.goOn()
		press(w.T, w.tab, "#sign-out")
		chrome.Await(w.T, w.tab, `globalThis.tabard?.state.status === "signed_out"`)
	}, press: "#sign-in"},
}

// wanted is the address where a person begins and wants to be.
const wanted = "/notes?a=1#b"

// TestP11AnActAtEveryPoint: wherever a person presses Back, Forward, Reload or a button
// twice, they end signed in where they wanted to be, by nothing but what the pages offer.
// After a sign-out none of it signs them in. Each point has one of the acts here, and all
// of them in TestP11EveryActAtEveryPoint.
func TestP11AnActAtEveryPoint(t *testing.T) {
	t.Parallel()
	for i, p := range points {
		p.try(t, acts[i%len(acts)])
	}
}

// try reaches a point and acts there, once for each act.
func (p point) try(t *testing.T, acts ...act) {
	t.Run(p.name, func(t *testing.T) {
		t.Parallel()
		browser, server := chrome.New(t), newWalked(t, p.mode)
		for _, act := range acts {
			t.Run(act.name, func(t *testing.T) {
				w := &walk{T: t, walked: server, tab: chrome.Person(t, browser), point: p}
				w.open(wanted)
				chrome.Await(t, w.tab, `globalThis.tabard?.state.status === "signed_out"`)
				p.reach(w)
				w.do(act.script)
				w.goOn()
			})
		}
	})
}

// walk is a person's way in a tab.
type walk struct {
	*testing.T
	*walked
	tab   context.Context
	point point
	// pending is the answer that is held while the person acts.
	pending *heldAnswer
}

func (w *walk) open(path string) {
	w.T.Helper()
	chrome.Go(w.T, w.tab, w.origin+path)
}

func (w *walk) awaits(selector string) {
	w.T.Helper()
	chrome.Await(w.T, w.tab, fmt.Sprintf(`document.readyState === "complete" && document.querySelector(%q)`, selector))
}

// begin goes from the app to the provider's form.
func (w *walk) begin() {
	w.T.Helper()
	press(w.T, w.tab, "#sign-in")
	w.awaits("#anybody")
	chrome.Eval[any](w.T, w.tab, `void (document.querySelector("#anybody").value = "alice")`)
}

func (w *walk) submit() { press(w.T, w.tab, "#sign-in") }

// submitHeld holds the answer at a path to which the provider's form will lead.
func (w *walk) submitHeld(path string, posted bool) { w.pending = w.hold(path, posted) }

// beginStepUp signs in, and goes to the provider of the organization to enter.
func (w *walk) beginStepUp() {
	w.T.Helper()
	enters := w.point.enters
	w.point.enters = ""
	w.begin()
	w.goOn()
	w.point.enters = enters
	press(w.T, w.tab, "#enter-"+enters)
	w.awaits("#anybody")
	chrome.Eval[any](w.T, w.tab, `void (document.querySelector("#anybody").value = "alice")`)
}

// do runs an act. If an answer is held, the person presses first, acts while the browser
// waits, and then gets the answer. Chromium runs no script of a test while it waits, so
// that the page has a timer.
func (w *walk) do(script string) {
	w.T.Helper()
	if strings.Contains(script, "%") {
		script = fmt.Sprintf(script, w.point.press)
	}
	if w.pending == nil {
		w.run(script)
		return
	}
	act := `setTimeout(() => { ` + script + ` }, 400);`
	if w.pending.posted {
		chrome.Before(w.T, w.tab, `if (location.pathname === "/auth/callback" && !sessionStorage.acted)
			addEventListener("DOMContentLoaded", () => { if (document.forms.length) { sessionStorage.acted = true; `+act+` } })`)
		act = ""
	}
	w.run(`setTimeout(() => document.querySelector("` + strings.Replace(w.point.press, "main button", "#sign-in", 1) + `").click()); ` + act)
	held := w.pending
	w.pending = nil
	held.await(w.T)
	<-time.After(600 * time.Millisecond)
	held.release()
}

// run runs a script and marks the page.
func (w *walk) run(script string) {
	w.T.Helper()
	chrome.Eval[any](w.T, w.tab, `void (globalThis.before = true, setTimeout(() => { `+script+` }))`)
}

// goOn presses what the pages offer until the person is where they wanted to be.
func (w *walk) goOn() {
	w.T.Helper()
	asked := false // at the provider
	for range 20 {
		switch at := w.settled(); {
		case at == "provider":
			asked = true
			w.run(`document.querySelector("#anybody").value = "alice"; document.querySelector("#sign-in")?.click()`)
		case at == "page":
			w.run(`document.querySelector("main a, main button")?.click()`)
		case at == "signed_out":
			w.run(`document.querySelector("#sign-in")?.click()`)
		case at == "choose", at == "active":
			w.run(`document.querySelector("#enter-` + w.point.enters + `").click()`)
		case at == "elsewhere":
			w.open(wanted)
		case strings.HasPrefix(at, "done "):
			if address := strings.TrimPrefix(at, "done "); address != wanted && !(w.point.lost && address == "/") {
				w.T.Errorf("ended at %s, want %s", address, wanted)
			}
			if w.point.out && !asked {
				w.T.Error("signed in again without a sign-in")
			}
			return
		default:
			w.T.Fatalf("no way on: %s", at)
		}
	}
	w.T.Fatalf("it goes on for ever; last at %s", w.look())
}

// settled waits until a page has loaded, and returns what look does. A page that an act
// or a press has not left counts as loaded after a while.
func (w *walk) settled() (at string) {
	w.T.Helper()
	loaded := func() bool {
		at = w.look()
		return at != "loading" && at != "before"
	}
	if !w.until(1500*time.Millisecond, loaded) && at == "before" {
		chrome.Eval[any](w.T, w.tab, `void delete globalThis.before`)
	}
	if !w.until(20*time.Second, loaded) {
		w.T.Fatalf("the page stays %s", at)
	}
	return at
}

// look tells where a tab is: at the provider, at a page of the backend that leads on,
// or in the app, by its status; done with the address if that is what the person wants.
func (w *walk) look() string {
	ctx, stop := context.WithTimeout(w.tab, 5*time.Second)
	defer stop()
	at, err := chromedp.Run(ctx, chromedp.Evaluate[string](`((enters) => {
		if (document.readyState !== "complete") return "loading";
		if (globalThis.before) return "before";
		if (location.protocol === "about:") return "elsewhere";
		if (document.querySelector("#anybody")) return "provider";
		if (document.querySelector("main a, main button")) return "page";
		const { status, organization } = globalThis.tabard?.state ?? { status: "at " + location + ": " + document.body.innerText };
		if (status === "starting") return "loading";
		const done = enters === "" ? ["choose", "active"].includes(status) : status === "active" && organization.slug === enters;
		return done ? "done " + location.pathname + location.search + location.hash : status;
	})("`+w.point.enters+`")`))
	if err != nil { // between two pages
		return "loading"
	}
	return at
}

// until waits until a condition holds, and not longer than told.
func (w *walk) until(most time.Duration, holds func() bool) bool {
	for began := time.Now(); time.Since(began) < most; <-time.After(30 * time.Millisecond) {
		if holds() {
			return true
		}
	}
	return false
}
