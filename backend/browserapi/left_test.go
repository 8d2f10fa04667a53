package browserapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/host"
	"github.com/tabard-auth/tabard/backend/host/metrics"
	"github.com/tabard-auth/tabard/backend/session"
)

// leaving is a store during whose read of a mint the client leaves.
type leaving struct {
	host.Store
	leave func()
	err   error // of the read; nil is a panic
}

func (l *leaving) Subject(ctx context.Context, id session.ID, ref string, now int64) (directory.Subject, error) {
	if l.leave == nil {
		return l.Store.Subject(ctx, id, ref, now)
	}
	l.leave()
	if l.err == nil {
		panic("a fault of the server's")
	}
	return directory.Subject{}, l.err
}

// left is the last line of the log.
type left struct {
	Level, Code string
	Status      int
}

func lastLine(w *backend) (l left) {
	w.Helper()
	lines := strings.Split(strings.TrimSpace(w.Logged.String()), "\n")
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &l); err != nil {
		w.Fatal(err)
	}
	return l
}

// departing lets the test end the requests that the backend is answering, as a server does
// whose client left.
func (w *backend) departing() (leave func()) {
	backend := w.Hosts["localhost:8080"]
	var cancel context.CancelFunc
	w.Hosts["localhost:8080"] = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		var ctx context.Context
		ctx, cancel = context.WithCancel(r.Context())
		defer cancel()
		backend.ServeHTTP(rw, r.WithContext(ctx))
	})
	return func() { cancel() }
}

func TestLog_ClientLeft(t *testing.T) {
	for name, test := range map[string]struct {
		err    error
		want   left
		counts []string
	}{
		"a read is given up": {
			fmt.Errorf("sqlstore: %w", context.Canceled), left{"INFO", "temporarily_unavailable", 499},
			[]string{`tabard_faults_total{what="client"} 1`, `tabard_faults_total{what="storage"} 0`},
		},
		"a read fails in the driver's own words": {
			errors.New("interrupted (9)"), left{"INFO", "temporarily_unavailable", 499},
			[]string{`tabard_faults_total{what="client"} 1`, `tabard_faults_total{what="storage"} 0`},
		},
		"the server fails": {
			nil, left{"ERROR", "server_error", 500},
			[]string{`tabard_faults_total{what="client"} 0`, `tabard_faults_total{what="panic"} 1`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			store := &leaving{err: test.err}
			w := newCountedBackend(t, func(s host.Store) host.Store { store.Store = s; return store })
			b := w.signedIn("alice")
			store.leave = w.departing()
			b.Post("/token", `{"organization":"acme"}`)
			if got := lastLine(w); got != test.want {
				t.Errorf("the log says %+v, want %+v", got, test.want)
			}
			w.counts(append(test.counts, fmt.Sprintf(`tabard_requests_total{code=%q,method="POST",route="/auth/token",status="%d"} 1`, test.want.Code, test.want.Status))...)
		})
	}
}

// TestLog_ClientLeftBeforeTheProviderAnswered: it is no fault of the provider's.
func TestLog_ClientLeftBeforeTheProviderAnswered(t *testing.T) {
	w := newBackend(t, nil)
	w.Metrics = metrics.New()
	w.Restart()
	b := w.browser()
	page := b.Login("")
	leave := w.departing()
	w.Provider.Endpoints = map[string]http.HandlerFunc{"/token": func(rw http.ResponseWriter, _ *http.Request) {
		leave()
		rw.WriteHeader(http.StatusInternalServerError)
	}}
	b.Step(publicURL + "/callback?" + w.Provider.SignIn(page.URL.String(), "alice").Encode())
	if got := lastLine(w); got.Level != "INFO" || got.Status != 499 {
		t.Errorf("the log says %+v", got)
	}
	w.counts(`tabard_faults_total{what="client"} 1`, `tabard_faults_total{what="provider"} 0`, `tabard_provider_faults_total{what="away"} 0`)
}

// TestLog_HowEachRequestIsFound: by its id and its trace, which reach the provider too.
func TestLog_HowEachRequestIsFound(t *testing.T) {
	const trace = "4bf92f3577b34da6a3ce929d0e0e4736"
	w := newBackend(t, nil)
	var passed string
	b := w.browser()
	page := b.Login("")
	w.Provider.Endpoints = map[string]http.HandlerFunc{"/token": func(rw http.ResponseWriter, r *http.Request) {
		passed = r.Header.Get("Traceparent")
		rw.WriteHeader(http.StatusInternalServerError)
	}}
	got := b.With("X-Request-Id", "req-1").With("Traceparent", "00-"+trace+"-00f067aa0ba902b7-01").
		Step(publicURL + "/callback?" + w.Provider.SignIn(page.URL.String(), "alice").Encode())
	lines := strings.Split(strings.TrimSpace(w.Logged.String()), "\n")
	var line map[string]any
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &line); err != nil {
		t.Fatal(err)
	}
	if line["request_id"] != "req-1" || line["trace_id"] != trace || line["client"] != "127.0.0.1" || line["duration_ms"] == nil {
		t.Errorf("the log says %v", line)
	}
	if got.Header.Get("X-Request-Id") != "req-1" || !strings.HasPrefix(passed, "00-"+trace+"-") || !strings.HasSuffix(passed, "-01") {
		t.Errorf("answered %q, passed on %q", got.Header.Get("X-Request-Id"), passed)
	}
}
