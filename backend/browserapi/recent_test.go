package browserapi_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

// others returns the requests that end other sessions.
func others(t *testing.T, own, other *httpbrowser.Browser) map[string]func() httpbrowser.Response {
	t.Helper()
	var listed api.SessionsResponse
	other.Get("/sessions").JSON(t, &listed)
	id := ""
	for _, s := range listed.Sessions {
		if s.Current {
			id = s.ID
		}
	}
	return map[string]func() httpbrowser.Response{
		"one of them": func() httpbrowser.Response { return own.Fetch(http.MethodDelete, "/sessions/"+id, "") },
		"everywhere":  func() httpbrowser.Response { return own.Post("/logout", `{"scope":"everywhere"}`) },
	}
}

// TestEndingOthers_OldAuthentication checks that a browser that signed in yesterday
// cannot end the user's other sessions.
func TestEndingOthers_OldAuthentication(t *testing.T) {
	for name, device := range map[string]*httpbrowser.Device{"without a key": nil, "with a key": httpbrowser.NewDevice(t)} {
		for what := range others(t, newBackend(t, nil).signedIn("alice"), newBackend(t, nil).signedIn("alice")) {
			t.Run(what+", "+name, func(t *testing.T) {
				w := newBackend(t, nil)
				own, other := w.browser(), w.signedIn("alice")
				if device != nil {
					own = own.On(device)
				}
				w.signIn(own, "alice")
				end := others(t, own, other)[what]
				w.mint(other, "acme")
				w.Pass(15*time.Minute + time.Second)

				e := w.challenged(end())
				if e.MaxAge == nil || *e.MaxAge != 900 {
					t.Errorf("max_age is %v, want 900", e.MaxAge)
				}
				w.mint(other, "acme")
				w.mint(own, "acme")

				landed := w.stepUp(own, e, "alice")
				if got := landed.URL.String(); got != origin+"/notes?a=1" {
					t.Errorf("landed on %s", got)
				}
				if got := end(); got.Status != http.StatusOK {
					t.Errorf("after the step-up: %d %s\n%s", got.Status, got.Body, w.Logged)
				}
				w.wants(other.Post("/token", renews), http.StatusUnauthorized, api.SessionRevoked)
			})
		}
	}
}

// TestEndingOthers_OwnSession checks that ending the own session needs no recent
// authentication.
func TestEndingOthers_OwnSession(t *testing.T) {
	w := newBackend(t, nil)
	b := w.signedIn("alice")
	w.Pass(time.Hour)
	if got := others(t, b, b)["one of them"](); got.Status != http.StatusOK {
		t.Errorf("%d %s", got.Status, got.Body)
	}
	b = w.signedIn("alice")
	w.Pass(time.Hour)
	if got := b.Post("/logout", `{"scope":"session"}`); got.Status != http.StatusOK {
		t.Errorf("%d %s", got.Status, got.Body)
	}
}

// TestEndingOthers_UnknownTime checks that an authentication of unknown time is not
// recent.
func TestEndingOthers_UnknownTime(t *testing.T) {
	w := newBackend(t, nil)
	w.Provider.Claims = func(claims map[string]any) { delete(claims, "auth_time") }
	own, other := w.signedIn("alice"), w.signedIn("alice")
	for what, end := range others(t, own, other) {
		if got := end(); got.Code() != string(api.InsufficientUserAuthentication) {
			t.Errorf("%s: %d %s", what, got.Status, got.Body)
		}
	}
}

// TestEndingOthers_StepUpOfSession checks that the step-up happens at the workspace's
// provider if the session began there.
func TestEndingOthers_StepUpOfSession(t *testing.T) {
	w := newBackend(t, nil)
	own, other := w.signedIn("alice"), w.signedIn("alice")
	w.Pass(time.Hour)
	e := w.challenged(others(t, own, other)["everywhere"]())
	address, err := url.Parse(e.LoginURL)
	if err != nil {
		t.Fatal(err)
	}
	if got := address.Query(); got.Get("organization") != "" || got.Get("user") == "" || got.Get("app") != "web" {
		t.Errorf("login_url is %s", e.LoginURL)
	}
	if landed := w.stepUp(own, e, "bob"); landed.URL.Query().Get("tabard_error") != string(api.IdentityChanged) {
		t.Errorf("somebody else answered, and it led to %s", landed.URL)
	}
	w.challenged(others(t, own, other)["everywhere"]())
}
