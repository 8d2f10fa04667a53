package browser

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/demo"
)

// tabID returns the tab's id in its record.
func tabID(t *testing.T, tab context.Context) string {
	t.Helper()
	return chrome.Eval[string](t, tab, `JSON.parse(sessionStorage["tabard:" + location.origin + "/auth"]).tab`)
}

// awaitLocks waits until exactly these tabs' ids are locked in their browser.
func awaitLocks(t *testing.T, tab context.Context, ids ...string) {
	t.Helper()
	slices.Sort(ids)
	chrome.Eval[any](t, tab, `void (globalThis.locked = () => navigator.locks.query().then(({ held }) =>
		held.map(({ name }) => name.match(/:tab:(.*)/)?.[1]).filter(Boolean).sort().join()))`)
	chrome.AwaitPromise(t, tab, `locked()`, strings.Join(ids, ","))
}

// TestP1ATabComesBackAsItself: each way back leads to the same organization under the
// same tab id, and no lock is held meanwhile.
func TestP1ATabComesBackAsItself(t *testing.T) {
	t.Parallel()
	d := demo.Start(t)
	keeper := chrome.New(t, chrome.WithMenus(t))
	d.SignIn(t, keeper, "alice")
	d.Open(t, keeper, "acme")
	menus := chrome.NewMenus(t, keeper)
	kept := tabID(t, keeper)
	ways := map[string]func(*testing.T, context.Context) context.Context{
		"reloaded": func(t *testing.T, tab context.Context) context.Context {
			chrome.Reload(t, tab)
			return tab
		},
		"gone back to": func(t *testing.T, tab context.Context) context.Context {
			chrome.Await(t, tab, `tabard.state.organizations`) // a page that waits for an answer may not be kept
			chrome.Eval[any](t, tab, `void addEventListener("pageshow", ({ persisted }) => (globalThis.cached = persisted))`)
			// To ask about locks while a page that leaves still holds one would evict it.
			chrome.Eval[any](t, tab, `void addEventListener("pagehide", () => queueMicrotask(() => (localStorage.left = "yes")))`)
			chrome.Go(t, tab, "about:blank")
			chrome.Await(t, keeper, `localStorage.left`)
			awaitLocks(t, keeper, kept) // no lock of the page in the back/forward cache
			chrome.Back(t, tab)
			chrome.Await(t, tab, `globalThis.cached`)
			return tab
		},
		"discarded": func(t *testing.T, tab context.Context) context.Context {
			tab = menus.Discard(t, tab)
			chrome.Await(t, tab, `document.wasDiscarded`)
			return tab
		},
		"closed and opened again": func(t *testing.T, tab context.Context) context.Context { return menus.Reopen(t, tab) },
		"frozen and thawed": func(t *testing.T, tab context.Context) context.Context {
			chrome.Freeze(t, tab)
			chrome.Thaw(t, tab)
			return tab
		},
	}
	for name, back := range ways {
		t.Run(name, func(t *testing.T) {
			tab := chrome.Tab(t, keeper)
			d.Open(t, tab, "globex")
			id := tabID(t, tab)
			tab = back(t, tab)
			demo.AwaitActive(t, tab, "globex")
			if got := demo.Notes(t, tab, "globex"); got != 200 {
				t.Errorf("the API answers %d", got)
			}
			awaitLocks(t, keeper, kept, id)
			if got := tabID(t, tab); got != id {
				t.Errorf("the id is %s, was %s", got, id)
			}
			chrome.CloseTab(t, tab)
			awaitLocks(t, keeper, kept)
		})
	}
	demo.AwaitActive(t, keeper, "acme")
}

// TestPainEACopiedTabIsATabOfItsOwn: it keeps the organization and gets an id of its
// own; acts of one of the two do not affect the other.
func TestPainEACopiedTabIsATabOfItsOwn(t *testing.T) {
	t.Parallel()
	d := demo.Start(t)
	keeper := chrome.New(t, chrome.WithMenus(t))
	d.SignIn(t, keeper, "alice")
	menus := chrome.NewMenus(t, keeper)
	for name, copied := range map[string]func(*testing.T, context.Context) context.Context{
		"duplicated": func(t *testing.T, tab context.Context) context.Context { return menus.Duplicate(t, tab) },
		"window.open": func(t *testing.T, tab context.Context) context.Context {
			return chrome.Opened(t, tab, `void window.open(location.href)`)
		},
		"a link with an opener": func(t *testing.T, tab context.Context) context.Context {
			return chrome.Opened(t, tab, `Object.assign(document.createElement("a"), { href: "/", target: "_blank", rel: "opener" }).click()`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			tab := chrome.Tab(t, keeper)
			d.Open(t, tab, "acme")
			id := tabID(t, tab)
			other := copied(t, tab)
			demo.AwaitActive(t, other, "acme")
			own := fmt.Sprintf(`JSON.parse(sessionStorage["tabard:" + location.origin + "/auth"]).tab !== %q`, id)
			chrome.Await(t, other, own) // once the module runs
			chrome.Eval[any](t, other, `tabard.switchOrganization("globex").then(() => null)`)
			demo.AwaitActive(t, other, "globex")
			for range 2 {
				chrome.Reload(t, tab)
				chrome.Reload(t, other)
				demo.AwaitActive(t, tab, "acme")
				demo.AwaitActive(t, other, "globex")
			}
			if got := tabID(t, tab); got != id {
				t.Errorf("the tab's id became %s, was %s", got, id)
			}
		})
	}
}

// TestP1ABrowserThatStartsAgainHasItsTabsAsTheyWere: after it was closed, and after a
// crash.
func TestP1ABrowserThatStartsAgainHasItsTabsAsTheyWere(t *testing.T) {
	t.Parallel()
	d := demo.Start(t)
	profile := t.TempDir()
	browser := chrome.Open(t, profile)
	d.SignIn(t, browser, "alice")
	d.Open(t, browser, "acme")
	d.Open(t, chrome.Tab(t, browser), "globex")
	chrome.Close(t, browser)

	tabs := byOrganization(t, chrome.Restore(t, profile, d.Origin, 2))
	if tabs["acme"] == nil || tabs["globex"] == nil {
		t.Fatalf("the closed browser came back with %v", slices.Collect(maps.Keys(tabs)))
	}
	chrome.Eval[any](t, tabs["globex"], `tabard.switchOrganization("initech").then(() => null)`)
	awaitOnDisk(t, profile, `"organization":"org_initech"`)
	chrome.Kill(t, tabs["globex"])

	tabs = byOrganization(t, chrome.Restore(t, profile, d.Origin, 2))
	if tabs["acme"] == nil || tabs["initech"] == nil {
		t.Fatalf("the killed browser came back with %v", slices.Collect(maps.Keys(tabs)))
	}
	if tabID(t, tabs["acme"]) == tabID(t, tabs["initech"]) {
		t.Error("two tabs have one id")
	}
	for organization, tab := range tabs {
		if got := demo.Notes(t, tab, organization); got != 200 {
			t.Errorf("the API answers the tab of %s with %d", organization, got)
		}
	}
}

// byOrganization returns the tabs by their active organization.
func byOrganization(t *testing.T, tabs []context.Context) map[string]context.Context {
	t.Helper()
	worn := map[string]context.Context{}
	for _, tab := range tabs {
		chrome.Await(t, tab, `globalThis.tabard?.state.status === "active"`)
		worn[chrome.Eval[string](t, tab, `tabard.state.organization.slug`)] = tab
	}
	return worn
}

// awaitOnDisk waits until the sessionStorage of a page has reached its profile.
// Chromium commits it five seconds after a change, and at most once a minute.
func awaitOnDisk(t *testing.T, profile, text string) {
	t.Helper()
	var wide []byte // as the browser writes it
	for _, unit := range utf16.Encode([]rune(text)) {
		wide = append(wide, byte(unit), byte(unit>>8))
	}
	for began := time.Now(); time.Since(began) < 3*time.Minute; <-time.After(100 * time.Millisecond) {
		files, _ := filepath.Glob(filepath.Join(profile, "Default", "Session Storage", "*.log"))
		for _, file := range files {
			if content, err := os.ReadFile(file); err == nil && bytes.Contains(content, wide) {
				return
			}
		}
	}
	t.Fatal("the browser did not write to its profile")
}
