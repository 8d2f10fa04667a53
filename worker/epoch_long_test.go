//go:build !js && long

package main_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/browser_test/contract"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
	"github.com/tabard-auth/tabard/browser_test/kit/ports"
	"github.com/tabard-auth/tabard/worker/workerd"
)

// A D1 database goes back in time: with a new epoch in its secret the Worker serves nothing
// before the statements of tabard restore --accept have run. Then nobody who had signed out
// is signed in again, and the feed of endings is beyond every number that it gave.
func TestEpoch_D1Restored(t *testing.T) {
	t.Parallel()
	r, state := newRestorable(t)
	alice, bob := httpbrowser.New(t, r.origin, r.publicURL), httpbrowser.New(t, r.origin, r.publicURL)
	r.on(state, func() {
		alice.SignIn("alice")
		decodeToken(t, alice.Post(api.PathToken, enterAcme))
	})
	before := r.copied(state)
	old := alice.Copy()
	var newest int64
	r.on(state, func() {
		alice.Post(api.PathLogout, `{"scope":"session"}`)
		bob.SignIn("bob")
		bob.Post(api.PathLogout, `{"scope":"session"}`)
		bob.SignIn("bob")
		newest = r.evt(bob.Post(api.PathToken, enterAcme))
	})

	r.tabard("secret", "epoch", "--secret-file", r.secretFile)
	r.on(state, func() { // the first step: it is held before it is restored
		if status, text := r.status("/auth/readyz"); status != http.StatusServiceUnavailable || !strings.Contains(text, `"failed":"epoch"`) {
			t.Errorf("before: readyz: %d %s", status, text)
		}
	})
	r.on(before, func() {
		if got := old.Post(api.PathToken, enterAcme); got.Status != http.StatusServiceUnavailable || !strings.Contains(got.Body, `"reason":"database_restored"`) {
			t.Errorf("a mint: %d %s", got.Status, got.Body)
		}
		for path, want := range map[string]string{
			"/auth/readyz": `"failed":"epoch"`, "/auth/.well-known/jwks.json": "database_restored",
			"/auth/admin/v1/organizations": "database_restored", "/cdn-cgi/handler/scheduled": "",
		} {
			if status, text := r.status(path); status < 500 || !strings.Contains(text, want) {
				t.Errorf("%s: %d %s", path, status, text)
			}
		}
	})
	accept := r.tabard("restore", "--accept", "--print-sql", "--secret-file", r.secretFile)
	workerd.Must(t, workerd.Execute(before, accept))
	if err := workerd.Execute(before, accept); err == nil {
		t.Error("it is accepted a second time")
	}
	r.on(before, func() {
		if status, text := r.status("/auth/readyz"); status != http.StatusOK {
			t.Errorf("accepted: readyz: %d %s", status, text)
		}
		if got := old.Post(api.PathToken, enterAcme); got.Code() != string(api.SessionRevoked) {
			t.Errorf("a session of before: %d %s", got.Status, got.Body)
		}
		old.SignIn("alice")
		if n := r.evt(old.Post(api.PathToken, enterAcme)); n <= newest {
			t.Errorf("the feed goes on at %d, and was at %d", n, newest)
		}
	})
}

func newRestorable(t *testing.T) (r *restorable, state string) {
	workerd.Must(t, workerd.Build())
	r = &restorable{T: t, port: ports.Hold(t), secretFile: filepath.Join(t.TempDir(), "tabard.secret")}
	r.origin = fmt.Sprintf("http://localhost:%d", r.port)
	r.publicURL = r.origin + "/auth"
	issuer := contract.Provider(t, r.publicURL, r.origin)
	r.variables = workerd.Variables(r.publicURL, issuer, contract.ClientID, contract.ClientSecret)
	workerd.Must(t, os.WriteFile(r.secretFile, []byte(r.variables["TABARD_SECRET"]+"\n"), 0o600))
	return r, workerd.Database(t, contract.Desired(issuer, r.origin))
}

// on runs the Worker on a state of the database, with the secret as its file is now.
func (r *restorable) on(state string, during func()) {
	r.Helper()
	text, err := os.ReadFile(r.secretFile)
	workerd.Must(r, err)
	r.variables["TABARD_SECRET"] = string(text)
	log := &workerd.Log{}
	w, err := workerd.Launch(workerd.Options{Port: r.port, State: state, Variables: r.variables}, log)
	if err != nil {
		r.Fatalf("%v\n%s", err, log)
	}
	defer w.Stop()
	during()
}

func (r *restorable) status(path string) (int, string) {
	r.Helper()
	answer := ask(r.T, http.MethodGet, r.origin+path, nil)
	text, err := io.ReadAll(answer.Body)
	workerd.Must(r, err)
	return answer.StatusCode, string(text)
}

// evt returns the feed's number in a token.
func (r *restorable) evt(answer httpbrowser.Response) int64 {
	r.Helper()
	var claims struct{ Evt int64 }
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(decodeToken(r.T, answer).AccessToken, ".")[1])
	workerd.Must(r, err)
	workerd.Must(r, json.Unmarshal(payload, &claims))
	return claims.Evt
}
