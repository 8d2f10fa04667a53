package isolationtest_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tabard-auth/tabard/backend/isolationtest"
)

// checkGuarded runs the kit on an API that package resource guards, until the first finding.
func checkGuarded(t *testing.T, leak string) (report isolationtest.Report) {
	t.Helper()
	routes, records, err := isolationtest.Plan(guardedPlan)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		a := newGuardedAPI(t, leak)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		report, err = isolationtest.Check(ctx, isolationtest.Config{
			Found: func(f isolationtest.Finding) {
				if leak != "" && f.Problem != isolationtest.Unproven {
					cancel()
				}
			},
			Handler: a, Routes: routes, Records: records, Settle: 2 * time.Second,
			Tenants: [2]isolationtest.Tenant{a.tenantOf(t, "acme"), a.tenantOf(t, "globex")},
		})
		if err != nil && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	})
	return report
}

// TestKit_LeaksOfGuardedAPIs plants leaks that a guard cannot prevent into an API that it
// guards. The kit finds nothing in the intact one, and each leak but those that no route
// shows. TestKit_LateLeaksOfGuardedAPIs plants more.
func TestKit_LeaksOfGuardedAPIs(t *testing.T) {
	if report := checkGuarded(t, ""); len(report.Findings) > 0 {
		t.Fatalf("the intact API: %+v", report.Findings)
	}
	findsGuardedLeaks(t, guardedLeaks)
}

// findsGuardedLeaks plants one leak at a time.
func findsGuardedLeaks(t *testing.T, leaks map[string]bool) {
	t.Helper()
	for leak, found := range leaks {
		t.Run(leak, func(t *testing.T) {
			t.Parallel()
			if report := checkGuarded(t, leak); (len(report.Findings) > 0) != found {
				t.Errorf("findings: %+v", report.Findings)
			}
		})
	}
}
