// Package chrome drives a real Chromium in tests: browsers, people in them, and
// their tabs, each a context for chromedp.
package chrome

import (
	"context"
	"flag"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"

	"github.com/tabard-auth/tabard/backend/store/storetest/scratch"
)

// headful shows the browser's window: go test ./browser_test/browser -run TestX -headful.
var headful = flag.Bool("headful", false, "show the browser's window")

// headless returns the value of Chromium's flag --headless.
func headless() any {
	if *headful {
		return false
	}
	return "new"
}

const (
	patience     = 10 * time.Minute // the life of a browser in a test
	startTimeout = time.Minute
	awaitTimeout = 30 * time.Second
	lookTimeout  = 2 * time.Second
	lookInterval = 50 * time.Millisecond
)

// New starts a browser with a profile of its own and returns its first tab. The
// browser ends with the test.
func New(t testing.TB, options ...Option) context.Context {
	t.Helper()
	return Open(t, scratch.Dir(t), options...)
}

// Open starts a browser on a profile, for tests that start it again there.
func Open(t testing.TB, profile string, options ...Option) context.Context {
	t.Helper()
	return OpenFor(t, profile, patience, options...)
}

// OpenFor is [Open] for a test that needs the browser for longer than usual, at most
// for this time.
func OpenFor(t testing.TB, profile string, life time.Duration, options ...Option) context.Context {
	t.Helper()
	return started(t, allocator(t, profile, life, options...))
}

// disabledFeatures are those of chromedp's own list, and the omnibox's popup: a page of
// the browser's own interface, which Chromium loads in each window, at half a second of
// processor time, before anything is typed.
const disabledFeatures = "Translate,BlinkGenPropertyTrees,WebUIOmniboxPopup,WebUIOmniboxAimPopup,WebUIOmniboxFullPopup"

func allocator(t testing.TB, profile string, life time.Duration, more ...Option) context.Context {
	t.Helper()
	allocator, free := newAllocator(path(t), profile, life, more...)
	t.Cleanup(free)
	return allocator
}

// newAllocator starts the browser at path on a profile when it is first used. It ends the
// browser when free is called, or after its life.
func newAllocator(path, profile string, life time.Duration, more ...Option) (allocator context.Context, free func()) {
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		chromedp.UserDataDir(profile),
		chromedp.Flag("headless", headless()),
		chromedp.Flag("disable-gpu", true),
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-features", disabledFeatures),
		chromedp.Flag("no-sandbox", os.Geteuid() == 0),
		chromedp.WSURLReadTimeout(startTimeout),
	)
	timed, stop := context.WithTimeout(context.Background(), life)
	allocator, end := chromedp.NewExecAllocator(timed, append(options, more...)...)
	return allocator, func() {
		end()
		stop()
	}
}

// path finds the browser by its usual names.
func path(t testing.TB) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if found, err := exec.LookPath(name); err == nil {
			return found
		}
	}
	t.Fatal("no Chromium on the PATH: make test installs it")
	return ""
}

// Person returns the first tab of another person in the same browser, with cookies and
// storage of its own.
func Person(t testing.TB, browser context.Context) context.Context {
	t.Helper()
	return started(t, browser, chromedp.WithNewBrowserContext())
}

// Tab returns a new tab of the same person.
func Tab(t testing.TB, tab context.Context) context.Context {
	t.Helper()
	return started(t, tab)
}

// CloseTab closes a tab.
func CloseTab(t testing.TB, tab context.Context) {
	t.Helper()
	if err := chromedp.Cancel(tab); err != nil {
		t.Fatalf("closing a tab: %v", err)
	}
}

func started(t testing.TB, parent context.Context, options ...chromedp.ContextOption) context.Context {
	t.Helper()
	ctx, err := start(t, parent, options...)
	if err != nil {
		t.Fatalf("starting Chromium: %v", err)
	}
	return ctx
}

func start(t testing.TB, parent context.Context, options ...chromedp.ContextOption) (context.Context, error) {
	t.Helper()
	ctx, cancel := chromedp.NewContext(parent, options...)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		return nil, err
	}
	report(t, ctx)
	return ctx, nil
}

// attached attaches to a tab that the browser opened. A tab in the middle of a
// navigation refuses; the function tries again.
func attached(t testing.TB, parent context.Context, id target.ID) context.Context {
	t.Helper()
	for began := time.Now(); ; <-time.After(lookInterval) {
		probe, leave := chromedp.NewContext(parent, chromedp.WithTargetID(id), chromedp.WithDetachOnCancel())
		err := chromedp.Do(probe)
		leave()
		var tab context.Context
		if err == nil {
			tab, err = start(t, parent, chromedp.WithTargetID(id)) // it may navigate again
		}
		if err == nil {
			chromedp.FromContext(tab).BrowserContextID = chromedp.FromContext(parent).BrowserContextID // of the same person
			return tab
		}
		if time.Since(began) > awaitTimeout {
			t.Fatalf("attaching to a tab: %v", err)
		}
	}
}

// Go navigates a tab and waits until the page has loaded.
func Go(t testing.TB, tab context.Context, url string) {
	t.Helper()
	if err := chromedp.Do(tab, chromedp.Navigate(url)); err != nil {
		t.Fatalf("going to %s: %v", url, err)
	}
}

// Reload reloads a tab and waits until the page has loaded.
func Reload(t testing.TB, tab context.Context) {
	t.Helper()
	if err := chromedp.Do(tab, chromedp.Reload()); err != nil {
		t.Fatalf("reloading: %v", err)
	}
}

// Eval evaluates an expression in a tab's page and returns its value, a
// promise's when it is fulfilled.
func Eval[T any](t testing.TB, tab context.Context, expression string) T {
	t.Helper()
	value, err := chromedp.Run(tab, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatalf("evaluating %s: %v", expression, err)
	}
	return value
}

// Block prevents a tab from loading URLs that match a pattern, such as
// "*://*:*/*.wasm".
func Block(t testing.TB, tab context.Context, pattern string) {
	t.Helper()
	_, err := chromedp.Call(tab, network.Enable, network.EnableParams{})
	if err == nil {
		_, err = chromedp.Call(tab, network.SetBlockedURLs, network.SetBlockedURLsParams{
			URLPatterns: []*network.BlockPattern{{URLPattern: pattern, Block: true}},
		})
	}
	if err != nil {
		t.Fatalf("blocking %s: %v", pattern, err)
	}
}

// Await waits until an expression is true in a tab's page. It polls from outside the
// page, so it also works while a page navigates, is frozen or paints no frames.
func Await(t testing.TB, tab context.Context, expression string) {
	t.Helper()
	AwaitFor(t, tab, awaitTimeout, expression)
}

// AwaitFor is [Await] for a machine that has other work too, with a limit of its own.
func AwaitFor(t testing.TB, tab context.Context, limit time.Duration, expression string) {
	t.Helper()
	patient, stop := context.WithTimeout(tab, limit)
	defer stop()
	for {
		holds, err := evaluateOnce(patient, expression)
		if err == nil && holds {
			return
		}
		select {
		case <-time.After(lookInterval):
		case <-patient.Done():
			t.Fatalf("awaited in vain: %s (%v)", expression, err)
		}
	}
}

// AwaitPromise waits until an expression, a promise, is fulfilled with a string.
func AwaitPromise(t testing.TB, tab context.Context, expression, want string) {
	t.Helper()
	got := ""
	for began := time.Now(); time.Since(began) < awaitTimeout; <-time.After(lookInterval) {
		if got = Eval[string](t, tab, expression); got == want {
			return
		}
	}
	t.Fatalf("awaited in vain: %s is %q, want %q", expression, got, want)
}

// evaluateOnce evaluates a condition once; a page in the middle of a navigation may
// never answer.
func evaluateOnce(tab context.Context, expression string) (bool, error) {
	ctx, stop := context.WithTimeout(tab, lookTimeout)
	defer stop()
	return chromedp.Run(ctx, chromedp.Evaluate[bool]("Boolean("+expression+")"))
}

// Move moves the mouse in a tab.
func Move(t testing.TB, tab context.Context, x, y float64) {
	t.Helper()
	_, err := chromedp.Call(tab, input.DispatchMouseEvent, input.DispatchMouseEventParams{Type: input.DispatchMouseEventTypeMouseMoved, X: x, Y: y})
	if err != nil {
		t.Fatalf("moving the mouse: %v", err)
	}
}

// Back goes back in a tab's history. It does not wait: a page restored from the
// back/forward cache does not load again.
func Back(t testing.TB, tab context.Context) {
	t.Helper()
	Eval[any](t, tab, `void setTimeout(() => history.back())`)
}

// Opened evaluates an expression that opens a tab from another, and returns the new
// tab.
func Opened(t testing.TB, tab context.Context, expression string) context.Context {
	t.Helper()
	opener := chromedp.FromContext(tab).Target.TargetID
	opened := chromedp.WaitNewTarget(tab, func(info *target.Info) bool { return info.OpenerID == opener })
	Eval[any](t, tab, expression)
	select {
	case id := <-opened:
		return attached(t, tab, id)
	case <-time.After(awaitTimeout):
		t.Fatalf("no tab was opened by %s", expression)
		return nil
	}
}

// OpenedBy runs an act that makes the browser open a tab, such as a press of a link with
// a key held down, and returns the new tab.
func OpenedBy(t testing.TB, tab context.Context, act func()) context.Context {
	t.Helper()
	before := pages(t, tab)
	act()
	for began := time.Now(); time.Since(began) < awaitTimeout; <-time.After(lookInterval) {
		for id := range pages(t, tab) {
			if _, known := before[id]; !known {
				return attached(t, tab, id)
			}
		}
	}
	t.Fatal("no tab was opened")
	return nil
}

// pages returns the addresses of the tabs of a tab's person, by id.
func pages(t testing.TB, tab context.Context) map[target.ID]string {
	t.Helper()
	all, err := chromedp.Targets(tab)
	if err != nil {
		t.Fatal(err)
	}
	urls, person := map[target.ID]string{}, chromedp.FromContext(tab).BrowserContextID
	for _, info := range all {
		if others := person != "" && info.BrowserContextID != person; others {
			continue
		}
		if info.Type == "page" && !strings.HasPrefix(info.URL, "chrome-extension:") {
			urls[info.TargetID] = info.URL
		}
	}
	return urls
}

// Before runs a script in a tab's pages before their own scripts.
func Before(t testing.TB, tab context.Context, script string) {
	t.Helper()
	if _, err := chromedp.Call(tab, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script}); err != nil {
		t.Fatalf("adding a script: %v", err)
	}
}

// Cookies returns the cookies that a tab sends to a URL, including HttpOnly ones.
func Cookies(t testing.TB, tab context.Context, url string) []*network.Cookie {
	t.Helper()
	got, err := chromedp.Call(tab, network.GetCookies, network.GetCookiesParams{URLs: []string{url}})
	if err != nil {
		t.Fatalf("reading the cookies: %v", err)
	}
	return got.Cookies
}

// AwaitClosed waits until a tab was closed.
func AwaitClosed(t testing.TB, tab context.Context) {
	t.Helper()
	id := chromedp.FromContext(tab).Target.TargetID
	for began := time.Now(); time.Since(began) < awaitTimeout; <-time.After(lookInterval) {
		all, err := chromedp.Targets(tab)
		if err != nil || !slices.ContainsFunc(all, func(info *target.Info) bool { return info.TargetID == id }) {
			return
		}
	}
	t.Fatal("the tab was not closed")
}
