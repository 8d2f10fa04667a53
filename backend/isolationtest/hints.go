package isolationtest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
)

// tenantNames are what services have been found to call a tenant.
var tenantNames = []string{"organization", "org", "tenant", "account", "workspace", "team", "company", "customer", "group", "site", "realm", "owner"}

// outerNames are members of a body that hold others.
var outerNames = []string{"meta", "context", "data", "attributes", "filter", "where", "input", "variables", "params", "options"}

// hintNames returns names of parameters in which a service may look for a tenant.
func (s service) hintNames() (all []string) {
	for _, name := range tenantNames {
		all = append(all, name, name+"_id", name+"Id")
	}
	all = append(all, "organisation", "organizationSlug", "org_slug", "tenant_slug", "x-tenant")
	return append(all, s.Names...)
}

// hintHeaders returns names of headers in which a service may look for a tenant.
func (s service) hintHeaders() (all []string) {
	for _, name := range tenantNames {
		name = strings.ToUpper(name[:1]) + name[1:]
		all = append(all, "X-"+name, "X-"+name+"-Id", name+"-Id", "X-Current-"+name)
	}
	all = append(all, "Organization", "Tenant", "X-TenantId", "X-OrgId", "X-Acting-As", "X-On-Behalf-Of")
	for _, name := range s.Names {
		if headerName.MatchString(name) {
			all = append(all, name)
		}
	}
	return all
}

// hints name the other organization, by id and slug, in every place except the token,
// and in none.
func (s service) hints(route Route, of Tenant, at target) []attempt {
	all := []attempt{{name: at.name, at: at}}
	for _, value := range []string{of.Organization, of.Slug} {
		if value == "" {
			continue
		}
		for _, place := range s.places(route, value, at) {
			if len(place.parts) > 0 {
				all = append(all, place)
			}
		}
	}
	if of.Slug != "" {
		all = append(all, host(of.Slug, at)...)
	}
	return all
}

// places returns attempts with an organization where a service might look for one.
func (s service) places(route Route, value string, at target) []attempt {
	var headers, queries, twice, cookies, bodies, inner []attempt
	add := func(to *[]attempt, name string, change edit) {
		*to = append(*to, attempt{name: at.name + " and " + name, at: at, change: change})
	}
	for _, header := range s.hintHeaders() {
		add(&headers, "the header "+header, func(r *http.Request, _, _ record) { r.Header.Set(header, value) })
	}
	isObject := strings.HasPrefix(route.Body, "{") || strings.HasPrefix(route.Body, "[{")
	for _, name := range s.hintNames() {
		add(&queries, "the query "+name, func(r *http.Request, _, _ record) { setQuery(r, name, value) })
		add(&twice, "twice the query "+name, func(r *http.Request, own, _ record) { setQuery(r, name, own.organization, value) })
		add(&cookies, "the cookie "+name, func(r *http.Request, _, _ record) { r.AddCookie(&http.Cookie{Name: name, Value: value}) })
	}
	for _, name := range s.bodyNames() {
		if isObject {
			add(&bodies, "the body's "+name, func(r *http.Request, _, _ record) { addMember(r, name, value) })
		}
	}
	if isObject {
		inner = s.innerPlaces(value, at)
	}
	all := func(what string, parts []attempt, change edit) attempt {
		return attempt{name: at.name + " and " + what, at: at, parts: parts, odd: true, change: change}
	}
	var disguised []attempt
	if strings.HasPrefix(route.Body, "{") {
		disguised = s.disguised(value, at)
	}
	return append(disguised,
		together(at.name+" and every header", at, headers), together(at.name+" and every cookie", at, cookies),
		all("every query", queries, func(r *http.Request, _, _ record) { s.queryAll(r, value) }),
		all("every query twice", twice, func(r *http.Request, own, _ record) { s.queryAll(r, own.organization, value) }),
		all("every member of the body", bodies, func(r *http.Request, _, _ record) {
			editBody(r, func(members map[string]any) { s.nameAll(members, value) })
		}),
		all("every inner member of the body", inner, func(r *http.Request, _, _ record) {
			editBody(r, func(members map[string]any) {
				for _, outer := range outerNames {
					s.nameAll(inside(members, outer), value)
				}
				s.nameDeep(members, value)
			})
		}),
	)
}

// innerPlaces returns attempts that name a tenant in objects within the body.
func (s service) innerPlaces(value string, at target) (inner []attempt) {
	for _, outer := range outerNames {
		var names []attempt
		for _, name := range s.hintNames() {
			names = append(names, attempt{name: at.name + " and the body's " + outer + "." + name, at: at, change: func(r *http.Request, _, _ record) {
				editBody(r, func(members map[string]any) { inside(members, outer)[name] = value })
			}})
		}
		inner = append(inner, attempt{name: at.name + " and the body's " + outer + " with every name of a tenant", at: at, odd: true, parts: names, change: func(r *http.Request, _, _ record) {
			editBody(r, func(members map[string]any) { s.nameAll(inside(members, outer), value) })
		}})
	}
	return append(inner, attempt{name: at.name + " and every object of the body with every name of a tenant", at: at, odd: true, change: func(r *http.Request, _, _ record) {
		editBody(r, func(members map[string]any) { s.nameDeep(members, value) })
	}})
}

// nameAll gives every member that may name a tenant a value.
func (s service) nameAll(members map[string]any, value string) {
	for _, name := range s.bodyNames() {
		members[name] = value
	}
}

// nameDeep is nameAll for every object within another.
func (s service) nameDeep(value any, name string) {
	switch value := value.(type) {
	case map[string]any:
		for _, member := range value {
			if inner, ok := member.(map[string]any); ok {
				s.nameDeep(inner, name)
				s.nameAll(inner, name)
			} else {
				s.nameDeep(member, name)
			}
		}
	case []any:
		for _, member := range value {
			s.nameDeep(member, name)
			if inner, ok := member.(map[string]any); ok {
				s.nameAll(inner, name)
			}
		}
	}
}

// queryAll gives every parameter that may name a tenant values.
func (s service) queryAll(r *http.Request, values ...string) {
	all := r.URL.Query()
	for _, name := range s.hintNames() {
		all[name] = values
	}
	r.URL.RawQuery = all.Encode()
}

// host returns attempts with the host of another organization.
func host(slug string, at target) (all []attempt) {
	to := func(r *http.Request) string {
		host := r.Host
		if host == "" {
			host = r.URL.Host
		}
		return slug + "." + host
	}
	return []attempt{
		{name: at.name + " and its organization's host", at: at, odd: true, change: func(r *http.Request, _, _ record) { r.Host = to(r) }},
		{name: at.name + " and its organization's host, forwarded", at: at, odd: true, change: func(r *http.Request, _, _ record) {
			r.Header.Set("X-Forwarded-Host", to(r))
			r.Header.Set("Origin", "https://"+to(r))
			r.Header.Set("Referer", "https://"+to(r)+"/")
		}},
	}
}

func setQuery(r *http.Request, name string, values ...string) {
	all := r.URL.Query()
	all[name] = values
	r.URL.RawQuery = all.Encode()
}

// addMember adds a member to a request's JSON object.
func addMember(r *http.Request, name string, value any) {
	editBody(r, func(members map[string]any) { members[name] = value })
}

// editBody edits a request's JSON object, or each object of its list. Another body stays
// as it is.
func editBody(r *http.Request, change func(members map[string]any)) {
	editValue(r, func(value any) any {
		all, ok := value.([]any)
		if !ok {
			all = []any{value}
		}
		for _, each := range all {
			if members, ok := each.(map[string]any); ok {
				change(members)
			}
		}
		return value
	})
}

// editValue replaces a request's JSON value.
func editValue(r *http.Request, change func(value any) any) {
	if r.Body == nil {
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	var value any
	reader := json.NewDecoder(bytes.NewReader(body))
	reader.UseNumber() // a float64 has too few digits
	if reader.Decode(&value) == nil && value != nil {
		body, _ = json.Marshal(change(value)) // a decoded value can be encoded
	}
	setBody(r, string(body))
}

// inside returns an object within another, which it makes if there is none.
func inside(members map[string]any, name string) map[string]any {
	inner, ok := members[name].(map[string]any)
	if !ok {
		if _, is := members[name]; is {
			return map[string]any{} // something else stays as it is
		}
		inner = map[string]any{}
		members[name] = inner
	}
	return inner
}

// references name the other organization's record beside the path: in the query, in
// the body, and in lists of ids that begin with a record of its own.
func (s service) references(route Route, at target) (all []attempt) {
	wildcards := s.recordWildcards()
	if len(wildcards) == 0 {
		return nil
	}
	for _, wildcard := range wildcards {
		queries, bodies := s.referencesTo(wildcard, at)
		all = append(all, together("its "+wildcard+" in every query", at, queries))
		if strings.HasPrefix(route.Body, "{") && !route.reads() {
			all = append(all, together("its "+wildcard+" in every member of the body", at, bodies))
		}
	}
	return slices.Concat(all, s.bulk(route, at), s.single(route, at), s.unspecific(route, at))
}

// referencesTo names the other organization's record by the value of a wildcard.
func (s service) referencesTo(wildcard string, at target) (queries, bodies []attempt) {
	names := []string{wildcard, wildcard + "_id", wildcard + "Id", "id", "parent", "parent_id", "parentId", "source", "source_id", "sourceId", "copy_of", "template_id", "templateId", "related_id", "ref"}
	for _, name := range append(names, s.Names...) {
		queries = append(queries, attempt{name: "its record in the query " + name, at: at, change: func(r *http.Request, _, others record) { setQuery(r, name, others.values[wildcard]) }})
		bodies = append(bodies, attempt{name: "its record as the body's " + name, at: at, change: func(r *http.Request, _, others record) { addMember(r, name, others.id(wildcard)) }})
	}
	for _, name := range []string{"ids", wildcard + "s", wildcard + "_ids", wildcard + "Ids", "filter[id]", "id[]", "id[in]"} {
		queries = append(queries, attempt{name: "both records in the query " + name, at: at, change: func(r *http.Request, own, others record) {
			setQuery(r, name, own.values[wildcard]+","+others.values[wildcard])
		}})
		bodies = append(bodies, attempt{name: "both records as the body's " + name, at: at, change: func(r *http.Request, own, others record) {
			addMember(r, name, []any{own.id(wildcard), others.id(wildcard)})
		}})
	}
	return queries, bodies
}
