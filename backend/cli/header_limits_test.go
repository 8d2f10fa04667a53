package cli

import (
	"net/http"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

// TestServer_LongAddresses signs in from addresses of any length that a server takes, and
// gets a page that leads on above that.
func TestServer_LongAddresses(t *testing.T) {
	d, listen := deploy(t)
	origin := "http://" + listen
	d.describe(t, origin)
	d.start(t, listen)
	for _, length := range []int{2500, 9_000, 25_000, 32_000} {
		b := httpbrowser.New(t, origin, d.publicURL)
		form := b.Login("return_to=/" + strings.Repeat("x", length))
		if landed := b.Choose(form, "alice"); landed.URL.String() != origin+"/" {
			t.Errorf("from %d characters it led to %s: %d", length, landed.URL, landed.Status)
		}
	}
	b := httpbrowser.New(t, origin, d.publicURL)
	for what, got := range map[string]httpbrowser.Response{
		"an address of 33,000":  b.Login("return_to=/" + strings.Repeat("x", 33_000)),
		"an address of 100,000": b.Login("return_to=/" + strings.Repeat("x", 100_000)),
		"a callback":            b.Open(d.publicURL + "/callback?state=" + strings.Repeat("x", 50_000)),
		"cookies of 20,000":     b.With("Cookie", "a="+strings.Repeat("x", 20_000)).Open(d.publicURL + "/login"),
	} {
		want := http.StatusRequestURITooLong
		if strings.HasPrefix(what, "cookies") {
			want = http.StatusRequestHeaderFieldsTooLarge
		}
		if got.Status != want || !strings.Contains(got.Body, `<a href="`+d.publicURL+`/login"`) || strings.Contains(got.Body, "xxxx") || got.Header.Get("Content-Security-Policy") == "" {
			t.Errorf("%s: %d %.2000s", what, got.Status, got.Body)
		}
		if landed := b.Choose(b.Follow(d.publicURL+"/login"), "alice"); landed.URL.String() != origin+"/" {
			t.Errorf("after %s, the page's link led to %s", what, landed.URL)
		}
	}
	if got := b.Get("/session?x=" + strings.Repeat("x", 50_000)); got.Status != http.StatusRequestURITooLong || strings.Contains(got.Body, "<html") {
		t.Errorf("a script gets %d %s", got.Status, got.Body)
	}
}
