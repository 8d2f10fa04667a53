package browserapi_test

import (
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

// quiet sends a request whose refusals may have the status 200.
const quiet = "?" + api.QuietRefusals

// finding returns a refusal with the status 200.
func (w *answers) finding(got httpbrowser.Response, code api.Code, signedIn bool) api.Error {
	w.Helper()
	var e api.Error
	got.JSON(w, &e)
	if got.Status != http.StatusOK || e.Code != code || e.SignedIn == nil || *e.SignedIn != signedIn || e.ServerTime == 0 {
		w.Errorf("%d %s, want 200 with %s", got.Status, got.Body, code)
	}
	return e
}

// TestQuiet_WhereAPersonStandsIsNoError: it is answered with the status 200 to those who
// ask so, and everybody else gets the status of the code.
func TestQuiet_WhereAPersonStandsIsNoError(t *testing.T) {
	w := newBackend(t, nil)
	stranger := w.browser()
	w.finding(stranger.Post("/token"+quiet, `{}`), api.LoginRequired, false)
	w.finding(stranger.Get("/session"+quiet), api.LoginRequired, false)
	w.wants(stranger.Post("/token", `{}`), http.StatusUnauthorized, api.LoginRequired)
	w.wants(stranger.Get("/session"), http.StatusUnauthorized, api.LoginRequired)

	w.rule(map[string]policy.Rules{"globex": mfa})
	b := w.signedIn("alice")
	w.choice(b)
	w.wants(b.Post("/token", `{}`), http.StatusBadRequest, api.OrganizationRequired)
	w.finding(b.Post("/token"+quiet, `{"organization":"nosuch"}`), api.OrganizationAccessDenied, true)
	w.finding(b.Post("/token"+quiet, `{"organization":"acme","user":"usr_other"}`), api.IdentityChanged, true)
	if e := w.finding(b.Post("/token"+quiet, `{"organization":"globex","enter":true}`), api.InsufficientUserAuthentication, true); !strings.Contains(e.LoginURL, "acr_values=mfa") || e.ACRValues != "mfa" {
		t.Errorf("the step-up is %+v", e)
	}
	if got := b.Post("/token"+quiet, `{"organization":"acme"}`); got.Status != http.StatusOK || got.Code() != "" {
		t.Errorf("a token: %d %s", got.Status, got.Body)
	}
}

// choice compares the organizations to choose from, which come with the refusal of a mint
// that names none, with the answer to those who ask for them. Others get the refusal alone.
func (w *answers) choice(b *httpbrowser.Browser) {
	w.Helper()
	var listed api.SessionResponse
	b.Get("/session").JSON(w, &listed)
	offered := w.finding(b.Post("/token"+quiet, `{}`), api.OrganizationRequired, true).Session
	if offered == nil || len(offered.Organizations) < 2 || !reflect.DeepEqual(*offered, listed) {
		w.Errorf("offered %+v\nlisted %+v", offered, listed)
	}
	if got := b.Post("/token", `{}`); strings.Contains(got.Body, "session") {
		w.Errorf("who does not ask quietly gets %s", got.Body)
	}
	for _, body := range []string{`{"organization":"nosuch"}`, `{"organization":"globex"}`} {
		w.lists(b, body)
		if strings.Contains(b.Post("/token"+quiet, strings.Replace(body, "{", `{"enter":true,`, 1)).Body, `"session":`) {
			w.Errorf("%s: a refused switch lists organizations", body)
		}
	}
}

// lists compares the organizations in a refusal with the answer to those who ask for them.
func (w *answers) lists(b *httpbrowser.Browser, body string) {
	w.Helper()
	var listed api.SessionResponse
	b.Get("/session").JSON(w, &listed)
	var e api.Error
	b.Post("/token"+quiet, body).JSON(w, &e)
	if e.Code == "" || e.Session == nil || !reflect.DeepEqual(*e.Session, listed) {
		w.Errorf("%s: %q lists %+v", body, e.Code, e.Session)
	}
}

// TestQuiet_EndedSaysWhereElse: the refusal of an organization session that has ended lists
// the organizations too, with the state of this one.
func TestQuiet_EndedSaysWhereElse(t *testing.T) {
	w := newBackend(t, nil)
	b := w.signedIn("alice")
	w.wants(b.Post("/token", `{"organization":"acme"}`), http.StatusOK, "")
	w.wants(b.Post("/logout", `{"scope":"organization","organization":"org_acme"}`), http.StatusOK, "")
	w.lists(b, `{"organization":"acme"}`)
}

// TestQuiet_FaultsKeepTheirStatus: of requests that are wrong, whoever asks.
func TestQuiet_FaultsKeepTheirStatus(t *testing.T) {
	w := newBackend(t, nil)
	b := w.signedIn("alice")
	w.wants(b.Post("/token"+quiet, `{"nonsense":1}`), http.StatusBadRequest, api.InvalidRequest)
	w.wants(b.With("Origin", "http://evil.test").Post("/token"+quiet, `{}`), http.StatusForbidden, api.OriginNotAllowed)
	w.wants(b.With("DPoP", "nonsense").Post("/token"+quiet, `{"organization":"acme"}`), http.StatusBadRequest, api.InvalidDPoPProof)
	w.wants(w.browser().Post("/token?quiet=0", `{}`), http.StatusUnauthorized, api.LoginRequired)
}

// TestOrigin_RefusalNamesIt: the answer names the origin and the workspace file, and so
// does the page of a sign-in that would return there.
func TestOrigin_RefusalNamesIt(t *testing.T) {
	w := newBackend(t, nil)
	got := w.Browser("http://127.0.0.1:8080").Post("/token", `{}`)
	w.wants(got, http.StatusForbidden, api.OriginNotAllowed)
	for _, want := range []string{`http://127.0.0.1:8080`, "origins of the app in the workspace file"} {
		if !strings.Contains(got.Body, want) {
			t.Errorf("%s does not name %s", got.Body, want)
		}
	}
	long := w.Browser("http://"+strings.Repeat("a", 5000)+".test").Post("/token", `{}`)
	if long.Status != http.StatusForbidden || len(long.Body) > 1000 {
		t.Errorf("%d with %d bytes", long.Status, len(long.Body))
	}
	page := w.browser().With("Accept", "text/html").With("Sec-Fetch-Site", "same-origin").Step(publicURL + "/login?return_to=http%3A%2F%2F127.0.0.1%3A8080%2Fnotes")
	if page.Status != http.StatusBadRequest || !strings.Contains(page.Body, "http://127.0.0.1:8080") || !strings.Contains(page.Body, "workspace file") {
		t.Errorf("the page: %d %s", page.Status, page.Body)
	}
}
