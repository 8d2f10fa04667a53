package browserapi_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

// TestRequests_UnstorableText checks that a stranger's text that PostgreSQL does not store
// is refused as the stranger's, and not by the database.
func TestRequests_UnstorableText(t *testing.T) {
	inBothStores(t, func(t *testing.T, w *backend) {
		w.connect("acme", directory.Provisioning{JustInTime: true})
		b := w.signedIn("alice")
		for _, text := range []string{"\x00", "a\xffb"} {
			in, name := url.QueryEscape(text), url.PathEscape(text)
			stranger := w.portal()
			for what, got := range map[string]httpbrowser.Response{
				"iss":                            stranger.Open(publicURL + "/login?iss=https://" + in),
				"iss of a connection":            stranger.Open(publicURL + "/login/con_acme?iss=" + in),
				"a connection":                   stranger.Open(publicURL + "/login/con_" + name),
				"a callback's connection":        stranger.Open(publicURL + "/callback/con_" + name + "?state=" + in),
				"a front-channel logout":         stranger.Open(publicURL + "/frontchannel-logout/con_" + name + "?sid=" + in),
				"an address to return to":        stranger.Open(publicURL + "/login?return_to=/" + in),
				"an app":                         stranger.Open(publicURL + "/login?app=" + in),
				"an organization":                b.Login("organization=" + in),
				"a hint":                         b.Login("login_hint=" + in),
				"a person":                       b.Login("user=" + in),
				"an organization's person":       b.Login("organization=acme&user=" + in),
				"acr_values":                     b.Login("acr_values=" + in),
				"an organization to mint for":    b.Post("/token", `{"organization":"a\u0000"}`),
				"a person to mint for":           b.Post("/token", `{"organization":"acme","user":"a\u0000"}`),
				"an organization to sign out of": b.Post("/logout", `{"scope":"organization","organization":"a\u0000"}`),
				"an address to sign out to":      b.Post("/logout", `{"scope":"organization","organization":"globex","return_to":"/\u0000"}`),
				"a session":                      b.Fetch(http.MethodDelete, "/sessions/ses_"+name, "{}"),
				"an e-mail address":              b.Post("/login", `{"email":"a\u0000@acme.example"}`),
				"an e-mail address's domain":     b.Post("/login", `{"email":"a@acme\u0000.example"}`),
				"a back-channel logout":          b.SubmitStep(publicURL+"/backchannel-logout/con_"+name, url.Values{"logout_token": {text}}),
				"a revocation":                   b.Post("/global-token-revocation/con_"+name, `{"sub_id":{"format":"iss_sub","iss":"\u0000","sub":"\u0000"}}`),
			} {
				if got.Status >= http.StatusInternalServerError {
					t.Errorf("%s of %q: %d %.60q", what, text, got.Status, got.Body)
				}
			}
		}
		w.mint(b, "acme")
	})
}
