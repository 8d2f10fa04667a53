package browserapi_test

import (
	"crypto/rand"
	"fmt"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/session"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

// TestCookies_APileIsAnsweredWithinAProxysBuffer: whatever a browser brings, the headers of
// an answer fit into 4 KB, which proxies keep for them by default.
func TestCookies_APileIsAnsweredWithinAProxysBuffer(t *testing.T) {
	w, _ := upgrading(t)
	b := w.signedIn("alice")
	name, value := anyCookie(b)
	prefix := name[:strings.LastIndex(name, ".")+1]
	var pile strings.Builder
	fmt.Fprintf(&pile, "%s=%s", name, value)
	for range 40 {
		id := session.NewID()
		short := strings.TrimPrefix(id.String(), "ses_")[:8]
		fmt.Fprintf(&pile, "; %s%s=%s; __Host-Http-tabard-login.%s=%s", prefix, short, value, strings.ToLower(rand.Text()[:8]), rand.Text())
	}
	for _, ask := range []string{"/token", "/logout"} {
		got := b.Copy().With("Cookie", pile.String()).Post(ask, `{"scope":"session"}`)
		size := 0
		for name, values := range got.Header {
			for _, v := range values {
				size += len(name) + len(v) + 4
			}
		}
		if size > 4000 {
			t.Errorf("%s: %d bytes of headers, with %d cookies", ask, size, len(got.Cookies()))
		}
	}
}

// anyCookie is a cookie of a session whose name bears the server's mark.
func anyCookie(b *httpbrowser.Browser) (name, value string) {
	for name, value = range sessionCookies(b) {
		if strings.Count(name, ".") == 3 {
			break
		}
	}
	return name, value
}
