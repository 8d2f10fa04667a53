package chrome

import (
	"context"
	"embed"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// extension is allowed what no page is: to copy, discard and reopen tabs as their menus
// do. Its id follows from the key in its manifest.
//
//go:embed extension
var extension embed.FS

const extensionPage = "chrome-extension://fabmmmbbdoeecbnchdpclbilbimankac/page.html"

// Option changes how a browser is started.
type Option = chromedp.ExecAllocatorOption

// Through lets a browser reach everything through a proxy, loopback too.
func Through(proxy string) Option {
	return func(a *chromedp.ExecAllocator) {
		chromedp.ProxyServer(proxy)(a)
		chromedp.Flag("proxy-bypass-list", "<-loopback>")(a)
	}
}

// Restoring lets a browser open the tabs that its profile last had, as one does that
// is set to go on where it was, or has crashed.
var Restoring = chromedp.Flag("restore-last-session", true)

// WithMenus installs what [Menus] needs.
func WithMenus(t testing.TB) Option {
	t.Helper()
	folder := t.TempDir()
	if err := os.CopyFS(folder, extension); err != nil {
		t.Fatal(err)
	}
	return func(a *chromedp.ExecAllocator) {
		chromedp.Flag("disable-extensions", false)(a)
		chromedp.Flag("load-extension", filepath.Join(folder, "extension"))(a)
	}
}

// Menus does what the menus of tabs do.
type Menus struct{ page context.Context }

// NewMenus returns the menus of the browser of a tab that stays, started [WithMenus].
func NewMenus(t testing.TB, tab context.Context) Menus {
	t.Helper()
	m := Menus{Tab(t, tab)}
	Go(t, m.page, extensionPage)
	return m
}

// choose evaluates an expression in which tab is a tab's id, and whose value may be
// a tab: then it waits until that one has loaded.
func (m Menus) choose(t testing.TB, tab context.Context, expression string) {
	t.Helper()
	Eval[any](t, m.page, fmt.Sprintf(`(async () => {
		const tab = (await chrome.debugger.getTargets()).find(({ id }) => id === %q).tabId;
		for (let shown = await (%s); shown?.id && shown.status !== "complete"; shown = await chrome.tabs.get(shown.id)) {
			await new Promise((later) => setTimeout(later, 20));
		}
	})().then(() => null)`, chromedp.FromContext(tab).Target.TargetID, expression))
}

// Duplicate copies a tab and returns the copy.
func (m Menus) Duplicate(t testing.TB, tab context.Context) context.Context {
	t.Helper()
	return appeared(t, m.page, func() { m.choose(t, tab, "chrome.tabs.duplicate(tab)") })
}

// Discard takes a hidden tab out of the memory, as the browser does when it runs short,
// and shows it again, which loads it from its history and its storage. It returns the tab.
func (m Menus) Discard(t testing.TB, tab context.Context) context.Context {
	t.Helper()
	m.choose(t, tab, `chrome.tabs.get(tab).then(({ windowId }) => chrome.tabs.create({ windowId, url: "page.html" }))`)
	return appeared(t, m.page, func() {
		m.choose(t, tab, "chrome.tabs.discard(tab).then(({ id }) => chrome.tabs.update(id, { active: true }))")
	})
}

// Reopen closes a tab and opens it again, as from the list of those closed last.
func (m Menus) Reopen(t testing.TB, tab context.Context) context.Context {
	t.Helper()
	return appeared(t, m.page, func() {
		m.choose(t, tab, "chrome.tabs.remove(tab).then(() => chrome.sessions.restore()).then((session) => session.tab)")
	})
}

// Show brings a tab to the front, which hides the one that was there.
func Show(t testing.TB, tab context.Context) {
	t.Helper()
	if _, err := chromedp.Call(tab, page.BringToFront, cdp.Empty{}); err != nil {
		t.Fatalf("showing a tab: %v", err)
	}
}

// Freeze stops a page's tasks, as browsers do with tabs that were hidden for long.
func Freeze(t testing.TB, tab context.Context) {
	t.Helper()
	lifecycle(t, tab, page.SetWebLifecycleStateStateFrozen)
}

// Thaw lets a frozen page go on.
func Thaw(t testing.TB, tab context.Context) {
	t.Helper()
	lifecycle(t, tab, page.SetWebLifecycleStateStateActive)
}

func lifecycle(t testing.TB, tab context.Context, state page.SetWebLifecycleStateState) {
	t.Helper()
	if _, err := chromedp.Call(tab, page.SetWebLifecycleState, page.SetWebLifecycleStateParams{State: state}); err != nil {
		t.Fatalf("making a page %s: %v", state, err)
	}
}

// WithoutPolicy lets a tab's pages do what their Content-Security-Policy forbids.
func WithoutPolicy(t testing.TB, tab context.Context) {
	t.Helper()
	if _, err := chromedp.Call(tab, page.SetBypassCSP, page.SetBypassCSPParams{Enabled: true}); err != nil {
		t.Fatal(err)
	}
}

// Restored waits until a browser has opened n tabs at addresses that begin so, and
// returns them. The browser's first tab may be one of them.
func Restored(t testing.TB, tab context.Context, address string, n int) []context.Context {
	t.Helper()
	for began := time.Now(); ; <-time.After(lookInterval) {
		all := pages(t, tab)
		maps.DeleteFunc(all, func(_ target.ID, url string) bool { return !strings.HasPrefix(url, address) })
		if len(all) == n {
			return attached(t, tab, slices.Collect(maps.Keys(all)))
		}
		if time.Since(began) > awaitTimeout {
			t.Fatalf("the browser restored %d tabs, want %d", len(all), n)
		}
	}
}

func attached(t testing.TB, tab context.Context, ids []target.ID) []context.Context {
	t.Helper()
	var tabs []context.Context
	for _, id := range ids {
		if id == chromedp.FromContext(tab).Target.TargetID {
			tabs = append(tabs, tab)
			continue
		}
		tabs = append(tabs, started(t, tab, chromedp.WithTargetID(id)))
	}
	return tabs
}

// InFront opens a new tab of the same person in the same window, which hides the one
// that was in front.
func InFront(t testing.TB, tab context.Context) context.Context {
	t.Helper()
	return started(t, tab, chromedp.WithNewWindow(false))
}
