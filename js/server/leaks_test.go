//go:build long

package server

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/token/tokentest"
	"github.com/tabard-auth/tabard/browser_test/kit/program"
)

// leakyPlan is what the kit calls of the API in testdata/leaky.js.
const leakyPlan = `
GET    /organizations/{organization}/notes
record note=id POST /organizations/{organization}/notes {"text": "{canary}"}
GET    /notes/{note}
PUT    /notes/{note} {"text": "{canary}"}
DELETE /notes/{note}
GET    /search
read   POST /notes/batch {"ids": ["{note}"]}
POST   /notes/{note}/copy
POST   /notes/{note}/link
POST   /exports
GET    /stats
`

// leaks are ways in which an API leaks between organizations although the package guards it.
// The kit cannot find those that no route of the plan shows.
var leaks = map[string]bool{
	"the rule does not name the path's organization":        true,
	"a row is found by its id alone":                        true,
	"match is not awaited":                                  true,
	"the row is changed before it is compared":              true,
	"a header decides, for support":                         true,
	"the query is spread over the filter":                   true,
	"the body is spread over the row":                       true,
	"a cache before the guard knows addresses only":         true,
	"a module's variable keeps the organization":            true,
	"a loader keeps rows of all requests":                   true,
	"a misspelled name is undefined, and that is everybody": true,
	"some row of a batch is enough":                         true,
	"a copy takes a foreign row":                            true,
	"the cursor names the organization":                     true,
	"texts are unique among everybody":                      true,
	"the statistics count everybody's rows":                 true,
	"an export has everybody's rows":                        true,
	"an export has no owner":                                true,
	"the guard comes after the route":                       true,
	"a refusal has the row":                                 true,
	"a link is made to any row":                             true,
	"an old address is not guarded":                         false,
}

// TestLeaks_AreFound plants leaks that a guard cannot prevent into an API that the package
// guards, and tries each by the command line's kit.
func TestLeaks_AreFound(t *testing.T) {
	npm(t)
	tabard := program.Path(t, "tabard")
	issuer := tokentest.NewIssuer()
	t.Cleanup(issuer.Close)
	planned := filepath.Join(t.TempDir(), "plan.txt")
	write(t, planned, leakyPlan)
	if out, err := isolate(t, issuer, tabard, planned, serve(t, issuer, "testdata/leaky.js")); err != nil || !strings.Contains(out, " 0 findings") {
		t.Fatalf("the intact API: %v\n%s", err, out)
	}
	for leak, found := range leaks {
		t.Run(leak, func(t *testing.T) {
			t.Parallel()
			out, err := isolate(t, issuer, tabard, planned, serve(t, issuer, "testdata/leaky.js", "LEAK="+leak))
			if (err != nil) != found {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}
