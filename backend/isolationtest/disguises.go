package isolationtest

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// bodyNames are the names of a tenant in JSON. Some decoders ignore capitals, which a check
// of the members may not.
func (s service) bodyNames() []string {
	all := s.hintNames()
	for _, name := range tenantNames {
		name = strings.ToUpper(name[:1]) + name[1:]
		all = append(all, name, name+"Id")
	}
	return all
}

// disguised names the other organization in a body as a check of its members may not see it:
// in a form's fields, and in members that are repeated.
func (s service) disguised(value string, at target) []attempt {
	var forms, last, first []attempt
	for _, name := range s.hintNames() {
		names := []string{name}
		forms = append(forms, attempt{name: at.name + " and the form's field " + name, at: at, odd: true, change: func(r *http.Request, _, _ record) { asForm(r, names, value) }})
		last = append(last, attempt{name: at.name + " and its own organization and then the other's as the body's " + name, at: at, odd: true, change: func(r *http.Request, own, _ record) {
			repeatMembers(r, names, own.organization, value)
		}})
		first = append(first, attempt{name: at.name + " and the other organization and then its own as the body's " + name, at: at, odd: true, change: func(r *http.Request, own, _ record) {
			repeatMembers(r, names, value, own.organization)
		}})
	}
	all := func(what string, parts []attempt, change edit) attempt {
		return attempt{name: at.name + " and " + what, at: at, parts: parts, odd: true, change: change}
	}
	return []attempt{
		all("every field of a form", forms, func(r *http.Request, _, _ record) { asForm(r, s.hintNames(), value) }),
		all("every member of the body twice, its own first", last, func(r *http.Request, own, _ record) {
			repeatMembers(r, s.hintNames(), own.organization, value)
		}),
		all("every member of the body twice, its own last", first, func(r *http.Request, own, _ record) {
			repeatMembers(r, s.hintNames(), value, own.organization)
		}),
	}
}

// asForm sends a JSON object as a form's fields, and further ones.
func asForm(r *http.Request, names []string, value string) {
	fields := url.Values{}
	editBody(r, func(members map[string]any) {
		for name, member := range members {
			fields.Set(name, jsonText(member))
		}
	})
	for _, name := range names {
		fields.Set(name, value)
	}
	setBody(r, fields.Encode())
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
}

// repeatMembers puts two members of each name in front of those of a JSON object.
func repeatMembers(r *http.Request, names []string, values ...string) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	inner, object := strings.CutPrefix(strings.TrimSpace(string(body)), "{")
	var members strings.Builder
	for _, name := range names {
		for _, value := range values {
			text, _ := json.Marshal(map[string]string{name: value}) // texts can always be encoded
			members.Write(text[1 : len(text)-1])
			members.WriteString(",")
		}
	}
	if object {
		body = []byte("{" + members.String() + inner)
	}
	setBody(r, string(body))
}

// operators are what databases read as conditions, in the place of an id.
var operators = []map[string]any{{"$ne": ""}, {"$gt": ""}, {"$exists": true}, {"$regex": "."}, {"ne": ""}, {"not": nil}, {"like": "%"}}

// patterns are what databases and services read as any id.
var patterns = []string{"%", "*", "_%", "all", "null", "undefined", "0", "-1"}

// unspecific puts operators and patterns in the place of its own record's ids.
func (s service) unspecific(route Route, at target) (all []attempt) {
	path, _, _ := strings.Cut(route.Path, "?")
	inPath, inBody := Route{Path: path}.params(), route.bodyParams()
	for _, param := range route.ids(s.OrganizationParam) {
		switch {
		case slices.Contains(inPath, param):
			for _, pattern := range patterns {
				all = append(all, attempt{name: quotedText(pattern) + " as the path's " + param, at: at, odd: true, change: func(r *http.Request, own, _ record) {
					values := maps.Clone(own.values)
					values[param] = pattern
					refill(r, route, own, values)
				}})
			}
		case slices.Contains(inBody, param):
			for _, operator := range operators {
				text, _ := json.Marshal(operator) // such values can always be encoded
				all = append(all, attempt{name: string(text) + " as the body's " + param, at: at, odd: true, change: func(r *http.Request, own, _ record) {
					editValue(r, func(value any) any { return exchanged(value, own.values[param], operator) })
				}})
			}
		default:
			for _, operator := range []string{"[$ne]", "[$gt]", "[ne]", "[not]", "__contains"} {
				all = append(all, attempt{name: "the operator " + operator + " at the query's " + param, at: at, odd: true, change: func(r *http.Request, own, _ record) {
					query := r.URL.Query()
					for name, values := range query {
						if slices.Contains(values, own.values[param]) {
							query.Del(name)
							query.Set(name+operator, "")
						}
					}
					r.URL.RawQuery = query.Encode()
				}})
			}
		}
	}
	return all
}

// exchanged puts a value in the place of each id in a body.
func exchanged(value any, id string, by any) any {
	switch value := value.(type) {
	case map[string]any:
		for name, member := range value {
			value[name] = exchanged(member, id, by)
		}
		return value
	case []any:
		for i, member := range value {
			value[i] = exchanged(member, id, by)
		}
		return value
	}
	if jsonText(value) == id {
		return by
	}
	return value
}

// inOtherCase spells foreign ids in capitals, or without: a check may compare them as they
// are, and a database without regard to it.
func (s service) inOtherCase(at target) attempt {
	return attempt{name: at.name + ", its id in another case", at: at, odd: true, change: func(r *http.Request, own, others record) {
		for name, id := range others.values {
			spelled := strings.ToUpper(id)
			if spelled == id {
				spelled = strings.ToLower(id)
			}
			if name == "canary" || name == s.OrganizationParam || spelled == id || id == own.values[name] {
				continue
			}
			setPath(r, strings.ReplaceAll(r.URL.EscapedPath(), id, spelled))
			r.URL.RawQuery = strings.ReplaceAll(r.URL.RawQuery, id, spelled)
			editValue(r, func(value any) any { return replaced(value, id, spelled) })
		}
	}}
}

// refill replaces a route's path for a record of the sender's by that of other values.
func refill(r *http.Request, route Route, own record, values map[string]string) {
	path, _ := route.filled(values)
	path, r.URL.RawQuery, _ = strings.Cut(path, "?")
	setPath(r, r.URL.EscapedPath()[:len(r.URL.EscapedPath())-len(ownPath(route, own))]+path)
}
