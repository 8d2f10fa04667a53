package browser

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/tabard-auth/tabard/backend/store/sqlite"
	"github.com/tabard-auth/tabard/browser_test/contract"
	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/demo"
)

// signsIn applies the demo's workspace with settings of sign-ins, which a workspace file
// writes as {session_cookie: true}.
func signsIn(t *testing.T, d *demo.Demo, settings string) {
	t.Helper()
	d.Apply(t, "sign_in: "+settings+"\n"+d.Workspace(t))
}

// signInWith signs a person in by tabard.signIn with options, as a page with a checkbox does.
func signInWith(t *testing.T, d *demo.Demo, tab context.Context, person, options string) {
	t.Helper()
	chrome.Go(t, tab, d.Origin)
	demo.AwaitScreen(t, tab, "signed_out")
	chrome.Eval[any](t, tab, `void tabard.signIn(`+options+`)`)
	chrome.Press(t, tab, "#person-"+person)
	chrome.Await(t, tab, `globalThis.tabard && !["starting", "signed_out"].includes(tabard.state.status)`)
}

// startsAgain opens the demo in a browser that was started anew, without its tabs.
func startsAgain(t *testing.T, d *demo.Demo, profile string) context.Context {
	t.Helper()
	tab := chrome.Open(t, profile)
	chrome.Go(t, tab, d.Origin)
	chrome.Await(t, tab, `globalThis.tabard && tabard.state.status !== "starting"`)
	return tab
}

// signedInForNow signs alice in at a demo whose session cookies end with the browser.
func signedInForNow(t *testing.T) (d *demo.Demo, profile string, tab context.Context) {
	t.Helper()
	d = demo.Start(t)
	signsIn(t, d, "{session_cookie: true}")
	profile = t.TempDir()
	tab = chrome.Open(t, profile)
	d.SignIn(t, tab, "alice")
	return d, profile, tab
}

// TestSessionCookie_OutlivesACrash: Chromium brings such cookies back after a crash, also
// without the tabs, for the person may still have those restored. The server's own limits
// end the session.
func TestSessionCookie_OutlivesACrash(t *testing.T) {
	t.Parallel()
	d, profile, tab := signedInForNow(t)
	awaitCookieOnDisk(t, profile)
	chrome.Kill(t, tab)
	anew := startsAgain(t, d, profile)
	if got := chrome.Eval[string](t, anew, `tabard.state.status`); got != "choose" {
		t.Errorf("the browser came back %s", got)
	}
	endsWithBrowser(t, d, anew)
	d.Tabard(t, "sessions", "end", "--all", "--yes")
	chrome.Reload(t, anew)
	demo.AwaitScreen(t, anew, "signed_out")
}

// endsWithBrowser fails the test unless a tab has one session cookie, which has no Max-Age.
func endsWithBrowser(t *testing.T, d *demo.Demo, tab context.Context) {
	t.Helper()
	if all := sessionCookies(t, d, tab); len(all) != 1 || !all[0].Session {
		t.Errorf("the session's cookies: %+v", all)
	}
}

// staying is a workspace's settings, the options of a sign-in, and the status after the end
// of the browser.
type staying struct{ settings, choice, want string }

func staysSignedIn(t *testing.T, cases map[string]staying) {
	t.Helper()
	d := demo.Start(t)
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			signsIn(t, d, c.settings)
			profile := t.TempDir()
			tab := chrome.Open(t, profile)
			signInWith(t, d, tab, "alice", c.choice)
			chrome.Close(t, tab)
			anew := startsAgain(t, d, profile)
			if got := chrome.Eval[string](t, anew, `tabard.state.status`); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

// limitedBrowsers returns a demo, a browser, and a function that signs alice in in a further
// browser, in Acme.
func limitedBrowsers(t *testing.T) (d *demo.Demo, keeper context.Context, signIn func() context.Context) {
	t.Helper()
	d, keeper = demo.Start(t), chrome.New(t)
	return d, keeper, func() context.Context {
		tab := chrome.Person(t, keeper)
		d.SignIn(t, tab, "alice")
		d.Open(t, tab, "acme")
		return tab
	}
}

// TestFindOrganization_Form: the demo's form leads an address of a verified domain to the
// organization's provider, and any other to the workspace's.
func TestFindOrganization_Form(t *testing.T) {
	t.Parallel()
	d := demo.Start(t)
	d.Apply(t, strings.Replace(d.Workspace(t), "    slug: northwind\n", "    slug: northwind\n    domains: ["+contract.Domain+"]\n", 1))
	store, err := sqlite.Open(t.Context(), filepath.Join(d.State, "tabard.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	contract.VerifyIn(t, store)
	for address, want := range map[string]string{"nina@" + contract.Domain: "/northwind/", "nina@nowhere.example": "/"} {
		tab := chrome.New(t)
		chrome.Go(t, tab, d.Origin)
		demo.AwaitScreen(t, tab, "signed_out")
		chrome.Press(t, tab, "#email")
		if _, err := chromedp.Call(tab, input.InsertText, input.InsertTextParams{Text: address}); err != nil {
			t.Fatal(err)
		}
		chrome.Press(t, tab, "#find")
		chrome.Await(t, tab, fmt.Sprintf(`location.href.startsWith(%q) && new URL(location).searchParams.get("login_hint") === %q`, d.Issuer+want+"authorize", address))
	}
}

// sessionCookies returns the session cookies that a tab sends to the backend.
func sessionCookies(t *testing.T, d *demo.Demo, tab context.Context) (all []*network.Cookie) {
	t.Helper()
	for _, c := range chrome.Cookies(t, tab, d.Backend) {
		if strings.HasPrefix(c.Name, "__Host-Http-tabard.") {
			all = append(all, c)
		}
	}
	return all
}

// mintAnew has a tab ask for a new token, and returns the code of a refusal.
func mintAnew(t *testing.T, tab context.Context) string {
	t.Helper()
	return chrome.Eval[string](t, tab, `tabard.getToken({ forceRefresh: true }).then(() => "minted", (e) => e.code)`)
}

// awaitCookieOnDisk waits until the session's cookie has reached the profile of a browser,
// which writes cookies every thirty seconds.
func awaitCookieOnDisk(t *testing.T, profile string) {
	t.Helper()
	for began := time.Now(); time.Since(began) < 3*time.Minute; <-time.After(100 * time.Millisecond) {
		files, _ := filepath.Glob(filepath.Join(profile, "Default", "Cookies*"))
		for _, file := range files {
			if content, err := os.ReadFile(file); err == nil && bytes.Contains(content, []byte("__Host-Http-tabard.")) {
				return
			}
		}
	}
	t.Fatal("the browser did not write its cookies")
}
