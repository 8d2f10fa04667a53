//go:build !js

package main_test

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/browser_test/kit/ports"
	"github.com/tabard-auth/tabard/worker/workerd"
)

// TestReadiness_OnD1: where the database is not as the release and its secret need it, readyz
// names what fails, and the log tells the cause and what to do.
func TestReadiness_OnD1(t *testing.T) {
	workerd.Must(t, workerd.Build())
	copied := func(script string) string {
		state := workerd.Database(t, directory.Desired{})
		if script != "" {
			workerd.Must(t, workerd.Execute(state, script))
		}
		return state
	}
	sealed := copied("")
	variables := workerd.Variables("http://localhost/auth", "http://127.0.0.1:1", "id", "secret")
	served := maps.Clone(variables)
	const migrate = "apply the migrations: npx wrangler d1 migrations apply"
	unmigrated, err := os.MkdirTemp(t.TempDir(), "empty")
	workerd.Must(t, err)
	for _, c := range []struct {
		name    string
		options workerd.Options
		failed  string // "" for ready
		others  int    // the status of the metadata
		log     []string
	}{
		{"ready", workerd.Options{State: sealed, Variables: served}, "", http.StatusOK, nil},
		{"no migration", workerd.Options{State: unmigrated}, "schema", http.StatusServiceUnavailable, []string{"no such table: current_epoch", migrate}},
		{"some migrations", workerd.Options{State: copied("DELETE FROM d1_migrations WHERE name > '0040'")}, "schema", http.StatusOK, []string{`the database is \"0039_claims.sql\"`, migrate}},
		{"of a later release", workerd.Options{State: copied("INSERT INTO d1_migrations (name) VALUES ('9999_later.sql')")}, "", http.StatusOK, nil},
		{"no binding", workerd.Options{NoDatabase: true}, "database", http.StatusServiceUnavailable, []string{"no D1 database is bound as DB"}},
		{"another secret", workerd.Options{State: sealed}, "signing_keys", http.StatusServiceUnavailable, []string{"not sealed under this secret"}},
	} {
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
