package browserapi_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

// TestCookies_CopiedSecret checks that a preview and a staging server beside production,
// on one host and with production's secret, leave its sessions alone: by its cookies of
// this release, and of the previous one, which have no mark and an authentic MAC.
func TestCookies_CopiedSecret(t *testing.T) {
	for what, old := range map[string]bool{"marked": false, "of the release before": true} {
		t.Run(what, func(t *testing.T) {
			production := newBackend(t, nil)
			mux := http.NewServeMux()
			mux.Handle("/", production.Handler(publicURL, production.Through))
			production.Hosts["localhost:8080"] = mux
			b := production.signedIn("alice")
			production.mint(b, "acme")
			if old {
				production.rename(b)
			}
			for path, person := range map[string]string{"/preview/auth": "bob", "/auth/staging": "alice"} {
				other := newBackend(t, nil)
				other.Secret = production.Secret
				mux.Handle(path+"/", other.Handler(origin+path, other.Through))
				other.Hosts["localhost:8080"] = mux
				there := httpbrowser.New(other, origin, origin+path).Sharing(b)
				there.Transport, there.Now = other.Hosts, other.Now
				other.wants(there.Post("/token", enters), http.StatusUnauthorized, api.LoginRequired)
				before := len(b.Cookies())
				there.SignIn(person)
				if got := there.Post("/token", enters); got.Status != http.StatusOK || len(b.Cookies()) <= before {
					t.Fatalf("%s: %d %s", path, got.Status, got.Body)
				}
				production.Pass(time.Hour)
				other.Pass(time.Hour)
				for range 15 {
					there.Step(origin + path + "/login?return_to=/")
				}
				there.Get("/session")
				if got := there.Post("/logout", `{"scope":"session"}`); got.Status != http.StatusOK {
					t.Errorf("%s: %d %s", path, got.Status, got.Body)
				}
				if old { // renewed meanwhile, or not
					production.mint(b.Copy(), "acme")
					continue
				}
				production.mint(b, "acme")
			}
			production.mint(b, "acme")
			if name, _ := production.theSession(b); name == "" {
				t.Error("signed out")
			}
		})
	}
}
