package chrome

import (
	"context"
	"testing"
	"time"

	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// Beside does what opens a tab that does not know its opener, such as a link with a
// key held down, and returns that tab.
func Beside(t testing.TB, tab context.Context, act func()) context.Context {
	t.Helper()
	before := map[target.ID]bool{}
	for _, info := range targets(t, tab) {
		before[info.TargetID] = true
	}
	act()
	for deadline := time.Now().Add(awaitTimeout); time.Now().Before(deadline); <-time.After(lookInterval) {
		for _, info := range targets(t, tab) {
			if info.Type == "page" && !before[info.TargetID] {
				return started(t, tab, chromedp.WithTargetID(info.TargetID))
			}
		}
	}
	t.Fatal("no tab was opened")
	return nil
}

func targets(t testing.TB, tab context.Context) []*target.Info {
	t.Helper()
	all, err := chromedp.Targets(tab)
	if err != nil {
		t.Fatalf("listing the tabs: %v", err)
	}
	return all
}
