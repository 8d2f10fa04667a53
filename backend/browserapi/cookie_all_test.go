package browserapi_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

// TestCookies_AllAtOnce sets every cookie that the server can set, as many of each as a
// browser keeps, with the longest id of an app. Together they stay within 2.5 KB.
func TestCookies_AllAtOnce(t *testing.T) {
	d := desired()
	d.Workspace.Apps[0].ID = strings.Repeat("w", 32)
	w := newBackendWith(t, d, nil)
	b := w.browser()
	most := 0
	sends := func(name string, got httpbrowser.Response) {
		t.Helper()
		if got.Status >= http.StatusBadRequest {
			t.Fatalf("%s: %d %s", name, got.Status, got.Body)
		}
		if most = max(most, cookieBytes(b)); most > 2560 {
			t.Fatalf("after %s the browser keeps %d bytes: %v", name, most, b.Cookies())
		}
	}
	for range 14 {
		w.Pass(12 * time.Second) // of sign-ins in a minute six are sessions of their own
		for range 3 {
			sends("a hand-over", b.Post("/handover", `{}`))
		}
		page := b.Login("return_to=/")
		b.Step(publicURL + "/callback?" + w.Provider.SignIn(page.URL.String(), "alice").Encode())
		sends("a sign-in", b.Post("/handover", `{}`))
	}
	if most < 2400 {
		t.Errorf("the browser kept %d bytes at most: some cookie is missing", most)
	}
}
