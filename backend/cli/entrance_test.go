package cli

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tabard-auth/tabard/backend/host"
)

// TestEntrance_UsualStartRefusesNothing: behind a proxy that takes any answer for one,
// requests wait for a server that is about to serve. One that waits for its database for
// longer refuses them at once.
func TestEntrance_UsualStartRefusesNothing(t *testing.T) {
	served := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	for takes, want := range map[time.Duration]int{usualStart - 1: http.StatusNoContent, usualStart + time.Hour: http.StatusServiceUnavailable} {
		synctest.Test(t, func(t *testing.T) {
			arrived := newArrivals()
			starting, err := host.Starting("https://app.example.com/auth", arrived.await)
			if err != nil {
				t.Fatal(err)
			}
			ask := func(path string) int {
				w := httptest.NewRecorder()
				starting.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", path, nil))
				return w.Code
			}
			time.AfterFunc(takes, func() { arrived.end(served) })
			began := time.Now()
			if got := ask("/auth/readyz"); got != http.StatusServiceUnavailable || time.Since(began) != 0 {
				t.Errorf("readiness: %d after %s", got, time.Since(began))
			}
			if got := ask("/auth/session"); got != want || time.Since(began) > usualStart {
				t.Errorf("a start of %s: %d after %s", takes, got, time.Since(began))
			}
			waited := time.Since(began)
			if got := ask("/auth/session"); got != want || time.Since(began) != waited {
				t.Errorf("a start of %s, later: %d after %s", takes, got, time.Since(began))
			}
		})
	}
}
