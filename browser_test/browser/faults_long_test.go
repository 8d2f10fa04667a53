//go:build long

package browser

import (
	"testing"
	"time"

	"github.com/tabard-auth/tabard/browser_test/kit/demo"
	"github.com/tabard-auth/tabard/browser_test/kit/faultproxy"
)

// moreFaults are ways in which a network treats requests wrongly, beside faults.
var moreFaults = map[string]faultproxy.Fault{
	"requests are lost":    faultproxy.Lost,
	"the server's fault":   faultproxy.Answer(500, `{"error":"server_error"}`),
	"a proxy's 403":        faultproxy.Answer(403, `{"error":"forbidden"}`),
	"a proxy's 429":        faultproxy.Answer(429, `<html>`, "Retry-After", "1"),
	"something unheard of": faultproxy.Answer(418, `{"error":"teapot"}`),
}

// TestP6NoOtherFaultSignsAnyoneOut is TestP6NoFaultSignsAnyoneOut with more faults.
func TestP6NoOtherFaultSignsAnyoneOut(t *testing.T) {
	t.Parallel()
	faultsSignNobodyOut(t, demo.Start(t), moreFaults)
}

// TestP6AClockWrongByADay is TestP6AWrongClockSignsNobodyOut with a clock that is wrong by more
// than a day.
func TestP6AClockWrongByADay(t *testing.T) {
	t.Parallel()
	wrongClockSignsNobodyOut(t, -26, 26)
}

// TestP6TwentyTabsDoNotStampede is TestP6EightTabsDoNotStampede with more tabs.
func TestP6TwentyTabsDoNotStampede(t *testing.T) {
	t.Parallel()
	tabsDoNotStampede(t, 20, 15, 3*time.Second)
}
