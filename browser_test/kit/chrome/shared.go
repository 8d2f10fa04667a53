package chrome

import (
	"context"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/tabard-auth/tabard/backend/store/storetest/scratch"
)

// sharedLife is the life of the browser that a package's tests share.
const sharedLife = time.Hour

// shared is the browser of Guest.
var shared struct {
	sync.Mutex
	runs    bool // Run ends it
	browser context.Context
	stop    func()
}

// Run runs the tests of a package in which some share a browser, for its TestMain.
func Run(m *testing.M) int {
	shared.runs = true
	code := m.Run()
	if shared.stop != nil {
		shared.stop()
	}
	return code
}

// Guest returns the first tab of a new person in a browser that the package's tests share.
// A browser of its own takes twice the processor time; tests about its start, end,
// profile, proxy or processes need one, by New.
func Guest(t testing.TB) context.Context {
	t.Helper()
	return Person(t, sharedBrowser(t))
}

func sharedBrowser(t testing.TB) context.Context {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	switch {
	case !shared.runs:
		t.Fatal("TestMain of this package does not call chrome.Run")
	case shared.browser != nil:
		return shared.browser
	}
	profile, err := scratch.MkdirTemp("tabard-browser-")
	if err != nil {
		t.Fatal(err)
	}
	allocator, free := newAllocator(path(t), profile, sharedLife)
	browser, end := chromedp.NewContext(allocator)
	stop := func() {
		chromedp.Cancel(browser) // which waits
		end()
		free()
		os.RemoveAll(profile)
	}
	if err := chromedp.Do(browser); err != nil {
		stop()
		t.Fatalf("starting Chromium: %v", err)
	}
	shared.browser, shared.stop = browser, stop
	return browser
}
