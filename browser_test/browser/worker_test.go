//go:build long

package browser

import (
	"testing"

	"github.com/tabard-auth/tabard/browser_test/kit/demo"
)

// TestPromises_OnTheWorker runs on workerd and D1 what other tests run on the server. The
// last one changes the workspace's policy.
func TestPromises_OnTheWorker(t *testing.T) {
	d := demo.StartOn(t, "tabard-worker")
	for _, promise := range []struct {
		name string
		test func(*testing.T, *demo.Demo)
	}{
		{"P1 a tab keeps its organization", p1ATabKeepsItsOrganization},
		{"P2 no second sign-in", p2NoSecondSignIn},
		{"P3 a switch is a transaction", p3ASwitchIsATransaction},
		{"P10 signed out is out", p10SignedOutIsOut},
		{"two tabs sign in at the same time", twoTabsSignInAtTheSameTime},
		{"a reload without the module", reloadWithoutModule},
		{"a clean console", consoleIsClean},
		{"P8 renewal after expiry lands where the tab is", p8RenewalAfterExpiryLandsWhereTheTabIs},
	} {
		t.Run(promise.name, func(t *testing.T) { promise.test(t, d) })
	}
}
