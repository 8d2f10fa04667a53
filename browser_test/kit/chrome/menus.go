package chrome

import (
	"context"
	"embed"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
)

// extension is allowed what no page is: to copy, discard and reopen tabs as their menus
// do. Its id follows from the key in its manifest.
//
//go:embed extension
var extension embed.FS

const extensionPage = "chrome-extension://fabmmmbbdoeecbnchdpclbilbimankac/page.html"

// WithMenus installs the extension that [Menus] needs.
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

// Menus runs the commands of a tab's context menu.
type Menus struct{ page context.Context }

// NewMenus returns the menus of a browser that was started [WithMenus]. tab must stay
// open.
func NewMenus(t testing.TB, tab context.Context) Menus {
	t.Helper()
	m := Menus{Tab(t, tab)}
	Go(t, m.page, extensionPage)
	return m
}

// choose evaluates an expression in which tab is a tab's id. If its value is a tab,
// choose waits until that tab has loaded.
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
	return OpenedBy(t, m.page, func() { m.choose(t, tab, "chrome.tabs.duplicate(tab)") })
}

// Discard discards a hidden tab from memory, as the browser does when it runs short,
// and shows it again, which reloads it from its history and its sessionStorage. It
// returns the tab.
func (m Menus) Discard(t testing.TB, tab context.Context) context.Context {
	t.Helper()
	m.choose(t, tab, `chrome.tabs.get(tab).then(({ windowId }) => chrome.tabs.create({ windowId, url: "page.html" }))`)
	return OpenedBy(t, m.page, func() {
		m.choose(t, tab, "chrome.tabs.discard(tab).then(({ id }) => chrome.tabs.update(id, { active: true }))")
	})
}

// Reopen closes a tab and reopens it, as from the list of recently closed tabs.
func (m Menus) Reopen(t testing.TB, tab context.Context) context.Context {
	t.Helper()
	return OpenedBy(t, m.page, func() {
		m.choose(t, tab, "chrome.tabs.remove(tab).then(() => chrome.sessions.restore()).then((session) => session.tab)")
	})
}

// Unwatched is a tab without a debugger: with one attached, the browser prerenders no
// page.
type Unwatched struct {
	menus Menus
	id    int
}

// Unwatched opens a tab, at an address of http://localhost.
func (m Menus) Unwatched(t testing.TB, url string) Unwatched {
	t.Helper()
	return Unwatched{m, Eval[int](t, m.page, fmt.Sprintf(`chrome.tabs.create({ url: %q }).then(({ id }) => id)`, url))}
}

// Run evaluates an expression in the tab's page and waits until it is true.
func (u Unwatched) Run(t testing.TB, expression string) {
	t.Helper()
	AwaitPromise(t, u.menus.page, fmt.Sprintf(`chrome.scripting.executeScript({
		target: { tabId: %d }, world: "MAIN", func: async () => Boolean(await (%s)),
	}).then(([{ result }]) => String(result), (error) => error.message)`, u.id, expression), "true")
}
