//go:build long

package browser

import "testing"

// TestOrigins_OnTheWorker runs on workerd and D1 what the server is tested with.
func TestOrigins_OnTheWorker(t *testing.T) {
	t.Parallel()
	runOriginTests(t, "tabard-worker")
}
