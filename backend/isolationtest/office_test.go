//go:build !race

package isolationtest_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tabard-auth/tabard/backend/isolationtest"
)

// checkOffice runs the kit by the document of the office alone, in a bubble of its own time.
func checkOffice(t *testing.T, leak string, only func(isolationtest.Route) bool) isolationtest.Report {
	t.Helper()
	planned, err := isolationtest.PlanOpenAPI([]byte(officeDocument))
	if err != nil {
		t.Fatal(err)
	}
	if len(planned.Omitted) > 0 {
		t.Error(planned.Omitted)
	}
	var report isolationtest.Report
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		report, err = isolationtest.Check(ctx, isolationtest.Config{
			Handler: newOffice(leak), Routes: planned.Routes, Records: planned.Records, Names: planned.Names, Only: only,
			Settle: 400 * time.Millisecond,
			Tenants: [2]isolationtest.Tenant{
				{Organization: "org_acme", Slug: "acme", Token: "head.acme.one"}, {Organization: "org_globex", Slug: "globex", Token: "head.globex.two"},
			},
			Found: func(f isolationtest.Finding) {
				if leak != "" && f.Problem != isolationtest.Unproven {
					cancel()
				}
			},
		})
		if err != nil && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	})
	return report
}

// TestCheck_OfficeLeaks finds leaks by an OpenAPI document whose ids are numbers.
func TestCheck_OfficeLeaks(t *testing.T) {
	for leak, at := range officeLeaks {
		t.Run(leak, func(t *testing.T) {
			t.Parallel()
			findings := checkOffice(t, leak, func(r isolationtest.Route) bool { return r.Method+" "+r.Path == at }).Findings
			i := slices.IndexFunc(findings, func(f isolationtest.Finding) bool { return f.Problem != isolationtest.Unproven })
			if i < 0 {
				t.Fatal("not found")
			}
			if f := findings[i]; f.Route.Method+" "+f.Route.Path != at {
				t.Errorf("at %s %s, want %s", f.Route.Method, f.Route.Path, at)
			}
			t.Log(strings.TrimSpace(findings[i].String()))
		})
	}
}

// TestCheck_OfficeIntact: exports that are done later and a dashboard that is kept for two
// seconds are no changes by the other organization.
func TestCheck_OfficeIntact(t *testing.T) {
	for _, f := range checkOffice(t, "", func(r isolationtest.Route) bool {
		return strings.HasPrefix(r.Path, "/exports")
	}).Findings {
		t.Error(f)
	}
}
