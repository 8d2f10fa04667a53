// Package isolationtest looks for data of one organization that an API serves to
// another. It calls every route with another organization's token, paths, headers,
// queries, cookies, bodies and records, with both organizations' requests at once, and
// with invalid tokens, and reports the results: as an ordinary Go test ([Run]), or for
// any HTTP service ([Check], and tabard isolation). [PlanOpenAPI] makes the plan.
//
// It keeps the texts and ids of both organizations for the whole run and looks for them
// in whole answers, however they are encoded; and it compares answers about foreign
// records with answers about records that do not exist. It listens to streams, which have
// no end, and reads what headers let shared caches keep and say of limits of requests.
//
// A run sends some thousand requests a route, of which [Config.Requests] is an estimate:
// minutes for forty routes. A token must live as long, or be renewed ([Tenant]). A part of
// the routes is tested with [Config.Only].
//
// It finds leaks of the kinds that it tries, on the routes that it is given. A report
// without findings does not prove that there are none. It is best to generate a
// service's routes and that list from one table.
package isolationtest

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// TB is the part of *testing.T that Run needs.
type TB interface {
	Helper()
	Context() context.Context
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Logf(format string, args ...any)
}

// Config is a service and two organizations that have records in it.
type Config struct {
	// Handler is the service. Otherwise URL is its address, without a slash at the end.
	Handler http.Handler
	URL     string
	// Client sends requests to URL. Nil means one with a timeout of 10 s. It must not
	// follow redirects.
	Client *http.Client

	// Tenants try to reach each other's records, in both directions.
	Tenants [2]Tenant
	// Records make one record of a tenant, in order. Later ones may use the values of
	// earlier ones.
	Records []Creation
	// Routes are the routes to test. Plan, ParseRoute and OpenAPI return routes.
	Routes []Route
	// Only reports whether to test a route. The others still make records and show what
	// changed. Nil means all.
	Only func(Route) bool
	// Quota is the maximum number of records of one organization. 0 skips the test. An
	// organization at its quota must not take room from the other.
	Quota int
	// Names are further names of parameters in which the service may look for an id or
	// an organization, in its queries, headers and bodies.
	Names []string
	// Settle is how long what the service does later may take, such as an export. 0
	// means a quarter of a second. Each tenant's own answers are read again after it. What
	// seems to be changed by the other organization is read again after 2.5 s at least.
	Settle time.Duration
	// Found is called with each finding when it is first found. Nil is none.
	Found func(Finding)
	// OrganizationParam is the path's wildcard for the organization. Empty means
	// "organization".
	OrganizationParam string
	// Authorize adds a token to a request. Nil means Authorization: Bearer.
	Authorize func(r *http.Request, token string)
}

// Tenant is an organization and the credentials of one of its members.
type Tenant struct {
	Organization string // its id
	Slug         string // may be empty
	Token        string // valid, with all permissions that the routes require
	// Renew returns a token that is valid now, for a run that takes longer than Token lives.
	// Nil means Token. Both tenants' requests may call it at once.
	Renew   func() string
	Expired string // a token that has expired; may be empty
	// OtherAudience is a valid token of the organization for another API, which this one
	// must refuse; may be empty.
	OtherAudience string
}

// Creation makes a record by a route whose body or path has {canary} in it, or by
// Make.
type Creation struct {
	Route Route
	// Values maps each wildcard to the member of the answer's JSON object that has its
	// value: {"note": "id"}. A member within another is written with a point, and
	// alternatives with a bar: "id|data.id|Location". Location is the end of that header.
	Values map[string]string
	// Make makes the record otherwise, for tenants whose API cannot. canary is a text
	// that must be in this record only. It returns the values of wildcards.
	Make func(ctx context.Context, t Tenant, canary string) (values map[string]string, err error)
}

// Run tests a service in a Go test. Each finding is an error.
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

// Requests returns about how many requests a run sends if it finds nothing.
func (c Config) Requests() int {
	if c.Only == nil {
		c.Only = func(Route) bool { return true }
	}
	reads, all := 0, 0
	for _, route := range c.Routes {
		if route.reads() {
			reads++
		}
	}
	for by := range c.Tenants {
		for _, route := range c.Routes {
			if !c.Only(route) {
				continue
			}
			attempts := len(service{c}.attempts(route, c.Tenants[by], c.Tenants[1-by]))
			if !route.reads() { // both tenants' views are read after each
				attempts *= 2*reads + len(c.Records)
			}
			all += attempts + len(c.Records) + 6*reads
		}
	}
	return all
}

func (c *Config) prepare() error {
	switch {
	case (c.Handler == nil) == (c.URL == ""):
		return errors.New("a handler or an address is required")
	case len(c.Routes) == 0:
		return errors.New("at least one route is required")
	case len(c.Records) == 0:
		return errors.New("no route makes a record, so there is no data to leak")
	case c.Tenants[0].Organization == c.Tenants[1].Organization:
		return errors.New("two organizations are required")
	}
	for _, t := range c.Tenants {
		if t.Organization == "" || t.Token == "" {
			return errors.New("each organization needs its id and a token")
		}
	}
	if c.OrganizationParam == "" {
		c.OrganizationParam = "organization"
	}
	if err := c.checkWildcards(); err != nil {
		return err
	}
	if c.Authorize == nil {
		c.Authorize = func(r *http.Request, token string) { r.Header.Set("Authorization", "Bearer "+token) }
	}
	if c.Only == nil {
		c.Only = func(Route) bool { return true }
	}
	if c.Settle == 0 {
		c.Settle = time.Second / 4
	}
	if c.Client == nil {
		c.Client = &http.Client{
			Timeout:       10 * time.Second,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
	}
	return nil
}
