package chrome

import (
	"bytes"
	"context"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// Option changes how a browser is started.
type Option = chromedp.ExecAllocatorOption

// WithProxy sends all of a browser's requests through a proxy, also those to loopback.
func WithProxy(proxy string) Option {
	return func(a *chromedp.ExecAllocator) {
		chromedp.ProxyServer(proxy)(a)
		chromedp.Flag("proxy-bypass-list", "<-loopback>")(a)
	}
}

// Show brings a tab to the front and hides the one in front of it.
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

// Restore starts a browser on a profile and has it reopen its last tabs, as after a
// crash. It waits for n tabs with an address that starts with this one, and returns
// those.
func Restore(t testing.TB, profile, address string, n int, options ...Option) []context.Context {
	t.Helper()
	agreesToRestore(t, profile)
	options = append(options, chromedp.Flag("restore-last-session", true))
	browser, stop := chromedp.NewContext(allocator(t, profile, patience, options...))
	t.Cleanup(stop)
	for began := time.Now(); ; <-time.After(lookInterval) {
		all := pages(t, browser)
		maps.DeleteFunc(all, func(_ target.ID, url string) bool { return !strings.HasPrefix(url, address) })
		if len(all) == n {
			var tabs []context.Context
			for id := range all {
				tabs = append(tabs, attached(t, browser, id))
			}
			return tabs
		}
		if time.Since(began) > awaitTimeout {
			t.Fatalf("the browser restored %d tabs, want %d", len(all), n)
		}
	}
}

// agreesToRestore answers the question that Chromium asks a person after a crash. Until
// then it restores no tabs, whatever the command line says.
func agreesToRestore(t testing.TB, profile string) {
	t.Helper()
	file := filepath.Join(profile, "Default", "Preferences")
	preferences, err := os.ReadFile(file)
	if err == nil {
		err = os.WriteFile(file, bytes.Replace(preferences, []byte(`"exit_type":"Crashed"`), []byte(`"exit_type":"Normal"`), 1), 0o600)
	}
	if err != nil {
		t.Fatalf("a profile without preferences restores no tabs: %v", err)
	}
}

// InFront opens a new tab of the same person in the same window and hides the tab in
// front.
func InFront(t testing.TB, tab context.Context) context.Context {
	t.Helper()
	return started(t, tab, chromedp.WithNewWindow(false))
}

// Offline disconnects a tab's browser from its network, or reconnects it.
func Offline(t testing.TB, tab context.Context, offline bool) {
	t.Helper()
	_, err := chromedp.Call(tab, network.Enable, network.EnableParams{})
	if err == nil {
		_, err = chromedp.Call(tab, network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{
			MatchedNetworkConditions: []*network.Conditions{{Offline: offline, DownloadThroughput: -1, UploadThroughput: -1}},
		})
	}
	if err == nil { // navigator.onLine, and its events
		_, err = chromedp.Call(tab, network.OverrideNetworkState, network.OverrideNetworkStateParams{Offline: offline, DownloadThroughput: -1, UploadThroughput: -1})
	}
	if err != nil {
		t.Fatalf("going offline: %v", err)
	}
}

// BlockCookies blocks cookies in a tab's pages, as a browser's settings do.
func BlockCookies(t testing.TB, tab context.Context) {
	t.Helper()
	if _, err := chromedp.Call(tab, emulation.SetDocumentCookieDisabled, emulation.SetDocumentCookieDisabledParams{Disabled: true}); err != nil {
		t.Fatalf("blocking cookies: %v", err)
	}
}

// Slow lets a tab's network carry so many bytes a second, and answer after so many
// milliseconds at the earliest.
func Slow(t testing.TB, tab context.Context, bytes, latency float64) {
	t.Helper()
	_, err := chromedp.Call(tab, network.Enable, network.EnableParams{})
	if err == nil {
		_, err = chromedp.Call(tab, network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{
			MatchedNetworkConditions: []*network.Conditions{{Latency: latency, DownloadThroughput: bytes, UploadThroughput: bytes}},
		})
	}
	if err != nil {
		t.Fatalf("slowing the network: %v", err)
	}
}
