package isolationtest

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// single names the other's record in one place of several and its own in the rest: a
// check of one place says nothing of another.
func (s service) single(route Route, at target) (all []attempt) {
	ids := route.ids(s.OrganizationParam)
	if len(ids) < 2 {
		return nil
	}
	for _, param := range route.params() {
		if slices.Contains(ids, param) {
			all = append(all, attempt{name: "the path's " + param + " alone", at: at, change: func(r *http.Request, own, others record) {
				values := maps.Clone(own.values)
				values[param] = others.values[param]
				refill(r, route, own, values)
			}})
		}
	}
	inBody := route.bodyParams()
	slices.Sort(inBody)
	for _, param := range slices.Compact(inBody) {
		for n := range strings.Count(route.Body, "{"+param+"}") {
			if param == s.OrganizationParam {
				break
			}
			all = append(all, attempt{name: "one " + param + " of the body alone", at: at, change: func(r *http.Request, own, others record) {
				setBody(r, withNth(route, own.values, param, n, others.values[param]))
			}})
		}
	}
	return all
}

// ownPath returns a route's path for a record of the sender's own.
func ownPath(route Route, own record) string {
	path, _ := route.filled(own.values)
	path, _, _ = strings.Cut(path, "?")
	return path
}

// replacedNth replaces one occurrence of a text, counted from 0.
func replacedNth(text, old, new string, n int) string {
	parts := strings.Split(text, old)
	return strings.Join(parts[:n+1], old) + new + strings.Join(parts[n+1:], old)
}

// bulk names a record of its own and then the other's where a route takes ids.
func (s service) bulk(route Route, at target) (all []attempt) {
	for _, param := range route.ids(s.OrganizationParam) {
		if slices.Contains(route.bodyParams(), param) {
			all = append(all, attempt{name: "its own record and then the other's in the body", at: at, change: func(r *http.Request, own, others record) {
				editValue(r, func(value any) any { return appended(value, own.values[param], others.values[param]) })
			}})
			continue
		}
		all = append(all, attempt{name: "its own record and then the other's, with a comma", at: at, odd: true, change: func(r *http.Request, own, others record) {
			setPath(r, strings.Replace(r.URL.EscapedPath(), own.values[param], own.values[param]+","+others.values[param], 1))
			r.URL.RawQuery = strings.ReplaceAll(r.URL.RawQuery, own.values[param], own.values[param]+","+others.values[param])
		}})
	}
	return all
}

// appended adds an id to every list of a body that has the first one.
func appended(value any, own, others string) any {
	switch value := value.(type) {
	case map[string]any:
		for name, member := range value {
			value[name] = appended(member, own, others)
		}
	case []any:
		for i, member := range value {
			value[i] = appended(member, own, others)
		}
		for _, member := range value {
			if jsonText(member) == own {
				return append(value, like(member, others))
			}
		}
		for _, member := range value { // a list of objects
			if object, ok := member.(map[string]any); ok {
				for name, inner := range object {
					if jsonText(inner) == own {
						further := map[string]any{}
						for key, kept := range object {
							further[key] = kept
						}
						further[name] = like(inner, others)
						return append(value, further)
					}
				}
			}
		}
	}
	return value
}

// like returns an id in the type of another.
func like(value any, id string) any {
	if _, ok := value.(json.Number); ok {
		return json.Number(id)
	}
	return id
}

// recordWildcards returns the wildcards that records have values of.
func (s service) recordWildcards() (all []string) {
	for _, c := range s.Records {
		for name := range c.Values {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
