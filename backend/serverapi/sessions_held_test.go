package serverapi_test

import (
	"testing"
	"time"
)

// TestAServersRefreshTokenRotatesHourly: the server's own key authenticates each call,
// as a device key does a browser's.
func TestAServersRefreshTokenRotatesHourly(t *testing.T) {
	w := newCrossed(t)
	refresh := w.entered(w.enter()).Refresh
	for passed := 4 * time.Minute; passed < time.Hour; passed += 4 * time.Minute {
		w.Pass(4 * time.Minute)
		if got := w.entered(w.renews(refresh)); got.Refresh != "" {
			t.Fatalf("replaced after %s", passed)
		}
	}
	w.Pass(4 * time.Minute)
	if got := w.entered(w.renews(refresh)); got.Refresh == "" {
		t.Error("not replaced after an hour")
	}
}
