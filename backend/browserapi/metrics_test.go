package browserapi_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/host"
	"github.com/tabard-auth/tabard/backend/host/metrics"
	"github.com/tabard-auth/tabard/backend/session"
)

// newCountedBackend starts a backend with metrics.
func newCountedBackend(t *testing.T, wrap func(host.Store) host.Store) *backend {
	w := newBackend(t, wrap)
	w.Metrics = metrics.New()
	w.Restart()
	return w
}

// metricsOf returns the metrics page.
func metricsOf(w *backend) string {
	answer := httptest.NewRecorder()
	w.Metrics.(*metrics.Metrics).Page().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	return answer.Body.String()
}

// counts fails the test unless the metrics contain the lines.
func (w *backend) counts(lines ...string) {
	w.Helper()
	all := metricsOf(w)
	for _, line := range lines {
		if !strings.Contains(all, line+"\n") {
			w.Errorf("there is no %s in\n%s", line, regexp.MustCompile(`(?m)^(#|go_|process_|tabard_request_d).*\n`).ReplaceAllString(all, ""))
		}
	}
}

// brokenStore is a store whose mints fail.
type brokenStore struct {
	host.Store
	on bool
}

func (b *brokenStore) Subject(ctx context.Context, id session.ID, ref string, now int64) (directory.Subject, error) {
	if b.on {
		return directory.Subject{}, errors.New("the disk is gone")
	}
	return b.Store.Subject(ctx, id, ref, now)
}

func TestMetrics_Requests(t *testing.T) {
	store := &brokenStore{}
	w := newCountedBackend(t, func(s host.Store) host.Store { store.Store = s; return store })
	b := w.signedIn("alice")
	w.mint(b, "acme")
	w.mint(b, "globex")
	b.Post("/token", `{"organization":"nowhere"}`)
	b.Get("/healthz")
	b.Get("/o/org_acme/.well-known/jwks.json")
	b.Get("/nothing")
	store.on = true
	b.Post("/token", `{"organization":"acme"}`)
	w.counts(
		`tabard_requests_total{code="",method="POST",route="/auth/token",status="200"} 2`,
		`tabard_requests_total{code="organization_access_denied",method="POST",route="/auth/token",status="403"} 1`,
		`tabard_requests_total{code="temporarily_unavailable",method="POST",route="/auth/token",status="503"} 1`,
		`tabard_requests_total{code="",method="GET",route="/auth/healthz",status="200"} 1`,
		`tabard_requests_total{code="not_found",method="GET",route="/auth/o/{organization}/.well-known/jwks.json",status="404"} 1`,
		`tabard_request_duration_seconds_count{method="POST",route="/auth/token"} 4`,
		`tabard_events_total{action="sign_in",outcome="done"} 1`,
		`tabard_events_total{action="organization.enter",outcome="done"} 2`,
		`tabard_faults_total{what="storage"} 1`, `tabard_faults_total{what="provider"} 0`,
	)
	for _, name := range []string{"go_goroutines ", "go_build_info{", "process_start_time_seconds "} {
		if !strings.Contains(metricsOf(w), "\n"+name) {
			t.Errorf("there is no %s", name)
		}
	}
}

func TestMetrics_Rotations(t *testing.T) {
	w := newCountedBackend(t, nil)
	victim := w.signedIn("alice")
	for range 3 { // each request presents the previous successor
		w.mint(victim, "acme")
		w.Pass(rotation)
	}
	w.counts(`tabard_rotations_total{verdict="advance"} 1`)
	theft(w, victim, victim.Copy())
	w.counts(`tabard_rotations_total{verdict="reuse"} 1`, `tabard_events_total{action="session.reused",outcome="done"} 1`)
}

// TestMetrics_NoClientText checks that no text of a request, token or organization is
// in the metrics.
func TestMetrics_NoClientText(t *testing.T) {
	w := newCountedBackend(t, nil)
	secrets := canaries{}
	secrets.runs(w)
	b := w.signedIn("alice")
	minted := w.mint(b, "acme")
	secrets.cookies(b)
	secrets["person"], secrets["organization"], secrets["path"] = minted.User.ID, "org_acme", "canarypath"
	secrets["method"], secrets["device"] = "CANARYMETHOD", "ses_canary"
	b.Get("/canarypath/canarypath?canarypath")
	b.Get("/o/org_acme/.well-known/jwks.json")
	b.Get("//canarypath/../auth/token")
	b.Get("/canarypath//canarypath/")
	b.Fetch(http.MethodDelete, "/sessions/ses_canary", "")
	w.send(http.MethodPost, "/auth/admin/v1/organizations/org_acme")
	w.send("CANARYMETHOD", "/auth/token")
	w.send(http.MethodConnect, "/auth/client")
	all := metricsOf(w)
	if len(secrets) < 15 || strings.Count(all, "tabard_requests_total{") < 12 {
		t.Fatalf("the run is too small: %d secrets, %s", len(secrets), all)
	}
	for what, secret := range secrets {
		for _, part := range append(strings.Split(secret, "."), secret) {
			if len(part) >= 8 && strings.Contains(all, part) {
				t.Errorf("the metrics hold the %s", what)
			}
		}
	}
	for _, slug := range []string{"acme", "alice", "globex"} {
		if strings.Contains(all, slug) {
			t.Errorf("the metrics name %s", slug)
		}
	}
}

// send sends a request that no browser sends.
func (w *backend) send(method, path string) {
	r := httptest.NewRequest(method, path, nil)
	w.Hosts["localhost:8080"].ServeHTTP(httptest.NewRecorder(), r)
}
