package browser

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/demo"
)

// The demo with an origin for each organization: three of one app, on one site. Its pages send
// no referrer.

// originTest is run in a demo that others share, by a person of its own.
type originTest struct {
	name string
	test func(t *testing.T, d *demo.Demo, home context.Context)
}

// originTests are the first, moreOriginTests the others.
var originTests = []originTest{
	{"P2 one sign-in", p2OriginsOneSignIn},
	{"P10 a sign-out at one origin", p10OriginsSignOut},
	{"a host that is taken over", originsTakenOverHost},
}

func runOriginTests(t *testing.T, host string, tests []originTest) {
	t.Helper()
	d := demo.StartMany(t, host)
	browser := chrome.Guest(t)
	for _, each := range tests {
		t.Run(each.name, func(t *testing.T) { each.test(t, d, chrome.Person(t, browser)) })
	}
}

// TestOrigins_OneOfEachOrganization runs on the server what the app's origins promise.
// TestOrigins_MoreOfEachOrganization has further cases.
func TestOrigins_OneOfEachOrganization(t *testing.T) {
	t.Parallel()
	runOriginTests(t, "tabard", originTests)
}

// awaitAt waits until a tab is at the origin of an organization and shows it.
func awaitAt(t *testing.T, d *demo.Demo, tab context.Context, organization string) {
	t.Helper()
	chrome.Await(t, tab, `location.origin === "`+d.At(organization)+`"`)
	demo.AwaitActive(t, tab, organization)
}

// signInHome signs alice in at the app's own page, where she has to choose.
func signInHome(t *testing.T, d *demo.Demo, home context.Context) {
	t.Helper()
	d.SignIn(t, home, "alice")
	demo.AwaitScreen(t, home, "choose")
}

// openAt opens a tab at the origin of an organization by its address alone.
func openAt(t *testing.T, d *demo.Demo, tab context.Context, organization string) context.Context {
	t.Helper()
	opened := chrome.Tab(t, tab)
	chrome.Go(t, opened, d.At(organization)+"/")
	return opened
}

// openMany signs alice in, and opens a tab at the origin of each of her organizations: by a
// switch, by a new tab, and by the address alone.
func openMany(t *testing.T, d *demo.Demo, home context.Context) map[string]context.Context {
	t.Helper()
	signInHome(t, d, home)
	globex := chrome.Opened(t, home, `tabard.openTab("globex")`)
	awaitAt(t, d, globex, "globex")
	initech := openAt(t, d, home, "initech")
	awaitAt(t, d, initech, "initech")
	leave(t, home, `"acme"`)
	awaitAt(t, d, home, "acme")
	return map[string]context.Context{"acme": home, "globex": globex, "initech": initech}
}

// leave switches a tab to an organization at another origin.
func leave(t *testing.T, tab context.Context, organization string) {
	t.Helper()
	chrome.Eval[any](t, tab, `void tabard.switchOrganization(`+organization+`)`)
}

func switched(t *testing.T, tab context.Context, organization string) string {
	t.Helper()
	return chrome.Eval[string](t, tab, `tabard.switchOrganization(`+organization+`).then((r) => r.status + " " + r.code)`)
}

// awaitProblem waits until a tab has a status and an error code.
func awaitProblem(t *testing.T, tab context.Context, status, code string) {
	t.Helper()
	chrome.Await(t, tab, fmt.Sprintf(`globalThis.tabard?.state.status === %q && tabard.state.error?.code === %q`, status, code))
}

// awaitSignedOut waits until a tab is signed out and nothing of an organization is left.
func awaitSignedOut(t *testing.T, tab context.Context) {
	t.Helper()
	chrome.Await(t, tab, `globalThis.tabard?.state.status === "signed_out" && document.body.dataset.screen === "signed_out" && document.querySelector("#note-list").textContent === ""`)
}

func p2OriginsOneSignIn(t *testing.T, d *demo.Demo, home context.Context) {
	tabs := openMany(t, d, home)
	session := demo.Claim(t, home, "sid")
	for organization, tab := range tabs {
		chrome.Reload(t, tab)
		awaitAt(t, d, tab, organization)
		if got := demo.Claim(t, tab, "sid"); got != session {
			t.Errorf("%s: the session is %s, want %s", organization, got, session)
		}
		if got := demo.Notes(t, tab, organization); got != 200 {
			t.Errorf("%s: the API answers %d", organization, got)
		}
		if got := chrome.Eval[string](t, tab, `location.href`); got != d.At(organization)+"/" {
			t.Errorf("%s: the address is %s", organization, got)
		}
	}
	// What one tab holds is not the other's, and the record has no token.
	if got := chrome.Eval[bool](t, home, `Object.values(sessionStorage).some((text) => text.includes("access_token"))`); got {
		t.Error("the record has a token")
	}
	leave(t, home, `"globex"`)
	awaitAt(t, d, home, "globex")
	awaitAt(t, d, tabs["initech"], "initech")
}

func p3OriginsRefused(t *testing.T, d *demo.Demo, home context.Context) {
	signInHome(t, d, home)
	leave(t, home, `"acme"`)
	awaitAt(t, d, home, "acme")
	stays := func(organization, want string) {
		t.Helper()
		if got := switched(t, home, organization); got != want {
			t.Errorf("the switch to %s ended as %s, want %s", organization, got, want)
		}
		awaitAt(t, d, home, "acme")
	}
	stays(`"northwind"`, "refused organization_access_denied")
	stays(`"nobody"`, "refused organization_access_denied")
	chrome.Offline(t, home, true)
	stays(`"globex"`, "unavailable temporarily_unavailable")
	chrome.Offline(t, home, false)
	chrome.Press(t, home, "#note-text")
	for _, key := range "draft" {
		chrome.Key(t, home, string(key))
	}
	chrome.Eval[any](t, home, `void (globalThis.outcome = tabard.switchOrganization("globex").then((r) => r.code))`)
	chrome.Await(t, home, `document.querySelector("#draft").open`)
	chrome.Eval[any](t, home, `document.querySelector("#draft").close("stay")`)
	chrome.AwaitPromise(t, home, `outcome`, "switch_declined")
	awaitAt(t, d, home, "acme")
	if got := chrome.Eval[string](t, home, `document.querySelector("#note-text").value`); got != "draft" {
		t.Errorf("the note is %q", got)
	}
	chrome.Eval[any](t, home, `void tabard.switchOrganization("globex")`)
	chrome.Await(t, home, `document.querySelector("#draft").open`)
	chrome.Eval[any](t, home, `document.querySelector("#draft").close("leave")`)
	awaitAt(t, d, home, "globex")
}

// forgetKeys deletes what a page keeps in IndexedDB, where the device key is.
const forgetKeys = `indexedDB.databases().then((all) => Promise.all(all.map(({ name }) =>
	new Promise((resolve) => Object.assign(indexedDB.deleteDatabase(name), { onsuccess: resolve, onblocked: resolve, onerror: resolve }))))).then(() => null)`

// p6OriginsFirstKeyLost: the app's own page, whose session is the first, signs in anew where
// its key is lost. The other origins join that, without a prompt.
func p6OriginsFirstKeyLost(t *testing.T, d *demo.Demo, home context.Context) {
	signInHome(t, d, home)
	acme := openAt(t, d, home, "acme")
	awaitAt(t, d, acme, "acme")
	chrome.Eval[any](t, home, forgetKeys)
	chrome.Reload(t, home)
	demo.AwaitScreen(t, home, "choose")
	chrome.Reload(t, acme)
	awaitAt(t, d, acme, "acme")
	leave(t, home, `"globex"`)
	awaitAt(t, d, home, "globex")
	chrome.Eval[any](t, home, `tabard.signOut().then(() => null)`)
	chrome.Reload(t, acme) // of the session before, which ends with it
	awaitSignedOut(t, acme)
}

func p10OriginsSignOut(t *testing.T, d *demo.Demo, home context.Context) {
	tabs := openMany(t, d, home)
	held := chrome.Hold(t, tabs["initech"], "*/auth/token*") // an answer of before the sign-out comes late
	chrome.Eval[any](t, tabs["initech"], `void tabard.getToken({ forceRefresh: true }).catch(() => {})`)
	chrome.Await(t, home, `true`)
	for held.Count() == 0 {
		<-time.After(10 * time.Millisecond)
	}
	chrome.Eval[any](t, home, `tabard.signOut().then(() => null)`)
	awaitSignedOut(t, home)
	<-time.After(time.Second)
	chrome.Reload(t, tabs["globex"])
	awaitSignedOut(t, tabs["globex"])
	held.Release(t)
	chrome.Await(t, tabs["initech"], `document.body.dataset.screen === "active" || document.body.dataset.screen === "signed_out"`)
	chrome.Eval[any](t, tabs["initech"], `window.dispatchEvent(new Event("focus"))`)
	awaitSignedOut(t, tabs["initech"])
	for _, tab := range tabs {
		chrome.Reload(t, tab)
		awaitSignedOut(t, tab)
		if got := chrome.Eval[string](t, tab, `tabard.getToken().catch((e) => e.code)`); got != "login_required" {
			t.Errorf("getToken: %s", got)
		}
	}
}

// originsStolenCookies: all cookies of the backend, in a browser with keys of its own, open
// nothing, neither by a sign-in as another person nor by a tenant's own provider.
func originsStolenCookies(t *testing.T, d *demo.Demo, home context.Context) {
	tabs := openMany(t, d, home)
	user := demo.Claim(t, home, "sub")
	thief := chrome.Person(t, home)
	chrome.Go(t, thief, d.Issuer+"/.well-known/openid-configuration")
	steal := func() { chrome.SetCookies(t, thief, d.Backend, chrome.Cookies(t, home, d.Backend)) }
	for _, organization := range []string{"acme", "globex", "initech"} {
		steal()
		chrome.Go(t, thief, d.At(organization)+"/")
		chrome.Await(t, thief, `globalThis.tabard && ["signed_out", "denied"].includes(tabard.state.status) && tabard.state.user === null`)
		if got := chrome.Eval[string](t, thief, `tabard.getToken().catch((e) => e.code)`); len(got) > 60 {
			t.Errorf("%s: a token", organization)
		}
	}
	steal()
	chrome.Go(t, thief, d.Origin+"/")
	chrome.Await(t, thief, `globalThis.tabard?.state.status === "signed_out"`)
	chrome.Press(t, thief, "#sign-in-northwind") // its provider may be the thief's
	chrome.Press(t, thief, "#person-n\\.owens")
	demo.AwaitActive(t, thief, "northwind")
	if got := demo.Claim(t, thief, "sub"); got == user {
		t.Error("a tenant's provider made the thief the person")
	}
	chrome.Go(t, thief, d.At("acme")+"/")
	chrome.Await(t, thief, `globalThis.tabard && !["starting", "active"].includes(tabard.state.status)`)
	for organization, tab := range tabs {
		chrome.Reload(t, tab)
		awaitAt(t, d, tab, organization)
	}
}

// bare sends a request for a token of an organization as any script can.
func bare(d *demo.Demo, organization string) string {
	return `fetch("` + d.Backend + `/token", { method: "POST", credentials: "include", headers: { "Content-Type": "application/json", "Tabard-Client": "x" },
		body: '{"organization":"` + organization + `"}' }).then((r) => String(r.status))`
}

// originsTakenOverHost: a script at the origin of one organization, with the device key there,
// gains that organization alone.
func originsTakenOverHost(t *testing.T, d *demo.Demo, home context.Context) {
	tabs := openMany(t, d, home)
	for expression, want := range map[string]string{
		`tabard.inOrganization("globex").getToken()`:                                       "organization_access_denied",
		`tabard.inOrganization("org_globex").fetch("/api/organizations/org_globex/notes")`: "organization_access_denied",
		`tabard.organizations().then((all) => all.map((o) => o.slug).join())`:              "acme",
		bare(d, "globex"): "403",
		bare(d, "acme"):   "401", // without a proof of the key
	} {
		if got := chrome.Eval[string](t, home, expression+`.catch((e) => e.code ?? String(e))`); got != want {
			t.Errorf("%s: %s, want %s", expression, got, want)
		}
	}
	awaitAt(t, d, tabs["globex"], "globex")
}
