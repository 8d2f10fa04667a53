package isolationtest_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tabard-auth/tabard/backend/isolationtest"
)

// samples are the styles of the sample APIs, with the leaks that each may have.
var samples = []struct {
	name  string
	style func(leak string) *sample
	leaks []string
}{
	{"JSON:API", jsonAPI, []string{
		"included are everybody's rows", "a batch checks its first id only", "the total counts everybody's rows",
		"a change is made before it is refused",
	}},
	{"HAL", hal, []string{
		"the query's account decides", "the second page is everybody's", "a slash at the end goes past the check",
		"an overridden method is not checked",
	}},
	{"GraphQL", graph, []string{
		"a node is found by its id alone", "a search finds everybody's rows", "a foreign row is copied into one's own",
	}},
	{"cursors", cursors, []string{
		"the cursor decides the organization", "a large limit takes another way", "sorted lists are everybody's",
	}},
	{"exports", exports, []string{
		"the format's parameter skips the filter", "the accepted format skips the filter", "a record's CSV has no owner",
		"the list's CSV is everybody's",
	}},
	{"files", files, []string{
		"a header counts everybody's rows", "a refusal names the file", "a redirect comes before the check",
		"a refusal's cookie remembers the file", "a refusal links to the file's name", "previews have no owner",
	}},
	{"audits", audits, []string{
		"the log is everybody's, within JSON", "the log is everybody's, in base64", "the log is everybody's, in hexadecimal",
		"the log is everybody's, compressed", "a job exports everybody's rows",
	}},
	{"HTML", pages, []string{
		"the page's search is everybody's", "a comment in the page has the row", "the check does not see capitals",
		"the check does not see an encoded slash",
	}},
	{"streams", streams, []string{
		"the current organization is everybody's", "a buffer keeps the answer before", "a reference is shown with its row",
	}},
	{"caches", cached, []string{
		"the list's tag is of everybody's rows", "a cache knows addresses only", "an idempotency key is everybody's",
		"unchanged is told before the owner is asked",
	}},
	{"plain", plain, []string{
		"the workspace's header decides", "the host decides", "the last of two parameters decides",
		"the body's inner team decides", "texts are unique among everybody", "the status tells", "the text tells",
		"the size tells", "the time tells", "a header tells", "the audience is not checked",
	}},
}

// checkSample runs the kit on a sample, in a bubble of its own time.
// It ends at the first finding if it may.
func checkSample(t *testing.T, s *sample, first bool) isolationtest.Report {
	t.Helper()
	routes, records, err := isolationtest.Plan(s.plan)
	if err != nil {
		t.Fatal(err)
	}
	return check(t, s, routes, records, first)
}

func checkPlanned(t *testing.T, s *sample, routes []isolationtest.Route, records []isolationtest.Creation) isolationtest.Report {
	t.Helper()
	return check(t, s, routes, records, false)
}

func check(t *testing.T, s *sample, routes []isolationtest.Route, records []isolationtest.Creation, first bool) (report isolationtest.Report) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var err error
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		report, err = isolationtest.Check(ctx, isolationtest.Config{
			Found: func(f isolationtest.Finding) {
				if first && f.Problem != isolationtest.Unproven {
					cancel()
				}
			},
			Handler: s, Routes: routes, Records: records, Settle: 2 * time.Second,
			Tenants: [2]isolationtest.Tenant{
				{Organization: "org_acme", Slug: "acme", Token: "head.acme.one", Expired: "old.acme.one", OtherAudience: "aud.acme.one"},
				{Organization: "org_globex", Slug: "globex", Token: "head.globex.two", Expired: "old.globex.two", OtherAudience: "aud.globex.two"},
			},
		})
		if err != nil && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	})
	return report
}
