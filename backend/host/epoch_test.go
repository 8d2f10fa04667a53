package host_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tabard-auth/tabard/backend/host"
	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/backend/signingkey"
)

// epochs is a database's epoch, without the database.
type epochs struct {
	mu sync.Mutex
	signingkey.DatabaseEpoch
	has   bool
	err   error
	hangs bool // until its caller gives up
	reads int
}

func (e *epochs) Epoch(ctx context.Context, adopt string) (signingkey.DatabaseEpoch, error) {
	if e.hangs {
		<-ctx.Done()
		return signingkey.DatabaseEpoch{}, ctx.Err()
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.reads++
	if !e.has {
		e.has, e.Value = true, adopt
	}
	return e.DatabaseEpoch, e.err
}

func (e *epochs) SetEpoch(_ context.Context, value string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.has, e.DatabaseEpoch = true, signingkey.DatabaseEpoch{Value: value}
	return nil
}

func TestEpoch_HoldsRequestsBackWhereItDiffers(t *testing.T) {
	for _, c := range []struct {
		name     string
		database *epochs
		file     string
		says     string // "" where it is served
	}{
		{"a new database, or one of the release before", &epochs{}, "one", ""},
		{"a file of the release before", &epochs{}, "", ""},
		{"a file of the release before, on a database that has adopted none", &epochs{has: true}, "", ""},
		{"the same", &epochs{has: true, DatabaseEpoch: signingkey.DatabaseEpoch{Value: "one"}}, "one", ""},
		{"a backup of before", &epochs{has: true, DatabaseEpoch: signingkey.DatabaseEpoch{Value: "one"}}, "two", `is "one" and the secret file's is "two"`},
		{"a file of before", &epochs{has: true, DatabaseEpoch: signingkey.DatabaseEpoch{Value: "two"}}, "", `give it the one that the others have`},
		{"a new epoch where there was none", &epochs{has: true}, "one", "tabard restore --accept"},
		{"a backup put in place", &epochs{has: true, DatabaseEpoch: signingkey.DatabaseEpoch{Value: "backup:x"}}, "one", "is a backup"},
		{"restored", &epochs{has: true, DatabaseEpoch: signingkey.DatabaseEpoch{Value: "restore:x"}}, "", "was restored"},
		{"a dump", &epochs{has: true, DatabaseEpoch: signingkey.DatabaseEpoch{Value: "one", Copied: true}}, "one", "pg_dump"},
		{"moved away", &epochs{has: true, DatabaseEpoch: signingkey.DatabaseEpoch{Value: "moved:x"}}, "one", "was moved"},
	} {
		e := &host.Epoch{Store: c.database, Log: slog.New(slog.DiscardHandler)}
		err := e.Check(t.Context(), c.file)
		if c.says == "" && (err != nil || e.Held() != nil) || c.says != "" && (err == nil || e.Held() == nil || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s: %v, held: %v", c.name, err, e.Held())
		}
	}
}

func TestEpoch_KeepsItsVerdictWhileTheDatabaseFails(t *testing.T) {
	database := &epochs{has: true, DatabaseEpoch: signingkey.DatabaseEpoch{Value: "one"}}
	e := &host.Epoch{Store: database, Log: slog.New(slog.DiscardHandler)}
	e.Check(t.Context(), "two")
	database.err = errors.New("away")
	if err := e.Check(t.Context(), "two"); !errors.Is(err, database.err) || e.Held() == nil {
		t.Errorf("%v, held: %v", err, e.Held())
	}
	database.err = nil
	e.Check(t.Context(), "one")
	database.err = errors.New("away")
	if e.Check(t.Context(), "one"); e.Held() != nil {
		t.Errorf("held: %v", e.Held())
	}
}

// While a restored database is not accepted every endpoint answers 503, and a person gets a
// page; health is answered. As soon as it is accepted, requests are served.
func TestEpoch_EveryEndpointIsUnavailable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		secret, _ := signingkey.NewSecret()
		database := &epochs{has: true, DatabaseEpoch: signingkey.DatabaseEpoch{Value: "restore:x"}}
		e := &host.Epoch{Store: database, Log: slog.New(slog.DiscardHandler)}
		e.Check(t.Context(), "")
		readiness := &host.Readiness{Store: &failingStore{Store: emptyStore(t)}, Epoch: e, Log: slog.New(slog.DiscardHandler)}
		handler, err := host.New(host.Config{
			PublicURL: "https://app.example.com/auth", Secret: secret, Epoch: e, Client: http.NotFoundHandler(),
			Provider: login.Config{Issuer: "https://id.example.com", ClientID: "tabard", ClientSecret: "secret"},
			Ready:    func(ctx context.Context) error { return readiness.Check(ctx, nil) },
		}, emptyStore(t))
		if err != nil {
			t.Fatal(err)
		}
		ask := func(method, path, accept string) *httptest.ResponseRecorder {
			w := httptest.NewRecorder()
			r := httptest.NewRequest(method, "https://app.example.com"+path, nil)
			r.Header.Set("Accept", accept)
			handler.ServeHTTP(w, r)
			return w
		}
		for _, path := range []string{"POST /auth/token", "GET /auth/session", "POST /auth/logout", "GET /auth/.well-known/jwks.json",
			"GET /auth/client/module.json", "POST /auth/backchannel-logout", "GET /auth/admin/v1/organizations", "POST /auth/v1/workspaces/w/sessions", "GET /auth/healthzz"} {
			method, path, _ := strings.Cut(path, " ")
			w := ask(method, path, "*/*")
			if body := w.Body.String(); w.Code != 503 || !strings.Contains(body, `"error":"temporarily_unavailable"`) ||
				!strings.Contains(body, `"reason":"database_restored"`) || w.Header().Get("Retry-After") != "5" || w.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("%s: %d %s %v", path, w.Code, body, w.Header())
			}
		}
		if w := ask("GET", "/auth/login?app=a", "text/html"); w.Code != 503 || !strings.Contains(w.Body.String(), `href="/auth/login?app=a"`) {
			t.Errorf("a person gets %d %s", w.Code, w.Body)
		}
		if w := ask("GET", "/auth/healthz", "*/*"); w.Code != 200 {
			t.Errorf("healthz: %d", w.Code)
		}
		if w := ask("GET", "/auth/readyz", "*/*"); w.Code != 503 || !strings.Contains(w.Body.String(), `"failed":"epoch"`) {
			t.Errorf("readyz: %d %s", w.Code, w.Body)
		}
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go e.Run(ctx, "")
		database.SetEpoch(ctx, "")
		time.Sleep(6 * time.Second) // of the bubble
		synctest.Wait()
		if w := ask("GET", "/auth/.well-known/openid-configuration", "*/*"); w.Code != 200 {
			t.Errorf("accepted, it answers %d %s", w.Code, w.Body)
		}
	})
}
