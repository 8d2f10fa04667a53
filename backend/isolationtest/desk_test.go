package isolationtest_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"testing"
	"testing/synctest"

	"github.com/tabard-auth/tabard/backend/isolationtest"
)

// deskPlan is what the kit calls of the help desk.
const deskPlan = `
record ticket=id node=node_id POST /tickets {"title": "{canary}"}
GET    /tickets
GET    /tickets/{ticket}
DELETE /tickets/{ticket}
POST   /tickets/{ticket}/restore
GET    /trash
POST   /tickets/archive {"ids": ["{ticket}"]}
POST   /graphql {"query": "query($id: ID!) { node(id: $id) { id title } }", "variables": {"id": "{node}"}}
GET    /events
GET    /export.zip
GET    /tickets.csv
GET    /suggest
record webhook=id POST /webhooks {"url": "https://hooks.example.com/{canary}"}
GET    /webhooks/{webhook}/deliveries
GET    /dashboard
record file=name POST /uploads {"name": "report.txt", "text": "{canary}"}
GET    /files/{file}
POST   /batch {"requests": [{"method": "GET", "path": "/tickets/{ticket}"}]}
`

// deskLeaks were planted before their author had read the kit, which then missed the stream,
// the shared cache and the limit.
var deskLeaks = []string{
	"a stream has everybody's events",
	"an archive has everybody's files",
	"shared caches may keep the dashboard",
	"events go to everybody's webhooks",
	"a spreadsheet has everybody's rows",
	"the trash is everybody's",
	"one limit of requests for everybody",
	"files of one name share a place",
}

// TestCheck_DeskLeaks plants them. TestCheck_LateDeskLeaks plants more.
func TestCheck_DeskLeaks(t *testing.T) {
	for intact, plan := range map[string]string{"": deskPlan, limitByAddress: streamPlan} {
		t.Run("intact "+intact, func(t *testing.T) {
			t.Parallel()
			for _, f := range checkDesk(t, intact, plan) {
				t.Error(f)
			}
		})
	}
	findsDeskLeaks(t, deskLeaks)
}

// findsDeskLeaks plants one leak at a time.
func findsDeskLeaks(t *testing.T, leaks []string) {
	t.Helper()
	for _, leak := range leaks {
		t.Run(leak, func(t *testing.T) {
			t.Parallel()
			if found := checkDesk(t, leak, deskPlan); len(found) == 0 {
				t.Error("nothing was found")
			} else {
				t.Log(found[0])
			}
		})
	}
}

var deskTenants = [2]isolationtest.Tenant{{Organization: "org_a", Token: "token-of-org_a"}, {Organization: "org_b", Token: "token-of-org_b"}}

// checkDesk runs the kit in a bubble of its own time, until it finds something.
func checkDesk(t *testing.T, leak, plan string) []isolationtest.Finding {
	t.Helper()
	routes, records, err := isolationtest.Plan(plan)
	if err != nil {
		t.Fatal(err)
	}
	var report isolationtest.Report
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		report, err = isolationtest.Check(ctx, isolationtest.Config{
			Handler: newDesk(leak), Routes: routes, Records: records, Tenants: deskTenants,
			Found: func(isolationtest.Finding) { cancel() },
		})
		if err != nil && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	})
	return report.Findings
}

const streamPlan = `
record ticket=id POST /tickets {"title": "{canary}"}
GET /events
GET /dashboard
`

// TestCheck_StreamOverHTTP: a stream has no end, and is read nevertheless.
func TestCheck_StreamOverHTTP(t *testing.T) {
	t.Parallel()
	routes, records, err := isolationtest.Plan(streamPlan)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(newDesk("a stream has everybody's events"))
	t.Cleanup(server.Close)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	report, err := isolationtest.Check(ctx, isolationtest.Config{
		URL: server.URL, Routes: routes, Records: records, Tenants: deskTenants, Found: func(isolationtest.Finding) { cancel() },
	})
	if !errors.Is(err, context.Canceled) || len(report.Findings) == 0 {
		t.Errorf("%v %v", report.Findings, err)
	}
}
