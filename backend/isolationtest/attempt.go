package isolationtest

import (
	"encoding/json"
	"io"
	"iter"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// attempt is one way to try to reach another organization's record.
type attempt struct {
	name  string
	token string
	at    target
	// change modifies the request further. Nil changes nothing.
	change func(*http.Request)
	// refused reports whether the answer must be a refusal. Otherwise it must only
	// contain no data of the other organization, and change none.
	refused bool
}

// target selects which values of the path and the body are the other organization's.
// The rest are of a record of its own.
type target struct {
	name         string
	organization string // "" keeps its own
	record       bool
}

// values returns the target's values. A canary is never the other organization's: only
// its owner sends it.
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

// Places where services have been found to look for a tenant.
var (
	hintNames   = []string{"organization", "organization_id", "organizationId", "org", "org_id", "orgId", "tenant", "tenant_id", "tenantId"}
	hintHeaders = []string{"X-Org", "X-Org-Id", "X-Organization", "X-Organization-Id", "X-Tenant", "X-Tenant-Id", "Organization", "Tenant-Id"}
)

// attempts returns all attempts for a route: by one tenant, at the other's record.
func (s service) attempts(route Route, by, of Tenant) []attempt {
	var all []attempt
	whole := target{"the path of its organization and record", of.Organization, true}
	if slices.Contains(route.params(), s.OrganizationParam) {
		for _, at := range []target{whole, {"the path's organization", of.Organization, false}, {"the path's organization, by slug", of.Slug, false}} {
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

// namesRecord reports whether a route has a record's id, besides its organization.
func (s service) namesRecord(route Route) bool {
	return slices.ContainsFunc(append(route.params(), route.bodyParams()...), func(param string) bool { return param != s.OrganizationParam })
}

// hints name the other organization, by id and slug, in every place except the token,
// and in none.
func hints(route Route, by, of Tenant, at target) []attempt {
	all := []attempt{{name: at.name, token: by.Token, at: at}}
	for _, value := range []string{of.Organization, of.Slug} {
		if value == "" {
			continue
		}
		for place, change := range places(route, value) {
			all = append(all, attempt{name: at.name + " and " + place, token: by.Token, at: at, change: change})
		}
	}
	return all
}

// places yields changes that put an organization where a service might look for one.
func places(route Route, value string) iter.Seq2[string, func(*http.Request)] {
	return func(yield func(string, func(*http.Request)) bool) {
		for _, header := range hintHeaders {
			if !yield("the header "+header, func(r *http.Request) { r.Header.Set(header, value) }) {
				return
			}
		}
		for _, name := range hintNames {
			query := func(r *http.Request) {
				all := r.URL.Query()
				all.Set(name, value)
				r.URL.RawQuery = all.Encode()
			}
			cookie := func(r *http.Request) { r.AddCookie(&http.Cookie{Name: name, Value: value}) }
			body := func(r *http.Request) { addMember(r, name, value) }
			if !yield("the query "+name, query) || !yield("the cookie "+name, cookie) ||
				strings.HasPrefix(route.Body, "{") && !yield("the body's "+name, body) {
				return
			}
		}
	}
}

// addMember adds a member to a request's JSON object.
func addMember(r *http.Request, name, value string) {
	var members map[string]any
	if json.NewDecoder(r.Body).Decode(&members) != nil {
		return
	}
	members[name] = value
	text, _ := json.Marshal(members) // a decoded value can be encoded
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(string(text))), int64(len(text))
}
