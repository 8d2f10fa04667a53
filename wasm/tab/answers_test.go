package tab_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/wasm/tab"
)

// TestSignIn_Email: the address goes to the backend in the body of the request, and into
// no address, not even where the request failed. It leads elsewhere than to the tab's
// last organization.
func TestSignIn_Email(t *testing.T) {
	run(t, func(t *testing.T, b *browser) {
		b.signIn("ada")
		p := b.open(route("globex"))
		p.token(t, "ada@globex")
		p.config.Organization = ""
		var asked []tab.Request
		answer := &tab.Response{Status: 200, Body: `{"location":"https://id.example/"}`}
		b.set(func() {
			b.script = func(r tab.Request) *tab.Response {
				asked = append(asked, r)
				return answer
			}
		})
		p.SignIn("", "https://app.example/x", tab.Hints{Email: `ni"na@acme.example`, SessionCookie: "true"})
		if len(asked) != 1 || asked[0].Body != `{"email":"ni\"na@acme.example"}` || p.navigated != "https://id.example/" {
			t.Fatalf("%+v, went to %s", asked, p.navigated)
		}
		query, _ := url.ParseQuery(asked[0].URL[len(base+"/login?"):])
		if query.Has(api.ParamOrganization) || query.Get(api.ParamSessionCookie) != "true" || strings.Contains(asked[0].URL, "acme") {
			t.Errorf("it asks for %s", asked[0].URL)
		}
		answer = &tab.Response{Status: 502, Body: "<html>"}
		p.SignIn("", "https://app.example/x", tab.Hints{Email: "nina@acme.example"})
		if !strings.HasPrefix(p.navigated, base+"/login?") || strings.Contains(p.navigated, "nina") {
			t.Errorf("went to %s", p.navigated)
		}
	})
}
