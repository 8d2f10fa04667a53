package browser

import (
	"net/url"
	"testing"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
	"github.com/tabard-auth/tabard/browser_test/kit/demo"
)

// TestSignOut_ReturnsToTheApp, in a real browser: at the page's origin, or where
// the call says.
func TestSignOut_ReturnsToTheApp(t *testing.T) {
	t.Parallel()
	d := demo.Start(t)
	for want, call := range map[string]string{
		"/":            `tabard.signOut()`,
		"/app/goodbye": `tabard.signOut({ returnTo: "/app/goodbye" })`,
	} {
		tab := chrome.Guest(t)
		d.SignIn(t, tab, "alice")
		end, err := url.Parse(chrome.Eval[string](t, tab, call+`.then((r) => r.endSessionUrl)`))
		if err != nil || end.Query().Get("post_logout_redirect_uri") != d.Origin+want {
			t.Errorf("%s returns by %s", call, end)
		}
		if want == "/" {
			chrome.Go(t, tab, end.String())
			demo.AwaitScreen(t, tab, "signed_out")
		}
	}
}
