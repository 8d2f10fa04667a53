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
	"github.com/chromedp/cdproto/heapprofiler"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
)

// tabs is the number of tabs that the memory of one is measured with.
var tabs = flag.Int("tabs", 10, "number of tabs whose memory is measured at once")

// BenchmarkMemory measures what a tab takes beyond one with nothing, as it is left after
// it was loaded, and after a forced collection of garbage.
func BenchmarkMemory(b *testing.B) {
	s := newSite(b)
	tab := chrome.OpenFor(b, b.TempDir(), life)
	signIn(b, tab, s)
	fmt.Printf("\nMiB of a tab beyond one with nothing (private memory, the mean of %d): loaded, and after a collection\n", *tabs)
	all := subjects(b, s)
	all = slices.Insert(all, 2, waiting(b, s))
	measured := map[string][2]float64{}
	for _, one := range all {
		each := memoryOf(b, tab, s, one)
		measured[one.name] = each
		over := func(other string) string {
			return fmt.Sprintf("%.1f %.1f", each[0]-measured[other][0], each[1]-measured[other][1])
		}
		fmt.Printf("%-23s %s", one.name, over("nothing"))
		if strings.HasPrefix(one.name, tabard) {
			fmt.Printf("   over an empty Go program that has ended: %s, that waits: %s", over("empty"), over("waiting"))
		}
		fmt.Println()
	}
}

// memoryOf opens tabs of a page and returns the MiB of a process of theirs, before and
// after a collection.
func memoryOf(b *testing.B, tab context.Context, s *site, one subject) (each [2]float64) {
	b.Helper()
	others, before := chrome.Renderers(tab)
	var open []context.Context
	for range *tabs {
		page := unwatched(b, tab)
		chrome.Go(b, page, s.origin+"/"+one.name)
		done(b, page, one)
		open = append(open, page)
	}
	for i := range each {
		<-time.After(settle)
		processes, bytes := chrome.Renderers(tab)
		each[i] = float64(bytes-before) / float64(processes-others) / (1 << 20)
		for _, page := range open {
			chromedp.Call(page, heapprofiler.CollectGarbage, cdp.Empty{})
		}
	}
	for _, page := range open {
		chrome.CloseTab(b, page)
	}
	return each
}

// unwatched returns a tab of whose network nobody is told. Where somebody is, the page's
// process keeps the content of each response for them, and so the module's.
func unwatched(b *testing.B, tab context.Context) context.Context {
	b.Helper()
	page := chrome.Tab(b, tab)
	if _, err := chromedp.Call(page, network.Disable, cdp.Empty{}); err != nil {
		b.Fatal(err)
	}
	return page
}
