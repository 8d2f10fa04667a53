//go:build !race

package isolationtest_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/isolationtest"
)

// The tests of this file run the kit against every sample with every leak. They compute
// in one goroutine for minutes under the race detector, which sees the kit's concurrent
// requests in the tests of isolationtest_test.go.

// TestCheck_RaisesNoFalseAlarm runs the kit on APIs that leak nothing.
func TestCheck_RaisesNoFalseAlarm(t *testing.T) {
	for _, each := range samples {
		t.Run(each.name, func(t *testing.T) {
			t.Parallel()
			for _, f := range checkSample(t, each.style(""), false).Findings {
				t.Error(f)
			}
		})
	}
}

// TestCheck_FindsPlantedLeaks plants one leak at a time. The unproven do not count.
func TestCheck_FindsPlantedLeaks(t *testing.T) {
	planted := 0
	for _, each := range samples {
		for _, leak := range each.leaks {
			planted++
			t.Run(each.name+": "+leak, func(t *testing.T) {
				t.Parallel()
				report := checkSample(t, each.style(leak), true)
				findings := slices.DeleteFunc(report.Findings, func(f isolationtest.Finding) bool { return f.Problem == isolationtest.Unproven })
				if len(findings) == 0 {
					t.Error("not found")
				}
				for _, f := range findings[:min(2, len(findings))] {
					t.Log(strings.TrimSpace(f.String()))
				}
			})
		}
	}
	if planted < 30 {
		t.Errorf("only %d leaks are planted", planted)
	}
}

// TestCheck_FindsLeaksOfASecondList plants the leaks that were thought of later.
// TestCheck_LateLeaksOfASecondList plants more.
func TestCheck_FindsLeaksOfASecondList(t *testing.T) {
	for _, f := range checkSample(t, newDeals(""), false).Findings {
		t.Errorf("without a leak: %v", f)
	}
	findsSecondLeaks(t, secondLeaks)
}

// findsSecondLeaks plants one leak at a time.
func findsSecondLeaks(t *testing.T, leaks []string) {
	t.Helper()
	for _, leak := range leaks {
		t.Run(leak, func(t *testing.T) {
			t.Parallel()
			report := checkSample(t, newDeals(leak), true)
			if !slices.ContainsFunc(report.Findings, func(f isolationtest.Finding) bool { return f.Problem != isolationtest.Unproven }) {
				t.Error("not found")
			}
		})
	}
}
