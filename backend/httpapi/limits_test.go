package httpapi_test

import (
	"net/http"
	"testing"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/browser_test/httpbrowser"
)

// TestProof_ByAKeyOfNoSessionIsNotRemembered: what it finds of itself is as if it came
// for the first time.
func TestProof_ByAKeyOfNoSessionIsNotRemembered(t *testing.T) {
	w := newWorld(t, nil)
	b, device := w.signedInOn("alice")
	w.mint(b, "acme")
	stranger := httpbrowser.NewDevice(t).Proof(t, http.MethodPost, publicURL+"/token", w.now())
	for range 2 {
		w.wants(b.With("DPoP", stranger).Post("/token", enterAcme), http.StatusUnauthorized, api.DeviceKeyMismatch)
	}
	own := device.Proof(t, http.MethodPost, publicURL+"/token", w.now())
	if got := b.With("DPoP", own).Post("/token", enterAcme); got.Status != http.StatusOK {
		t.Errorf("the session's own: %d %s", got.Status, got.Body)
	}
	w.wants(b.With("DPoP", own).Post("/token", enterAcme), http.StatusBadRequest, api.InvalidDPoPProof)
}
