package chrome

import (
	"context"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/chromedp"
)

// Held is the set of a tab's requests that match a pattern and have not been sent on.
type Held struct {
	tab      context.Context
	mu       sync.Mutex
	requests []fetch.RequestID
}

// Hold keeps back a tab's requests to URLs that match a pattern, such as "*/api/*",
// until [Held.Release].
func Hold(t testing.TB, tab context.Context, pattern string) *Held {
	t.Helper()
	h := &Held{tab: tab}
	err := chromedp.Listen(tab, func(event any) {
		if paused, ok := event.(*fetch.EventRequestPaused); ok {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.requests = append(h.requests, paused.RequestID)
		}
	})
	if err == nil {
		_, err = chromedp.Call(tab, fetch.Enable, fetch.EnableParams{Patterns: []*fetch.RequestPattern{{URLPattern: pattern}}})
	}
	if err != nil {
		t.Fatalf("holding %s: %v", pattern, err)
	}
	return h
}

// Count returns how many requests are held.
func (h *Held) Count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.requests)
}

// Pass sends all held requests on, and holds those that follow. A request that its page
// has canceled is ignored.
func (h *Held) Pass() {
	h.mu.Lock()
	requests := h.requests
	h.requests = nil
	h.mu.Unlock()
	for _, id := range requests {
		chromedp.Call(h.tab, fetch.ContinueRequest, fetch.ContinueRequestParams{RequestID: id})
	}
}

// Release sends all held requests on, and stops holding.
func (h *Held) Release(t testing.TB) {
	t.Helper()
	h.Pass()
	if _, err := chromedp.Call(h.tab, fetch.Disable, struct{}{}); err != nil {
		t.Fatalf("releasing: %v", err)
	}
}
