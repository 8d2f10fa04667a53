package notes_test

import (
	"context"
	"database/sql"
	"strings"
	"sync"
	"testing"

	"github.com/tabard-auth/tabard/backend/isolationtest"
	"github.com/tabard-auth/tabard/backend/token"
	"github.com/tabard-auth/tabard/web-demo/notes"
)

// isolation configures the kit for the demo.
func (w *service) isolation() isolationtest.Config {
	w.t.Helper()
	tenant := func(slug string) isolationtest.Tenant {
		return isolationtest.Tenant{
			Organization: "org_" + slug, Slug: slug,
			Token: w.token("org_"+slug, all, func(c *token.Claims) { c.OrganizationSlug, c.ACR = slug, notes.SecondFactor }),
			Expired: w.token("org_"+slug, all, func(c *token.Claims) {
				c.OrganizationSlug, c.IssuedAt, c.Expires = slug, c.IssuedAt-3600, c.Expires-3600
			}),
		}
	}
	c := isolationtest.Config{
		Handler: w.handler, Quota: 200, Tenants: [2]isolationtest.Tenant{tenant("acme"), tenant("globex")},
	}
	for _, pattern := range notes.Patterns() {
		if strings.HasPrefix(pattern, "POST ") {
			pattern += ` {"text": "{canary}"}`
		}
		route, err := isolationtest.ParseRoute(pattern)
		if err != nil {
			w.t.Fatal(err)
		}
		c.Routes = append(c.Routes, route)
		if route.Method == "POST" {
			c.Records = append(c.Records, isolationtest.Creation{Route: route, Values: map[string]string{"id": "id"}})
		}
	}
	return c
}

func TestP5TheDemoServesNoOrganizationAnothersNotes(t *testing.T) {
	w := newService(t, notes.Scoped)
	isolationtest.Run(t, w.isolation())
}

// mistakes are errors that a developer could make in the demo's statements, one at a
// time.
var mistakes = []struct {
	name    string
	instead *strings.Replacer
}{
	{"no filter", strings.NewReplacer("WHERE organization_id = @organization", "WHERE true", "AND organization_id = @organization", "")},
	{"a constant", strings.NewReplacer("SELECT @organization", "SELECT 'org_globex'")},
}

// faultyQueries runs statements, one of them with a mistake.
type faultyQueries struct {
	db           *sql.DB
	organization string
	statement    string
	mistake      string // instead of the statement
	see          func(statement string)
}

func (m faultyQueries) run(query string, args []any) (string, []any) {
	m.see(query)
	if query == m.statement {
		query = m.mistake
	}
	return query, append(args, sql.Named("organization", m.organization))
}

func (m faultyQueries) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	query, args = m.run(query, args)
	return m.db.QueryContext(ctx, query, args...)
}

func (m faultyQueries) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	query, args = m.run(query, args)
	return m.db.ExecContext(ctx, query, args...)
}

// newFaultyService returns a service whose book runs a mistake in place of a statement.
func newFaultyService(t *testing.T, statement, mistake string) (w *service, seen map[string]bool) {
	seen = map[string]bool{}
	var mu sync.Mutex
	see := func(statement string) {
		mu.Lock()
		defer mu.Unlock()
		seen[statement] = true
	}
	w = newService(t, func(db *sql.DB) func(string) notes.Queries {
		return func(organization string) notes.Queries {
			return faultyQueries{db, organization, statement, mistake, see}
		}
	})
	return w, seen
}

// The kit finds each of the demo's queries whose tenant condition is removed, and
// reports no leak if all are intact.
func TestTheIsolationKitFindsEveryQueryThatForgetsItsOrganization(t *testing.T) {
	intact, statements := newFaultyService(t, "", "")
	isolationtest.Run(t, intact.isolation())
	if len(statements) != 3 {
		t.Fatalf("%d statements were seen", len(statements))
	}
	made := 0
	for statement := range statements {
		forgotten := false
		for _, mistake := range mistakes {
			text := mistake.instead.Replace(statement)
			if text == statement {
				continue
			}
			forgotten, made = true, made+1
			w, _ := newFaultyService(t, statement, text)
			ctx, cancel := context.WithCancel(t.Context())
			config := w.isolation()
			config.Found = func(isolationtest.Finding) { cancel() } // one is enough
			report, err := isolationtest.Check(ctx, config)
			cancel()
			if err == nil && len(report.Findings) == 0 {
				t.Errorf("%s: nothing is found in %s", mistake.name, text)
			}
		}
		if !forgotten {
			t.Errorf("no mistake is possible in %s", statement)
		}
	}
	if made != 4 {
		t.Errorf("%d mistakes were made", made)
	}
}
