// Package isolationtest looks for what an API serves one organization of another's. It
// tries every route with another organization's token, paths, headers,
// queries, cookies and bodies, and with tokens that are none, and reports what came
// of it: as an ordinary Go test ([Run]), or for any HTTP service ([Check], and
// tabard isolation).
//
// It finds leaks of the kinds that it tries, on the routes that it is told of; a report
// without findings is no proof that there are none. A service does well to make its
// routes and that list from one table.
package isolationtest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// TB is what Run needs of a *testing.T.
type TB interface {
	Helper()
	Context() context.Context
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Logf(format string, args ...any)
}

// Config is a service, and two organizations that have records in it.
type Config struct {
	// Handler is the service, or URL where it answers, without a slash at its end.
	Handler http.Handler
	URL     string
	// Client asks at URL; nil means one that gives up after 10 s. It must follow no
	// redirects.
	Client *http.Client

	// Tenants try each other's doors, in both directions.
	Tenants [2]Tenant
	// Records make one record of a tenant, in turn; the later ones may use the values
	// of the earlier.
	Records []Creation
	// Routes are tried, all of them; Plan, ParseRoute and OpenAPI make them.
	Routes []Route
	// Quota is how many records one organization may have; 0 does not try it. An
	// organization that has as many must not take room from the other.
	Quota int
	// OrganizationParam is the path's wildcard for the organization; empty means
	// "organization".
	OrganizationParam string
	// Authorize puts a token on a request; nil means Authorization: Bearer.
	Authorize func(r *http.Request, token string)
}

// Tenant is an organization with what a member of it has.
type Tenant struct {
	Organization string // its id
	Slug         string // may be empty
	Token        string // good, with all permissions that the routes ask for
	Expired      string // one that was good once; may be empty
}

// Creation makes a record by a route whose body or path has {canary} in it, or by
// Make.
type Creation struct {
	Route Route
	// Values tells which member of the answer's JSON object is the value of which
	// wildcard: {"note": "id"}.
	Values map[string]string
	// Make makes it otherwise, for tenants whose API cannot: a text that only
	// this record has in it, and the values of wildcards.
	Make func(ctx context.Context, t Tenant, canary string) (values map[string]string, err error)
}

// Run checks a service in a test. Each finding is an error.
func Run(t TB, c Config) {
	t.Helper()
	report, err := Check(t.Context(), c)
	for _, f := range report.Findings {
		t.Errorf("isolation: %v", f)
	}
	for _, omitted := range report.Omitted {
		t.Logf("isolation: not tried: %s", omitted)
	}
	if err != nil {
		t.Fatalf("isolation: %v", err)
	}
}

// Report is what Check found.
type Report struct {
	Attempts int       `json:"attempts"` // requests that tried something
	Findings []Finding `json:"findings"`
	Omitted  []string  `json:"omitted"` // what could not be tried, for want of a token or a slug
}

// Problem is the kind of a finding.
type Problem string

// The problems.
const (
	// Leaked: the answer has another organization's record in it.
	Leaked Problem = "leaked"
	// Changed: afterwards the other organization finds its records changed, or can make
	// none.
	Changed Problem = "changed"
	// Accepted: a request was served that names another organization than its token's
	// in the path, or that carries no good token.
	Accepted Problem = "accepted"
	// Failed: the service broke instead of refusing.
	Failed Problem = "failed"
	// Unproven: the organization's own request is refused, so that a refusal of the
	// others proves nothing.
	Unproven Problem = "unproven"
)

// Finding is a request that should have been refused, or answered with nothing.
type Finding struct {
	Problem Problem `json:"problem"`
	Route   Route   `json:"route"`
	// Attempt says what was tried: "the path's organization", "the header X-Tenant-Id".
	Attempt string `json:"attempt"`
	// By and Of are the organization that tried and the one whose record it was.
	By     string `json:"by"`
	Of     string `json:"of"`
	Status int    `json:"status"`
	// Evidence is a part of the answer, or what changed.
	Evidence string `json:"evidence"`
}

func (f Finding) String() string {
	return fmt.Sprintf("%s: %s %s: by %s, of %s, %s: status %d: %s", f.Problem, f.Route.Method, f.Route.Path, f.By, f.Of, f.Attempt, f.Status, f.Evidence)
}

func (c *Config) prepare() error {
	switch {
	case (c.Handler == nil) == (c.URL == ""):
		return errors.New("there must be a handler, or an address")
	case len(c.Routes) == 0:
		return errors.New("there are no routes")
	case len(c.Records) == 0:
		return errors.New("nothing makes a record: there is nothing to leak")
	case c.Tenants[0].Organization == c.Tenants[1].Organization:
		return errors.New("two organisations are needed")
	}
	for _, t := range c.Tenants {
		if t.Organization == "" || t.Token == "" {
			return errors.New("each organisation needs its id and a token")
		}
	}
	if c.OrganizationParam == "" {
		c.OrganizationParam = "organization"
	}
	if c.Authorize == nil {
		c.Authorize = func(r *http.Request, token string) { r.Header.Set("Authorization", "Bearer "+token) }
	}
	if c.Client == nil {
		c.Client = &http.Client{
			Timeout:       10 * time.Second,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
	}
	return nil
}
