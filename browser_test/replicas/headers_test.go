package replicas_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/browser_test/kit/deployment"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

// TestProxy_NoSequenceOfLinksMakesTheHostRefuse: a proxy with its default buffers
// accepts 8 KB of headers, and refuses every request to the host with more.
func TestProxy_NoSequenceOfLinksMakesTheHostRefuse(t *testing.T) {
	d := deployment.New(t, 1)
	b := httpbrowser.New(t, d.Origin, d.Origin+"/auth")
	elsewhere := httpbrowser.New(t, "https://elsewhere.example", d.Origin+"/auth").Sharing(b)
	link := func(i int) string {
		return "/auth/login?app=web&organization=acme&acr_values=" + strings.Repeat("v", 200) + "&return_to=" + url.QueryEscape("/"+strings.Repeat(fmt.Sprint(i%10), 1900))
	}
	works := func(what string) {
		t.Helper()
		size := 0
		for name, value := range b.Cookies() {
			size += len(name) + len(value) + 3
		}
		if got := b.Open(d.Origin + "/"); got.Status != http.StatusOK || got.Body != "the app" || size > 2560 {
			t.Fatalf("%s: %d, with %d bytes of cookies", what, got.Status, size)
		}
	}
	for i := range 40 {
		b.Step(d.Origin + link(i)) // the person leaves it with Back
		b.Open(d.Origin + link(i))
		elsewhere.Step(d.Origin + link(i))
		elsewhere.Step(d.Origin + "/auth/callback?state=" + strings.Repeat("s", 600) + "&code=x")
		works("attempts")
	}
	for range 40 { // they lead to a page of the app that sends no request to the backend
		b.Choose(b.Follow(d.Origin+"/auth/login?return_to=/static.html"), deployment.Person(0))
		works("sign-ins")
	}
	if got := b.Post("/token", `{"organization":"acme","enter":true}`); got.Status != http.StatusOK {
		t.Errorf("%d %s", got.Status, got.Body)
	}
	works("a token")
}
