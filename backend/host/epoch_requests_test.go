package host_test

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tabard-auth/tabard/backend/host"
	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/backend/signingkey"
)

// byRequest is a backend whose epoch is checked by requests, as on a Worker.
func byRequest(t *testing.T, database *epochs) (ask func(path string) string) {
	secret, _ := signingkey.NewSecret()
	e := &host.Epoch{Store: database, Log: slog.New(slog.DiscardHandler)}
	e.ByRequest("one")
	handler, err := host.New(host.Config{
		PublicURL: "https://app.example.com/auth", Secret: secret, Epoch: e, Ready: e.Ready,
		Provider: login.Config{Issuer: "https://id.example.com", ClientID: "tabard", ClientSecret: "secret"},
	}, emptyStore(t))
	if err != nil {
		t.Fatal(err)
	}
	return func(path string) string {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "https://app.example.com/auth"+path, nil))
		synctest.Wait()
		switch {
		case w.Code == http.StatusOK:
			return "served"
		case w.Code == http.StatusServiceUnavailable && strings.Contains(w.Body.String(), `"reason":"database_restored"`):
			return "held"
		case w.Code == http.StatusServiceUnavailable && strings.Contains(w.Body.String(), `"failed":"epoch"`):
			return "not ready"
		case w.Code == http.StatusServiceUnavailable:
			return "unavailable"
		}
		return w.Body.String()
	}
}

const someRequest = "/.well-known/openid-configuration"

// A host that runs nothing between requests serves none before the first verdict, and
// afterward asks every five seconds at most.
func TestEpoch_ByRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		database := &epochs{has: true, DatabaseEpoch: signingkey.DatabaseEpoch{Value: "two"}}
		ask := byRequest(t, database)
		expect := func(when, path, want string) {
			t.Helper()
			if got := ask(path); got != want {
				t.Errorf("%s: %s, not %s", when, got, want)
			}
		}
		database.err = errors.New("away")
		expect("the database does not answer", someRequest, "unavailable")
		database.err = nil
		expect("another epoch", someRequest, "held")
		expect("another epoch, readiness", "/readyz", "not ready")
		expect("another epoch, liveness", "/healthz", "served")
		database.err = errors.New("away")
		time.Sleep(6 * time.Second) // of the bubble
		expect("another epoch, and then no answer", someRequest, "held")
		database.err, database.Value = nil, "one"
		expect("accepted", someRequest, "served")
		expect("accepted, readiness", "/readyz", "served")

		before := database.reads
		for range 100 {
			expect("within five seconds", someRequest, "served")
		}
		if n := database.reads - before; n != 0 {
			t.Errorf("100 requests read the epoch %d times", n)
		}
		database.hangs = true
		time.Sleep(6 * time.Second)
		asked := time.Now()
		expect("the check hangs", someRequest, "served")
		if took := time.Since(asked); took > time.Second {
			t.Errorf("a request waited %v for a check that hangs", took)
		}
		database.hangs = false
		database.Value = "restore:x"
		time.Sleep(6 * time.Second)
		expect("restored while it is served, beside the check", someRequest, "served")
		expect("restored while it is served", someRequest, "held")
	})
}
