// Package pagebench measures the client's cost for a page: bytes, time to the first
// token, memory, and the time of getToken, in one Chromium, beside an empty Go program
// and other clients from npm.
//
//	make bench-browser
//
// The benchmarks print figures for people to read; none fails because it is slow.
package pagebench

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
)

var (
	rounds = flag.Int("rounds", 15, "number of loads of each page; figures are medians")
	others = flag.Bool("others", true, "also measure other clients from npm")
)

const life = 20 * time.Minute

// figures are the figures of a page, one for each round.
type figures struct {
	bytes            int       // cold
	cold, warm       []float64 // ms until ready
	token, warmToken []float64
	reload           []float64
}

func BenchmarkPages(b *testing.B) {
	s := newSite(b)
	tab := chrome.OpenFor(b, b.TempDir(), life)
	signIn(b, tab, s)
	all := subjects(b, s)
	measured := map[string]*figures{}
	for range *rounds {
		for _, one := range all {
			f := measured[one.name]
			if f == nil {
				f = &figures{}
				measured[one.name] = f
			}
			f.load(b, tab, s, one)
		}
	}
	fmt.Printf("\nIn one Chromium, the middle of %d loads; ms since the navigation began\n", *rounds)
	fmt.Println("page                      bytes   ready: cold    warm | first token: cold    warm  reload")
	for _, one := range all {
		measured[one.name].print(one.name)
	}
	for _, name := range []string{tabard, hinted} {
		e, t := measured["empty"], measured[name]
		fmt.Printf("%s / an empty Go program, ready: cold %.2f, warm %.2f\n", name, middle(t.cold)/middle(e.cold), middle(t.warm)/middle(e.warm))
	}
	latency(b, tab, s)
}

// signIn signs a person in; the benchmarks measure that person's tabs.
func signIn(b *testing.B, tab context.Context, s *site) {
	b.Helper()
	chrome.Go(b, tab, s.origin+"/nothing") // the backend asks before it follows a link from elsewhere
	chrome.Eval[any](b, tab, `void location.assign("/auth/login?return_to=/nothing")`)
	chrome.Press(b, tab, "#person-alice")
	chrome.Await(b, tab, `location.pathname === "/nothing"`)
}

// load loads a page in a new tab with an empty cache, then in one with a full cache,
// and reloads that.
func (f *figures) load(b *testing.B, tab context.Context, s *site, one subject) {
	b.Helper()
	if _, err := chromedp.Call(tab, network.ClearBrowserCache, cdp.Empty{}); err != nil {
		b.Fatal(err)
	}
	cold := visit(b, tab, s, one)
	f.bytes = chrome.Eval[int](b, cold, `[...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
		.filter((e) => new URL(e.name).pathname !== "/auth/token").reduce((sum, e) => sum + e.encodedBodySize, 0)`)
	f.cold, f.token = append(f.cold, at(b, cold, "ready")), append(f.token, at(b, cold, "token"))
	chrome.CloseTab(b, cold)

	warm := visit(b, tab, s, one)
	f.warm, f.warmToken = append(f.warm, at(b, warm, "ready")), append(f.warmToken, at(b, warm, "token"))
	chrome.Reload(b, warm)
	done(b, warm, one)
	f.reload = append(f.reload, at(b, warm, "token"))
	chrome.CloseTab(b, warm)
}

// visit opens a page in a new tab, unwatched as a person's, and waits until it is ready.
func visit(b *testing.B, tab context.Context, s *site, one subject) context.Context {
	b.Helper()
	page := unwatched(b, tab)
	chrome.Go(b, page, s.origin+"/"+one.name)
	done(b, page, one)
	return page
}

func done(b *testing.B, page context.Context, one subject) {
	b.Helper()
	chrome.Await(b, page, `globalThis.ready !== undefined`)
	if strings.HasPrefix(one.name, tabard) {
		chrome.Await(b, page, `globalThis.token !== undefined`)
	}
}

// at returns the time of an event in a page, and 0 if it did not happen.
func at(b *testing.B, page context.Context, name string) float64 {
	b.Helper()
	return chrome.Eval[float64](b, page, fmt.Sprintf(`globalThis.%s ?? 0`, name))
}

func (f *figures) print(name string) {
	fmt.Printf("%-23s %8d %13.0f %7.0f |", name, f.bytes, middle(f.cold), middle(f.warm))
	if middle(f.token) > 0 {
		fmt.Printf(" %17.0f %7.0f %7.0f", middle(f.token), middle(f.warmToken), middle(f.reload))
	}
	fmt.Println()
}

func middle(all []float64) float64 {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[len(sorted)/2]
}

// latency measures getToken while the tab holds a token.
func latency(b *testing.B, tab context.Context, s *site) {
	b.Helper()
	page := visit(b, tab, s, subject{name: tabard})
	got := chrome.Eval[[]float64](b, page, `(async () => {
		const took = [];
		for (let i = 0; i < 2000; i++) {
			const began = performance.now();
			await tabard.getToken();
			took.push(performance.now() - began);
		}
		took.sort((a, b) => a - b);
		return [took.reduce((a, b) => a + b) / took.length, took[Math.floor(took.length * 0.99)]];
	})()`)
	fmt.Printf("getToken() of a held token: %.3f ms in the mean, %.3f ms at p99\n", got[0], got[1])
	chrome.CloseTab(b, page)
}
