package chrome

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// AgreeToLeave presses "Leave" whenever the browser asks whether to leave a tab's page,
// and counts how often that was.
func AgreeToLeave(t testing.TB, tab context.Context) *atomic.Int64 {
	t.Helper()
	asked := new(atomic.Int64)
	err := chromedp.Listen(tab, func(event any) {
		if e, ok := event.(*page.EventJavascriptDialogOpening); !ok || e.Type != page.DialogTypeBeforeunload {
			return
		}
		asked.Add(1)
		// A listener must not wait for the browser.
		go chromedp.Call(tab, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{Accept: true})
	})
	if err != nil {
		t.Fatalf("listening to dialogs: %v", err)
	}
	return asked
}
