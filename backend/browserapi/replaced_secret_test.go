package browserapi_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

// withAnotherSecret replaces the backend by a replica with another secret, and returns
// the ids of both.
func withAnotherSecret(w *backend) (before, after string) {
	w.Helper()
	other, _ := signingkey.NewSecret()
	ids := []string{}
	for _, s := range []signingkey.Secret{w.Secret, other} {
		id, err := s.IDs()
		if err != nil {
			w.Fatal(err)
		}
		ids = append(ids, id...)
	}
	w.Secret = other
	w.Restart()
	return ids[0], ids[1]
}

// seen records that another replica had a value of the secret some time ago.
func (w *stored) seen(id string, ago time.Duration) {
	w.Helper()
	at := w.Now().Add(-ago).Unix()
	if err := w.Store.RecordSecretKeys(w.Context(), "another", []string{id}, at, at); err != nil {
		w.Fatal(err)
	}
}

// wantsRetry fails the test unless the answer asks for a retry and clears no cookie.
func (w *answers) wantsRetry(got httpbrowser.Response) {
	w.Helper()
	w.wants(got, http.StatusServiceUnavailable, api.TemporarilyUnavailable)
	if got.Header.Get("Retry-After") == "" || len(got.Cookies()) != 0 {
		w.Errorf("%v", got.Header)
	}
}

// signsOut fails the test unless the answer clears the session's cookie.
func (w *answers) signsOut(got httpbrowser.Response, code api.Code, name string) {
	w.Helper()
	w.wants(got, http.StatusUnauthorized, code)
	if !slices.Equal(cleared(got), []string{name}) {
		w.Errorf("%v", got.Header)
	}
}

func TestReplacedSecret_OtherReplicasCookieKept(t *testing.T) {
	w := newCountedBackend(t, nil)
	b := w.signedIn("alice")
	name, value := w.theSession(b)
	before, _ := withAnotherSecret(w)
	w.seen(before, 59*time.Minute)
	for _, ask := range []func() httpbrowser.Response{
		func() httpbrowser.Response { return b.Post("/token", `{"organization":"acme"}`) },
		func() httpbrowser.Response { return b.Get("/session") },
		func() httpbrowser.Response { return b.Post("/logout", `{"scope":"session"}`) },
	} {
		w.wantsRetry(ask())
	}
	if _, kept := w.theSession(b); kept != value {
		t.Errorf("%s is %q", name, kept)
	}
	w.counts(`tabard_faults_total{what="storage"} 0`)
	if log := w.Logged.String(); strings.Contains(log, `"level":"ERROR"`) {
		t.Errorf("it is an error in the log: %s", log)
	}
}

func TestReplacedSecret_RetiredEndsSession(t *testing.T) {
	for what, retire := range map[string]func(w *backend, id string){
		"an hour ago": func(w *backend, id string) { w.seen(id, time.Hour) },
		"by command": func(w *backend, id string) {
			w.seen(id, 0)
			if err := w.Store.RetireSecretKey(w.Context(), id, w.Now().Unix()); err != nil {
				w.Fatal(err)
			}
		},
	} {
		t.Run(what, func(t *testing.T) {
			w := newBackend(t, nil)
			b := w.signedIn("alice")
			name, _ := w.theSession(b)
			before, _ := withAnotherSecret(w)
			retire(w, before)
			w.signsOut(b.Post("/token", `{"organization":"acme"}`), api.SessionExpired, name)
		})
	}
}

// TestReplacedSecret_UnknownCleared checks that a cookie that every replica would
// refuse is cleared.
func TestReplacedSecret_UnknownCleared(t *testing.T) {
	w := newBackend(t, nil)
	ended, unseen := w.signedIn("bob"), w.signedIn("alice")
	nameOfEnded, _ := w.theSession(ended)
	nameOfUnseen, value := w.theSession(unseen)
	forged := unseen.Copy()
	before, own := withAnotherSecret(w)
	w.signsOut(unseen.Post("/token", `{"organization":"acme"}`), api.LoginRequired, nameOfUnseen)

	w.seen(before, time.Minute)
	w.seen(own, time.Minute)
	w.Change("UPDATE sessions SET revoked_at = 1, revoke_reason = 'signed_out' WHERE user_id = (SELECT id FROM users WHERE sub = 'bob')")
	w.signsOut(ended.Post("/token", `{"organization":"acme"}`), api.LoginRequired, nameOfEnded)

	// The key is this replica's own, but the MAC is wrong.
	fresh := w.signedIn("alice")
	_, good := w.theSession(fresh)
	w.signsOut(forged.With("Cookie", nameOfUnseen+"="+value[:1]+good[1:5]+value[5:]).Post("/token", `{"organization":"acme"}`), api.LoginRequired, nameOfUnseen)
}

// TestReplacedSecret_OtherCookieStillWorks checks that the authentic one of two cookies
// is used and the other one is kept.
func TestReplacedSecret_OtherCookieStillWorks(t *testing.T) {
	w := newBackend(t, nil)
	b := w.signedIn("alice")
	name, value := w.theSession(b)
	before, _ := withAnotherSecret(w)
	w.seen(before, time.Minute)
	w.signIn(b, "alice")
	w.mint(b, "acme")
	if got := b.Cookies()[name]; got != value {
		t.Errorf("%s is %q, not %q", name, got, value)
	}
	other, _ := signingkey.NewSecret() // the key of a third replica
	w.Secret = other
	w.Restart()
	w.wantsRetry(b.Post("/token", `{"organization":"acme"}`))
	if len(sessionCookies(b)) != 2 {
		t.Errorf("the browser keeps %v", b.Cookies())
	}
}

// TestReadiness_SealedSigningKeys checks that a replica without the secret of the next
// signing key stays in service and reports it.
func TestReadiness_SealedSigningKeys(t *testing.T) {
	w := newBackend(t, nil)
	b := w.signedIn("alice")
	w.mint(b, "acme")
	if got := b.Get("/readyz"); got.Status != http.StatusOK || got.Body != `{"status":"ok"}`+"\n" {
		t.Errorf("%d %s", got.Status, got.Body)
	}
	other, _ := signingkey.NewSecret()
	chain, err := w.Store.SigningKeys(t.Context(), "")
	if err == nil {
		_, err = signingkey.NewKeyRing(w.Store, other, signingkey.ES256).Make(t.Context(), "", chain, signingkey.Lead, w.Now().Unix(), "server")
	}
	if err != nil {
		t.Fatal(err)
	}
	chain, err = w.Store.SigningKeys(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	w.Restart()
	w.mint(b, "acme")
	if got := b.Get("/readyz"); got.Status != http.StatusOK || got.Body != `{"status":"ok","signing_keys_passed_over":["`+chain[1].ID+`"]}`+"\n" {
		t.Errorf("%d %s", got.Status, got.Body)
	}
}
