//go:build long

package browser

import (
	"context"
	"slices"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/demo"
)

// moreOriginTests are further tests, beside originTests.
var moreOriginTests = []originTest{
	{"P2 from an organization's origin to the app's own", p2OriginsBackHome},
	{"P2 the switcher", p2OriginsSwitcher},
	{"P2 links", p2OriginsLinks},
	{"P3 a switch that is refused", p3OriginsRefused},
	{"P6 the key of the first session is lost", p6OriginsFirstKeyLost},
	{"P6 the provider's session is gone", p6OriginsProviderGone},
	{"P6 storage is cleared", p6OriginsStorageCleared},
	{"P10 the back button", p10OriginsBackButton},
	{"stolen cookies", originsStolenCookies},
}

// TestOrigins_MoreOfEachOrganization is TestOrigins_OneOfEachOrganization with further cases.
func TestOrigins_MoreOfEachOrganization(t *testing.T) {
	t.Parallel()
	runOriginTests(t, "tabard", moreOriginTests)
}

// TestOrigins_OnTheWorker runs on workerd and D1 what the server is tested with.
func TestOrigins_OnTheWorker(t *testing.T) {
	t.Parallel()
	runOriginTests(t, "tabard-worker", slices.Concat(originTests, moreOriginTests))
}

func p2OriginsBackHome(t *testing.T, d *demo.Demo, tab context.Context) {
	chrome.Go(t, tab, d.At("acme")+"/")
	awaitSignedOut(t, tab)
	chrome.Press(t, tab, "#sign-in")
	chrome.Press(t, tab, "#person-alice")
	awaitAt(t, d, tab, "acme")
	session := demo.Claim(t, tab, "sid")
	chrome.ForgetCookies(t, tab, d.Issuer) // so that no silent sign-in helps
	demo.ChooseOthers(t, tab)
	chrome.Await(t, tab, `location.origin === "`+d.Origin+`"`)
	demo.AwaitScreen(t, tab, "choose")
	if n := chrome.Eval[int](t, tab, `tabard.organizations().then((all) => all.length)`); n != 3 {
		t.Errorf("it lists %d organizations", n)
	}
	leave(t, tab, `"globex"`)
	awaitAt(t, d, tab, "globex")
	if got := demo.Claim(t, tab, "sid"); got != session {
		t.Errorf("the session is %s, want %s", got, session)
	}
}

// p2OriginsSwitcher: the switcher leads to the organizations' own origins with the session,
// which needs no provider: in this tab, and in a new one.
func p2OriginsSwitcher(t *testing.T, d *demo.Demo, home context.Context) {
	signInHome(t, d, home)
	chrome.ForgetCookies(t, home, d.Issuer)
	d.Open(t, home, "initech") // at the app's own page, which acts for all
	globex := chrome.OpenedBy(t, home, func() { demo.OpenInTab(t, home, "globex") })
	awaitAt(t, d, globex, "globex")
	demo.AwaitActive(t, home, "initech")
	demo.Choose(t, home, "acme")
	awaitAt(t, d, home, "acme")
}

// p2OriginsLinks opens tabs at other origins by links. That of an ordinary link joins by a
// sign-in that asks nothing. The switcher's bring the session, by Ctrl and by the middle button
// as well, so that they need no session at the provider.
func p2OriginsLinks(t *testing.T, d *demo.Demo, home context.Context) {
	signInHome(t, d, home)
	d.Open(t, home, "initech")
	session := demo.Claim(t, home, "sid")
	chrome.Eval[any](t, home, `void document.body.prepend(Object.assign(document.createElement("a"), { id: "elsewhere", href: "`+d.At("acme")+`/", textContent: "Acme" }))`)
	opened := map[string]func(){
		"acme": func() { chrome.PressPart(t, home, `document.querySelector("#elsewhere")`, chromedp.ModifierCtrl) },
	}
	open := func() {
		t.Helper()
		for organization, act := range opened {
			tab := chrome.OpenedBy(t, home, act)
			awaitAt(t, d, tab, organization)
			if got := demo.Claim(t, tab, "sid"); got != session {
				t.Errorf("%s: the session is %s, want %s", organization, got, session)
			}
			demo.AwaitActive(t, home, "initech")
		}
	}
	open()
	chrome.ForgetCookies(t, home, d.Issuer)
	opened = map[string]func(){
		"globex":  func() { demo.OpenByCtrl(t, home, "globex") },
		"initech": func() { demo.OpenByMiddle(t, home, "initech") },
	}
	open()
}

// p6OriginsProviderGone: without a session at the provider an address alone asks the person,
// and signs nobody out. A switch needs no provider.
func p6OriginsProviderGone(t *testing.T, d *demo.Demo, home context.Context) {
	signInHome(t, d, home)
	chrome.ForgetCookies(t, home, d.Issuer)
	initech := openAt(t, d, home, "initech")
	awaitProblem(t, initech, "denied", "origin_not_joined")
	chrome.Reload(t, initech)
	awaitProblem(t, initech, "denied", "origin_not_joined") // asked, not tried again at once
	leave(t, home, `"acme"`)
	awaitAt(t, d, home, "acme")
	session := demo.Claim(t, home, "sid")
	chrome.Press(t, initech, "#ended-again")
	chrome.Press(t, initech, "#person-alice")
	awaitAt(t, d, initech, "initech")
	if got := demo.Claim(t, initech, "sid"); got != session {
		t.Errorf("the session is %s, want %s", got, session)
	}
	awaitAt(t, d, home, "acme")
}

func p6OriginsStorageCleared(t *testing.T, d *demo.Demo, home context.Context) {
	tabs := openMany(t, d, home)
	session := demo.Claim(t, home, "sid")
	for _, clear := range []string{
		`localStorage.clear()`,
		`(localStorage.clear(), sessionStorage.clear())`,
		forgetKeys, // with its session: the origin joins anew
	} {
		chrome.Eval[any](t, home, clear)
		chrome.Reload(t, home)
		awaitAt(t, d, home, "acme")
		if got := demo.Claim(t, home, "sid"); got != session {
			t.Errorf("%s: the session is %s, want %s", clear, got, session)
		}
		awaitAt(t, d, tabs["globex"], "globex")
	}
}

func p10OriginsBackButton(t *testing.T, d *demo.Demo, home context.Context) {
	tabs := openMany(t, d, home)
	globex := tabs["globex"]
	chrome.Go(t, globex, d.Issuer+"/.well-known/openid-configuration")
	chrome.Eval[any](t, home, `tabard.signOut().then(() => null)`)
	awaitSignedOut(t, home)
	chrome.Back(t, globex)
	awaitSignedOut(t, globex)
	chrome.Eval[any](t, tabs["initech"], `void window.dispatchEvent(new Event("focus"))`) // which asks
	awaitSignedOut(t, tabs["initech"])
}
