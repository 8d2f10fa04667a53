package browserapi_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/jws"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

// endsBySID posts a logout token that names only a session of the provider.
func (w *backend) endsBySID(sid string) {
	w.Helper()
	token := w.logoutToken("alice", func(c jwt.MapClaims) { delete(c, "sub"); c["sid"] = sid })
	if got := w.backchannel(token); got.Code != http.StatusOK {
		w.Errorf("%d %s", got.Code, got.Body)
	}
}

// TestStepUp_ProvidersNewSession checks that the provider's logout ends the session if
// it names the provider's newest session, which a step-up may have begun, and that a
// sign-out shows the provider the newest identity token.
func TestStepUp_ProvidersNewSession(t *testing.T) {
	for name, keyed := range map[string]bool{"with a device key": true, "without one": false} {
		for sid, ends := range map[any]string{"two": "two", nil: "one"} {
			t.Run(name, func(t *testing.T) {
				w := newBackend(t, nil)
				w.rule(map[string]policy.Rules{"acme": mfa})
				w.Provider.Claims = tells(map[string]any{"sid": "one"})
				b := w.browser()
				if keyed {
					b = b.On(httpbrowser.NewDevice(t))
				}
				w.signIn(b, "alice")
				w.mint(b, "globex")
				w.Pass(time.Minute)
				w.Provider.Claims = tells(map[string]any{"sid": sid, "acr": "mfa"})
				w.stepUp(b, w.challenged(b.Post("/token", enters)), "alice")
				w.mint(b, "acme")
				w.Pass(time.Minute)
				for _, other := range []string{"one", "two"} {
					if other != ends {
						w.endsBySID(other)
					}
				}
				w.mint(b, "acme")
				w.endsBySID(ends)
				w.wants(b.Post("/token", renews), http.StatusUnauthorized, api.SessionRevoked)
			})
		}
	}
}

// TestStepUp_SignOutHintsNewestToken checks the hint of a session with a device key.
func TestStepUp_SignOutHintsNewestToken(t *testing.T) {
	w := newBackend(t, nil)
	w.rule(map[string]policy.Rules{"acme": mfa})
	b := w.keyed("alice")
	w.Pass(time.Minute)
	w.Provider.Claims = tells(map[string]any{"sid": "two", "acr": "mfa"})
	w.stepUp(b, w.challenged(b.Post("/token", enters)), "alice")
	var out api.LogoutResponse
	b.Post("/logout", `{"scope":"session"}`).JSON(t, &out)
	end, err := url.Parse(out.EndSessionURL)
	if err != nil {
		t.Fatal(err)
	}
	message, err := jws.Parse(end.Query().Get("id_token_hint"), 8<<10)
	if err != nil || string(message.Claims.Value("sid")) != `"two"` {
		t.Errorf("the hint is of session %s: %v", message.Claims.Value("sid"), err)
	}
}

// TestStepUp_OtherProvidersSession checks that a step-up at an organization's own
// provider leaves the session with the provider of its sign-in.
func TestStepUp_OtherProvidersSession(t *testing.T) {
	w := newBackend(t, nil)
	p := w.connect("globex", directory.Provisioning{JustInTime: true})
	w.rule(requireConnections("globex"))
	w.Provider.Claims, p.Claims = tells(map[string]any{"sid": "one"}), tells(map[string]any{"sid": "two"})
	b := w.keyed("alice")
	w.enterBy(b, "globex", "a.martin")
	w.Pass(time.Minute)
	w.endsBySID("two")
	w.mint(b, "acme")
	w.endsBySID("one")
	w.wants(b.Post("/token", renews), http.StatusUnauthorized, api.SessionRevoked)
}

// TestStepUp_ProvidersNewSessionEnds checks that the provider's logout of the session that a
// step-up began there ends this one, also before the new cookie was used.
func TestStepUp_ProvidersNewSessionEnds(t *testing.T) {
	w := newBackend(t, nil)
	w.rule(map[string]policy.Rules{"acme": mfa})
	w.Provider.Claims = tells(map[string]any{"sid": "one"})
	b := w.signedIn("alice")
	w.mint(b, "globex")
	other := w.browser()
	w.signIn(other, "alice")
	w.Pass(time.Minute)
	w.Provider.Claims = tells(map[string]any{"sid": "two", "acr": "mfa"})
	before := b.Copy()
	w.stepUp(b, w.challenged(b.Post("/token", enters)), "alice")
	w.endsBySID("two")
	w.wants(before.Post("/token", `{"organization":"globex"}`), http.StatusUnauthorized, api.SessionRevoked)
	w.wants(b.Post("/token", `{"organization":"globex"}`), http.StatusUnauthorized, api.SessionRevoked)
	w.mint(other, "globex")
}
