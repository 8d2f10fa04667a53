//go:build !js

package main_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/browser_test/kit/ports"
	"github.com/tabard-auth/tabard/worker/workerd"
)

// readinessCase is a database of which readyz tells something.
type readinessCase struct {
	name    string
	options workerd.Options
	failed  string // "" for ready
	others  int    // the status of the metadata
	log     []string
}

const migrate = "apply the migrations: npx wrangler d1 migrations apply"

// schemaOf returns the state of a database on which a script has run.
func schemaOf(t *testing.T, script string) string {
	t.Helper()
	state := workerd.Database(t, directory.Desired{})
	if script != "" {
		workerd.Must(t, workerd.Fill(state, script))
	}
	return state
}

// TestReadiness_OnD1: where the database is not as the release and its secret need it, readyz
// names what fails, and the log tells the cause and what to do.
// TestReadiness_OtherDatabases has more of them.
func TestReadiness_OnD1(t *testing.T) {
	t.Parallel()
	sealed := schemaOf(t, "")
	checkReadiness(t, []readinessCase{
		{"ready", workerd.Options{State: sealed, Variables: workerd.Variables("http://localhost/auth", "http://127.0.0.1:1", "id", "secret")}, "", http.StatusOK, nil},
		{"some migrations", workerd.Options{State: schemaOf(t, "DELETE FROM d1_migrations WHERE name > '0040'")}, "schema", http.StatusOK, []string{`the database is \"0039_claims.sql\"`, migrate}},
		{"another secret", workerd.Options{State: sealed}, "signing_keys", http.StatusServiceUnavailable, []string{"not sealed under this secret"}},
	})
}

func checkReadiness(t *testing.T, cases []readinessCase) {
	t.Helper()
	workerd.Must(t, workerd.Build())
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			o, log := c.options, &workerd.Log{}
			o.Port = ports.Hold(t)
			publicURL := fmt.Sprintf("http://localhost:%d/auth", o.Port)
			if o.Variables == nil {
				o.Variables = workerd.Variables(publicURL, "http://127.0.0.1:1", "id", "secret")
			}
			o.Variables["TABARD_PUBLIC_URL"] = publicURL
			w, err := workerd.Launch(o, log)
			if err != nil {
				t.Fatalf("%v\n%s", err, log)
			}
			t.Cleanup(func() { w.Stop() })
			if r := ask(t, http.MethodGet, publicURL+"/.well-known/oauth-authorization-server", nil); r.StatusCode != c.others {
				t.Errorf("the metadata: %d, want %d", r.StatusCode, c.others)
			}
			ask(t, http.MethodGet, publicURL+"/.well-known/jwks.json", nil) // which makes the first key
			said := readiness(t, publicURL)
			if failed := c.failed; failed == "" && !strings.Contains(said, `"status":"ok"`) || failed != "" && !strings.Contains(said, `"failed":"`+failed+`"`) {
				t.Errorf("%s, want %q", said, c.failed)
			}
			for _, text := range c.log {
				await(t, log, text)
			}
		})
	}
}

// readiness returns what readyz answers.
func readiness(t *testing.T, publicURL string) string {
	t.Helper()
	response, err := http.Get(publicURL + "/readyz")
	workerd.Must(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	workerd.Must(t, err)
	return string(text)
}
