package isolationtest_test

import (
	"context"
	"net/http/httptest"
	"testing"

	"github.com/tabard-auth/tabard/backend/isolationtest"
)

// deskLeaks were planted before their author had read the kit.
var deskLeaks = []string{
	"a node is found by its id alone",
	"a stream has everybody's events",
	"an archive has everybody's files",
	"shared caches may keep the dashboard",
	"a cursor holds the organization",
	"a bulk change takes any id",
	"events go to everybody's webhooks",
	"a spreadsheet has everybody's rows",
	"suggestions are everybody's",
	"the trash is everybody's",
	"one limit of requests for everybody",
	"a repeated request is known by its key alone",
	"files of one name share a place",
	"a batch's requests are not checked",
}

func TestCheck_DeskLeaks(t *testing.T) {
	if found := checkDesk(t, ""); len(found) > 0 {
		t.Errorf("the intact API: %v", found)
	}
	for _, leak := range deskLeaks {
		t.Run(leak, func(t *testing.T) {
			t.Parallel()
			found := checkDesk(t, leak)
			if len(found) == 0 {
				t.Error("nothing was found")
			}
			for _, f := range found {
				t.Log(f)
			}
		})
	}
}

func checkDesk(t *testing.T, leak string) []isolationtest.Finding {
	t.Helper()
	routes, records, err := isolationtest.Plan(deskPlan)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(newDesk(leak))
	t.Cleanup(server.Close)
	report, err := isolationtest.Check(context.Background(), isolationtest.Config{
		URL: server.URL, Routes: routes, Records: records,
		Tenants: [2]isolationtest.Tenant{
			{Organization: "org_a", Token: "token-of-org_a"},
			{Organization: "org_b", Token: "token-of-org_b"},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return report.Findings
}
