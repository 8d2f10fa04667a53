package isolationtest

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// attempt is one way to reach another organisation's record.
type attempt struct {
	name  string
	token string
	at    target
	// change puts more on the request; nil puts nothing.
	change func(*http.Request)
	// refused tells whether the answer has to be a refusal. Otherwise it must only
	// have nothing of the other's in it, and change nothing.
	refused bool
}

// target says which values of the path and the body are the other's. The rest is of a
// record of its own.
type target struct {
	name         string
	organization string // "" keeps its own
	record       bool
}

// values are the target's. A canary is never the other's: nobody but its owner sends
// that.
func (s service) values(at target, own, others record) map[string]string {
	values := maps.Clone(own.values)
	for name, value := range others.values {
		if at.record && name != s.OrganizationParam && name != "canary" {
			values[name] = value
		}
	}
	if at.organization != "" {
		values[s.OrganizationParam] = at.organization
	}
	return values
}

// Where services have been found to look for a tenant.
var (
	hintNames   = []string{"organization", "organization_id", "organizationId", "org", "org_id", "orgId", "tenant", "tenant_id", "tenantId"}
	hintHeaders = []string{"X-Org", "X-Org-Id", "X-Organization", "X-Organization-Id", "X-Tenant", "X-Tenant-Id", "Organization", "Tenant-Id"}
)

// attempts are all ways for a route: by one tenant, at the other's record.
func (s service) attempts(route Route, by, of Tenant) []attempt {
	var all []attempt
	whole := target{"the path of its organisation and record", of.Organization, true}
	if slices.Contains(route.params(), s.OrganizationParam) {
		for _, at := range []target{whole, {"the path's organisation", of.Organization, false}, {"the path's organisation, by slug", of.Slug, false}} {
			if at.organization != "" {
				all = append(all, attempt{name: at.name, token: by.Token, at: at, refused: true})
			}
		}
	}
	targets := []target{{name: "its own path"}}
	if s.namesRecord(route) {
		targets = append(targets, target{name: "the path's record", record: true})
	}
	for _, at := range targets {
		all = append(all, hints(route, by, of, at)...)
	}
	for _, bad := range badTokens(by, of) {
		all = append(all, attempt{name: bad.name, token: bad.token, at: whole, refused: true})
	}
	return all
}

// namesRecord tells whether a route is about a record, beside its organisation.
func (s service) namesRecord(route Route) bool {
	return slices.ContainsFunc(append(route.params(), route.bodyParams()...), func(param string) bool { return param != s.OrganizationParam })
}

// hints name the other organisation in every place but the token, and in none.
func hints(route Route, by, of Tenant, at target) []attempt {
	try := func(name string, change func(*http.Request)) attempt {
		return attempt{name: at.name + " and " + name, token: by.Token, at: at, change: change}
	}
	all := []attempt{{name: at.name, token: by.Token, at: at}}
	for _, header := range hintHeaders {
		all = append(all, try("the header "+header, func(r *http.Request) { r.Header.Set(header, of.Organization) }))
	}
	for _, name := range hintNames {
		all = append(all,
			try("the query "+name, func(r *http.Request) {
				query := r.URL.Query()
				query.Set(name, of.Organization)
				r.URL.RawQuery = query.Encode()
			}),
			try("the cookie "+name, func(r *http.Request) { r.AddCookie(&http.Cookie{Name: name, Value: of.Organization}) }))
		if strings.HasPrefix(route.Body, "{") {
			all = append(all, try("the body's "+name, func(r *http.Request) { addMember(r, name, of.Organization) }))
		}
	}
	return all
}

// addMember puts a member into a request's JSON object.
func addMember(r *http.Request, name, value string) {
	var members map[string]any
	if json.NewDecoder(r.Body).Decode(&members) != nil {
		return
	}
	members[name] = value
	text, _ := json.Marshal(members) // what was read also encodes
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(string(text))), int64(len(text))
}
