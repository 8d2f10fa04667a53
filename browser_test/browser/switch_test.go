package browser

import (
	"context"
	"fmt"
	"testing"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/demo"
	"github.com/tabard-auth/tabard/browser_test/kit/faultproxy"
)

// asleep lets a test put a page's computer to sleep: the time of day advances while the
// page's timers stand still. Then the page is shown again.
const asleep = `{
	const Real = Date, now = Date.now;
	let skew = Number(sessionStorage.skew ?? 0);
	globalThis.Date = class extends Real {
		constructor(...args) { args.length ? super(...args) : super(now() + skew); }
		static now() { return now() + skew; }
	};
	globalThis.jump = (seconds) => { sessionStorage.skew = skew += seconds * 1000; };
	globalThis.sleep = (seconds) => { jump(seconds); dispatchEvent(new Event("focus")); };
}`

// begin starts an asynchronous act of a page, for outcome to await later.
func begin(t *testing.T, tab context.Context, name, promise string) {
	t.Helper()
	chrome.Eval[any](t, tab, fmt.Sprintf(`void (globalThis[%q] = %s)`, name, promise))
}

// outcome returns the result of an act that begin started.
func outcome(t *testing.T, tab context.Context, name string) string {
	t.Helper()
	return chrome.Eval[string](t, tab, fmt.Sprintf(`globalThis[%q]`, name))
}

// switchExpression returns a script that switches, as a promise of the result.
func switchExpression(organization string) string {
	return fmt.Sprintf(`tabard.switchOrganization(%q).then(({ status, code, action }) => [status, code, action].filter(Boolean).join(" "))`, organization)
}

// TestP3WhateverBecomesOfASwitchTheOldOrganizationGoesOn: if the switch does not
// succeed, the tab keeps its organization and its token, and the page gets the reason.
func TestP3WhateverBecomesOfASwitchTheOldOrganizationGoesOn(t *testing.T) {
	t.Parallel()
	w, d, tab := atAcmeByProxy(t)
	patient := chrome.Tab(t, tab) // its switch is never answered
	d.Open(t, patient, "acme")
	nobody := faultproxy.Mints("initech", faultproxy.Hung)
	w.Set(nobody)
	begin(t, patient, "late", `(began => `+switchExpression("initech")+`.then((end) => end + " after " + Math.round((performance.now() - began) / 1000)))(performance.now())`)

	const unavailable = "unavailable temporarily_unavailable retry"
	for _, mishap := range []struct {
		name string
		fate faultproxy.Fault
		want string
	}{
		{"the request is lost", faultproxy.Lost, unavailable},
		{"the answer is lost", faultproxy.Mints("globex", faultproxy.AnswerLost), unavailable},
		{"a hotel's page", faultproxy.CaptivePortal, unavailable},
		{"a gateway's 502", faultproxy.Answer(502, "<html>"), unavailable},
		{"a proxy's 401", faultproxy.Answer(401, `{"message":"who are you"}`), unavailable},
		{"half an answer", faultproxy.Answer(200, `{"access_token":"x","expires_in":300`), unavailable},
		{"the server's own fault", faultproxy.Answer(500, `{"error":"server_error"}`), "unavailable server_error retry"},
		{"too many requests", faultproxy.Answer(429, `{"error":"rate_limited","retry_after":1}`), "unavailable rate_limited retry"},
		{"a token of another organization", faultproxy.Mints("globex", faultproxy.Replace("globex", "acme")), "failed organization_mismatch stop"},
		{"it does not admit the person", faultproxy.Mints("globex", faultproxy.Replace("globex", "lamna")), "refused organization_access_denied stop"},
	} {
		t.Run(mishap.name, func(t *testing.T) {
			before := chrome.Eval[string](t, tab, `tabard.getToken()`)
			stands := `(({ status, fence, organization, error }) => JSON.stringify([status, fence, organization, error, tabard.partition.key, tabard.partition.signal.aborted]))(tabard.state)`
			stood := chrome.Eval[string](t, tab, stands)
			w.Set(faultproxy.Both(nobody, mishap.fate))
			if got := chrome.Eval[string](t, tab, switchExpression("globex")); got != mishap.want {
				t.Errorf("the switch: %s, want %s", got, mishap.want)
			}
			if got := chrome.Eval[string](t, tab, stands); got != stood {
				t.Errorf("the tab stands at\n%s\nand stood at\n%s", got, stood)
			}
			if chrome.Eval[string](t, tab, `tabard.getToken()`) != before {
				t.Error("the tab has another token")
			}
			w.Set(nobody)
			chrome.Reload(t, tab)
			demo.AwaitActive(t, tab, "acme")
			if got := demo.Notes(t, tab, "acme"); got != 200 {
				t.Errorf("the API answers %d", got)
			}
		})
	}
	if got := outcome(t, patient, "late"); got != unavailable+" after 20" {
		t.Errorf("a switch without an answer ended with %s", got)
	}
	demo.AwaitActive(t, patient, "acme")
}

// TestP3TheLastOfTwoSwitchesWins: the first gets the answer that it was superseded, and
// its response has no effect.
func TestP3TheLastOfTwoSwitchesWins(t *testing.T) {
	t.Parallel()
	w, _, tab := atAcmeByProxy(t)
	held, release := faultproxy.Hold()
	w.Set(faultproxy.Mints("globex", held))
	begin(t, tab, "first", switchExpression("globex"))
	w.Await(t, "/auth/token")
	if got := chrome.Eval[string](t, tab, switchExpression("initech")); got != "switched" {
		t.Errorf("the second switch: %s", got)
	}
	release()
	if got := outcome(t, tab, "first"); got != "overtaken overtaken retry" {
		t.Errorf("the first switch: %s", got)
	}
	demo.AwaitActive(t, tab, "initech")
	chrome.Reload(t, tab)
	demo.AwaitActive(t, tab, "initech")
}

// TestP3ASwitchDuringARenewalHappens: the renewal's response comes late and has no
// effect.
func TestP3ASwitchDuringARenewalHappens(t *testing.T) {
	t.Parallel()
	w, _, tab := atAcmeByProxy(t, asleep)
	held, release := faultproxy.Hold()
	w.Set(faultproxy.Mints("acme", held))
	w.Forget()
	chrome.Eval[any](t, tab, `sleep(600)`) // the token has expired
	begin(t, tab, "renewed", `tabard.getToken().then(() => "a token", ({ code, action, message }) => code + " " + action)`)
	w.Await(t, "/auth/token")
	if got := chrome.Eval[string](t, tab, switchExpression("globex")); got != "switched" {
		t.Errorf("the switch: %s", got)
	}
	demo.AwaitActive(t, tab, "globex")
	if got := outcome(t, tab, "renewed"); got != "overtaken retry" {
		t.Errorf("the caller waiting for the old organization's token got %s", got)
	}
	release()
	if got := demo.Notes(t, tab, "globex"); got != 200 {
		t.Errorf("the API answers %d", got)
	}
	demo.AwaitActive(t, tab, "globex")
	if got := demo.Claim(t, tab, "org_slug"); got != "globex" {
		t.Errorf("the token is of %s", got)
	}
}

// TestP3WhatTheOldOrganizationAskedForEndsWithIt: a request under way is aborted, and
// so is all other work that the page began in the old partition.
func TestP3WhatTheOldOrganizationAskedForEndsWithIt(t *testing.T) {
	t.Parallel()
	w, _, tab := atAcmeByProxy(t)
	held, release := faultproxy.Hold()
	w.Set(held)
	begin(t, tab, "asked", `tabard.fetch("/api/organizations/org_acme/notes?held").then(({ status }) => "answered " + status, ({ name }) => name)`)
	begin(t, tab, "partition", `tabard.partition`)
	w.Await(t, "/api/organizations/org_acme/notes?held")
	w.Set(nil)
	if got := chrome.Eval[string](t, tab, switchExpression("globex")); got != "switched" {
		t.Fatalf("the switch: %s", got)
	}
	release()
	if got := outcome(t, tab, "asked"); got != "AbortError" {
		t.Errorf("the old organization's request: %s", got)
	}
	if !chrome.Eval[bool](t, tab, `partition.signal.aborted && partition.key.endsWith("/org_acme") &&
		!tabard.partition.signal.aborted && tabard.partition.key.endsWith("/org_globex")`) {
		t.Error("the partition did not change with the organization")
	}
	demo.AwaitActive(t, tab, "globex")
}

// TestP5ATokenServesOneOrganization: the other fields of a request do not change that.
func TestP5ATokenServesOneOrganization(t *testing.T) {
	t.Parallel()
	p5ATokenServesOneOrganization(t, demo.Start(t))
}

func p5ATokenServesOneOrganization(t *testing.T, d *demo.Demo) {
	tab := chrome.Guest(t)
	enterAcme(t, d, tab, nil)
	for name, request := range map[string]string{
		"the path":   `fetch("/api/organizations/org_globex/notes", { headers })`,
		"the query":  `fetch("/api/organizations/org_globex/notes?organization=org_acme&org_id=org_acme", { headers })`,
		"headers":    `fetch("/api/organizations/org_globex/notes", { headers: { ...headers, "X-Organization": "org_acme", "Tabard-Organization": "org_acme", "X-Org-Id": "org_globex" } })`,
		"a cookie":   `(document.cookie = "organization=org_globex; path=/", fetch("/api/organizations/org_globex/notes", { headers }))`,
		"no token":   `fetch("/api/organizations/org_acme/notes")`,
		"its fellow": `fetch("/api/organizations/org_acme/notes", { headers })`,
	} {
		want := map[string]int{"no token": 401, "its fellow": 200}[name]
		if want == 0 {
			want = 403
		}
		got := chrome.Eval[int](t, tab, fmt.Sprintf(`tabard.getToken().then((token) => {
			const headers = { Authorization: "Bearer " + token };
			return %s;
		}).then(({ status }) => status)`, request))
		if got != want {
			t.Errorf("%s: %d, want %d", name, got, want)
		}
	}
}
