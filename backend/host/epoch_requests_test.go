package host_test

import (
	"bytes"
	"errors"
	"io"
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
func byRequest(t *testing.T, database *epochs, log io.Writer) (ask func(path string) string) {
	secret, _ := signingkey.NewSecret()
	e := &host.Epoch{Store: database, Log: slog.New(slog.NewTextHandler(log, nil))}
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
		ask := byRequest(t, database, io.Discard)
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

// What keeps requests from being answered is in the log once in five seconds, however many there
// are.
func TestEpoch_ByRequestTellsTheCause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		ask := byRequest(t, &epochs{err: errors.New("no such table: current_epoch")}, &log)
		for range 2 {
			for range 20 {
				ask(someRequest)
			}
			time.Sleep(6 * time.Second) // of the bubble
		}
		if n := strings.Count(log.String(), "no such table: current_epoch"); n != 2 || strings.Count(log.String(), "level=WARN") != 2 {
			t.Errorf("%d lines tell the cause:\n%s", n, log.String())
		}
	})
}
