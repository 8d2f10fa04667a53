package browser

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/demo"
	"github.com/tabard-auth/tabard/browser_test/kit/faultproxy"
)

// The issues that users of other SDKs report, a test for each group; group E's is
// TestPainEACopiedTabIsATabOfItsOwn.

// writeNote writes a note with a tab's token and returns the status.
func writeNote(t *testing.T, tab context.Context, organization, text string) int {
	t.Helper()
	return chrome.Eval[int](t, tab, fmt.Sprintf(`tabard.fetch("/api/organizations/org_%s/notes", {
		method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ text: %q }),
	}).then(({ status }) => status)`, organization, text))
}

// TestPainATheOtherTabChangesNothingHere: another tab switches, enters, leaves and
// closes organizations, while this tab reads and writes in its own.
func TestPainATheOtherTabChangesNothingHere(t *testing.T) {
	t.Parallel()
	d, tab := atAcme(t)
	other := chrome.Tab(t, tab)
	d.Open(t, other, "globex")
	for i, act := range []string{
		`tabard.switchOrganization("initech").then(() => null)`,
		`tabard.switchOrganization("acme").then(() => null)`,
		`tabard.switchOrganization("globex").then(() => null)`,
		`tabard.inOrganization("initech").getToken().then(() => null)`,
		`tabard.signOut({ scope: "organization" }).then(() => null)`,
		`tabard.switchOrganization("globex").then(() => null)`,
		`void tabard.close()`,
	} {
		chrome.Eval[any](t, other, act)
		if got := chrome.Eval[string](t, tab, `tabard.state.organization.slug`); got != "acme" {
			t.Fatalf("after %s the tab wears %s", act, got)
		}
		if got := writeNote(t, tab, "acme", fmt.Sprintf("written after %d", i)); got != 201 {
			t.Fatalf("after %s a note is answered with %d", act, got)
		}
		if got := demo.Claim(t, tab, "org_slug"); got != "acme" {
			t.Fatalf("after %s the token is of %s", act, got)
		}
	}
	chrome.Reload(t, tab)
	awaitServed(t, tab, "acme")
}

// TestPainBNoCacheMixesOrganizations: concurrent requests for tokens, the partition's
// key, an interrupted switch, the next person.
func TestPainBNoCacheMixesOrganizations(t *testing.T) {
	t.Parallel()
	d, tab := atAcme(t)
	got := chrome.Eval[string](t, tab, `Promise.all(["globex", "initech", "acme", "globex", "initech"].map((name) =>
		tabard.inOrganization(name).getToken())).then((tokens) =>
		tokens.map((token) => JSON.parse(atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/"))).org_slug).join())`)
	if got != "globex,initech,acme,globex,initech" {
		t.Errorf("tokens asked for at once are of %s", got)
	}
	keys := map[string]bool{}
	key := func(tab context.Context) {
		t.Helper()
		k := chrome.Eval[string](t, tab, `tabard.partition.key`)
		if k == "" || keys[k] {
			t.Errorf("the partition is %q again", k)
		}
		keys[k] = true
	}
	key(tab)
	chrome.Eval[any](t, tab, `tabard.switchOrganization("globex").then(() => null)`)
	demo.AwaitActive(t, tab, "globex")
	key(tab)
	chrome.Eval[any](t, tab, `tabard.switchOrganization("lamna").then(() => null)`) // refused: no data of it is kept
	if stored := chrome.Eval[string](t, tab, `JSON.stringify(sessionStorage)`); strings.Contains(stored, "lamna") {
		t.Errorf("the refused organization is stored: %s", stored)
	}
	chrome.Eval[any](t, tab, `tabard.signOut().then(() => null)`)
	demo.AwaitScreen(t, tab, "signed_out")
	chrome.Go(t, tab, d.Issuer+"/nowhere")
	chrome.ForgetCookies(t, tab, d.Issuer)
	d.SignIn(t, tab, "bob") // a member of Globex alone
	demo.AwaitActive(t, tab, "globex")
	key(tab)
}

// ageSessions makes a demo's sessions older, so that their refresh tokens are due to
// rotate or have expired.
func ageSessions(t *testing.T, d *demo.Demo, by time.Duration) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(d.State, "tabard.db")+"?_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("UPDATE sessions SET cur_at = cur_at - ?1, cur_last = cur_last - ?1", int64(by/time.Second)); err != nil {
		t.Fatal(err)
	}
}

// keyless is a script that removes a browser's device key.
const keyless = `Object.defineProperty(Crypto.prototype, "subtle", { get() {} });`

// mint makes a tab ask for a new token even if it has one; the tab may find itself
// signed out.
func mint(t *testing.T, d *demo.Demo, tab context.Context, organization string) {
	t.Helper()
	chrome.Eval[any](t, tab, `sessionStorage.clear()`)
	chrome.Go(t, tab, d.Origin+"/?tabard_organization="+organization)
	chrome.Await(t, tab, `globalThis.tabard && !["starting", "unavailable"].includes(tabard.state.status)`)
}

// TestPainCRotationSignsNobodyOut: eight tabs reload at once with a rotation due, and every
// third answer is lost.
// TestPainCRotationSignsNobodyOutForLonger does so for more rounds.
func TestPainCRotationSignsNobodyOut(t *testing.T) {
	t.Parallel()
	rotationSignsNobodyOut(t, 1)
}

func rotationSignsNobodyOut(t *testing.T, rounds int) {
	t.Helper()
	w := faultproxy.New(t)
	d := demo.Start(t)
	first := chrome.New(t, chrome.WithProxy(w.Address))
	tabs := []context.Context{first}
	for range 7 {
		tabs = append(tabs, chrome.Tab(t, first))
	}
	for _, tab := range tabs {
		chrome.Before(t, tab, keyless)
	}
	d.SignIn(t, first, "alice")
	organizations := []string{"acme", "globex", "initech"}
	for i, tab := range tabs {
		d.Open(t, tab, organizations[i%3])
	}
	var answers atomic.Int64
	w.Set(faultproxy.Mints("", func(out http.ResponseWriter, r *http.Request) bool {
		return answers.Add(1)%3 == 0 && faultproxy.AnswerLost(out, r)
	}))
	for range rounds {
		ageSessions(t, d, 10*time.Minute)
		for i, tab := range tabs {
			chrome.Eval[any](t, tab, fmt.Sprintf(`void (sessionStorage.clear(), setTimeout(() => location.assign("/?tabard_organization=%s")))`, organizations[i%3]))
		}
		for i, tab := range tabs {
			demo.AwaitActive(t, tab, organizations[i%3])
		}
	}
	w.Set(nil)
	for i, tab := range tabs {
		awaitServed(t, tab, organizations[i%3])
	}
}

// TestP7TheftEndsTheSession: a cookie copied into another browser, where the session
// has no device key, works until both browsers have had to rotate it. Then the session
// ends for both. In a new workspace, as the demo's is, so do the person's sessions in
// other browsers.
func TestP7TheftEndsTheSession(t *testing.T) {
	t.Parallel()
	d := demo.Start(t)
	victim := chrome.Guest(t)
	thief, own := chrome.Person(t, victim), chrome.Person(t, victim)
	for _, tab := range []context.Context{victim, thief} {
		chrome.Before(t, tab, keyless)
	}
	d.SignIn(t, own, "alice")
	d.Open(t, own, "globex")
	d.SignIn(t, victim, "alice")
	d.Open(t, victim, "acme")
	chrome.Go(t, thief, d.Origin)
	chrome.SetCookies(t, thief, d.Origin, chrome.Cookies(t, victim, d.Origin))
	mint(t, d, thief, "acme")
	demo.AwaitActive(t, thief, "acme") // or the page stays empty

	const signedOut = `tabard.state.status === "signed_out"`
	caught := func() bool {
		return chrome.Eval[bool](t, victim, signedOut) || chrome.Eval[bool](t, thief, signedOut)
	}
	for round := 0; !caught(); round++ {
		if round == 10 {
			t.Fatal("the thief was never caught")
		}
		ageSessions(t, d, 10*time.Minute)
		mint(t, d, thief, "acme") // it brings a successor
		mint(t, d, thief, "acme") // its first use ends the rotation
		ageSessions(t, d, 10*time.Minute)
		mint(t, d, thief, "acme")
		mint(t, d, victim, "acme") // with the token from before the rotation
	}
	for _, tab := range []context.Context{victim, thief} {
		mint(t, d, tab, "acme")
		demo.AwaitScreen(t, tab, "signed_out")
	}
	mint(t, d, own, "globex")
	demo.AwaitScreen(t, own, "signed_out")
}

// TestPainDNoLockStopsAnybody: another script holds every lock that the tabs ask for,
// and callbacks call the client, throw, and are added while the client starts.
func TestPainDNoLockStopsAnybody(t *testing.T) {
	t.Parallel()
	d := demo.Start(t)
	tab := chrome.Guest(t)
	chrome.Before(t, tab, `
		const request = LockManager.prototype.request;
		LockManager.prototype.request = function (name, options, held) {
			request.call(this, name, () => new Promise(() => {})); // before the tab, for ever
			return request.call(this, name, options, held);
		};
		addEventListener("error", (event) => event.preventDefault());
		globalThis.heard = 0;
		const waiting = setInterval(() => {
			if (!globalThis.tabard) return;
			clearInterval(waiting);
			tabard.subscribe(() => { throw new Error("a listener's own fault"); });
			tabard.subscribe(() => void tabard.getToken().then(() => heard++, () => heard++));
			tabard.subscribe(({ status }) => status === "choose" && void tabard.switchOrganization("acme"));
		});`)
	d.SignIn(t, tab, "alice")
	demo.AwaitActive(t, tab, "acme")
	chrome.Await(t, tab, `heard > 0`)
	awaitServed(t, tab, "acme")
	chrome.Reload(t, tab)
	awaitServed(t, tab, "acme")
	if got := chrome.Eval[string](t, tab, switchExpression("globex")); got != "switched" {
		t.Errorf("the switch: %s", got)
	}
}

// TestPainFAfterASleepNothingOldIsServed: the first request after it carries a valid
// token in every tab, and a clock that is an hour ahead locks no person out.
func TestPainFAfterASleepNothingOldIsServed(t *testing.T) {
	t.Parallel()
	d := demo.Start(t)
	tab := chrome.Guest(t)
	other := chrome.Tab(t, tab)
	for _, each := range []context.Context{tab, other} {
		chrome.Before(t, each, asleep)
	}
	d.SignIn(t, tab, "alice")
	d.Open(t, tab, "acme")
	d.Open(t, other, "globex")
	for organization, each := range map[string]context.Context{"acme": tab, "globex": other} {
		before := chrome.Eval[string](t, each, `tabard.getToken()`)
		// No event comes before the page asks: it is found out by the clocks alone.
		if chrome.Eval[string](t, each, `(jump(3600), tabard.getToken())`) == before {
			t.Error("a token from before the sleep is served")
		}
		awaitServed(t, each, organization)
		chrome.Reload(t, each)
		awaitServed(t, each, organization)
	}
}

// TestPainGNothingBringsASessionBack: not an answer after the sign-out, not another
// tab, not a rest in storage. The requests end too.
func TestPainGNothingBringsASessionBack(t *testing.T) {
	t.Parallel()
	w, d, tab := atAcmeByProxy(t, asleep)
	other := chrome.Tab(t, tab)
	d.Open(t, other, "globex")
	stored := chrome.Eval[string](t, other, `JSON.stringify(sessionStorage)`)

	minted, release := faultproxy.HoldAnswer()
	ageSessions(t, d, 2*time.Hour) // the answer would bring a new cookie
	w.Set(faultproxy.Mints("acme", minted))
	w.Forget()
	begin(t, tab, "late", `(jump(600), tabard.getToken()).then(() => "a token", ({ code }) => code)`)
	w.Await(t, "/auth/token")
	chrome.Eval[any](t, other, `tabard.signOut().then(() => null)`)
	release()
	w.Set(nil)
	for _, each := range []context.Context{tab, other} {
		demo.AwaitScreen(t, each, "signed_out")
	}
	if got := outcome(t, tab, "late"); got == "a token" {
		t.Error("the late answer's token is handed out")
	}
	w.Forget()
	for _, each := range []context.Context{tab, other} {
		chrome.Eval[any](t, each, fmt.Sprintf(`void Object.assign(sessionStorage, JSON.parse(%q))`, stored))
		chrome.Reload(t, each)
		demo.AwaitScreen(t, each, "signed_out")
	}
	<-time.After(time.Second)
	if asked := w.Seen("/auth/token"); len(asked) > 4 {
		t.Errorf("signed-out tabs asked %d times", len(asked))
	}
	for _, c := range chrome.Cookies(t, tab, d.Origin) {
		if strings.Contains(c.Name, "tabard") && !strings.Contains(c.Name, "-login.") { // it identifies no person, and stays
			t.Errorf("a cookie is left: %s", c.Name)
		}
	}
}
