//go:build long

package browser

import (
	"testing"

	"github.com/tabard-auth/tabard/browser_test/kit/demo"
)

// TestPromises_OnTheWorker runs on workerd and D1 what other tests run on the server. The
// last ones change the workspace.
func TestPromises_OnTheWorker(t *testing.T) {
	d := demo.StartOn(t, "tabard-worker")
	for _, promise := range []struct {
		name string
		test func(*testing.T, *demo.Demo)
	}{
		{"P1 a tab keeps its organization", p1ATabKeepsItsOrganization},
		{"P2 no second sign-in", p2NoSecondSignIn},
		{"P3 a switch is a transaction", p3ASwitchIsATransaction},
		{"P5 a token serves one organization", p5ATokenServesOneOrganization},
		{"P6 no fault signs anyone out", func(t *testing.T, d *demo.Demo) { faultsSignNobodyOut(t, d, faults) }},
		{"P10 signed out is out", p10SignedOutIsOut},
		{"two tabs sign in at the same time", twoTabsSignInAtTheSameTime},
		{"a reload without the module", reloadWithoutModule},
		{"a clean console", consoleIsClean},
		{"P11 back, forward, reload and a double press", func(t *testing.T, d *demo.Demo) { takeDetours(t, d, detours) }},
		{"P4 one organization idles out and the other works on", func(t *testing.T, d *demo.Demo) { p4OneOrganizationIdlesOut(t, withStrictBank(t, d)) }},
		{"P9 whoever is active stays", func(t *testing.T, d *demo.Demo) { p9WhoeverIsActiveStays(t, withStrictBank(t, d)) }},
		{"P12 two people in one browser", p12TwoPeopleInOneBrowser},
		{"P8 renewal after expiry lands where the tab is", p8RenewalAfterExpiryLandsWhereTheTabIs},
	} {
		t.Run(promise.name, func(t *testing.T) { promise.test(t, d) })
	}
}
