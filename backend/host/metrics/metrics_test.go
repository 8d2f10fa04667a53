package metrics_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/host/metrics"
)

// served returns a handler that logs like the browser API's.
func served(m *metrics.Metrics, log slog.Handler) http.Handler {
	l := slog.New(m.Log(log))
	mux := http.NewServeMux()
	mux.HandleFunc("/token", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
		l.LogAttrs(r.Context(), slog.LevelInfo, "request", slog.String("code", "login_required"))
	})
	return m.Count(mux)
}

// TestLog_ErrorsOnly: it still only receives errors.
func TestLog_ErrorsOnly(t *testing.T) {
	var log strings.Builder
	m := metrics.New()
	handler := served(m, slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelError}))
	handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/token", nil))
	page := httptest.NewRecorder()
	m.Page().ServeHTTP(page, httptest.NewRequest(http.MethodGet, metrics.Path, nil))
	if want := `tabard_requests_total{code="login_required",method="POST",route="/token",status="401"} 1`; !strings.Contains(page.Body.String(), want) {
		t.Errorf("there is no %s", want)
	}
	if page.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%v", page.Header())
	}
	if log.String() != "" {
		t.Errorf("the log has %s", &log)
	}
}

func BenchmarkCount(b *testing.B) {
	m := metrics.New()
	handler := served(m, slog.NewJSONHandler(io.Discard, nil))
	w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/token", nil)
	b.ReportAllocs()
	for b.Loop() {
		handler.ServeHTTP(w, r)
	}
}
