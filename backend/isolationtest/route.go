package isolationtest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Route is a method and a path with wildcards in the syntax of net/http:
// "/api/organizations/{organization}/notes/{note}".
type Route struct {
	Method string `json:"method"`
	Path   string `json:"path"`
	// Body is sent as JSON. Wildcards and {canary} in it are filled in: "{project}" is sent
	// as a string, and {project} without quotes as the number that the id is.
	Body string `json:"body,omitempty"`
	// Type is the body's media type. Empty means application/json.
	Type string `json:"type,omitempty"`
	// Safe marks a route that only reads although its method is none of GET and HEAD. A
	// query of GraphQL is recognized without it.
	Safe bool `json:"safe,omitempty"`
	// variant marks a route that another one with fewer parameters or members has the path
	// and method of. Only what it names further is tried.
	variant bool
}

// ParseRoute reads "METHOD /path", optionally with a JSON body after it.
func ParseRoute(text string) (Route, error) {
	method, rest, _ := strings.Cut(strings.TrimSpace(text), " ")
	path, body, _ := strings.Cut(strings.TrimSpace(rest), " ")
	r := Route{Method: method, Path: path, Body: strings.TrimSpace(body)}
	if method != strings.ToUpper(method) || !strings.HasPrefix(path, "/") {
		return r, fmt.Errorf("%q is not a route, such as GET /notes/{note}", text)
	}
	if r.Body != "" && !isJSON(r.Body) {
		return r, fmt.Errorf("the body of %q is not JSON", text)
	}
	return r, nil
}

// Plan reads one route a line. Lines that begin with "record" also make a record, and
// map wildcards to members of the answer:
//
//	GET /organizations/{organization}/notes
//	record note=id POST /organizations/{organization}/notes {"text": "{canary}"}
//	PATCH /organizations/{organization}/notes/{note} {"text": "{canary}", "folder_id": {folder}}
//	DELETE /organizations/{organization}/notes/{note}
//	read POST /organizations/{organization}/notes/search {"query": "{canary}"}
//
// A member within another is written with a point, note=data.id; alternatives with a
// bar, note=id|data.id|Location, where Location is the end of that header. Several values
// of one answer are separated by blanks: record file=id name=name POST …. An id in quotes
// is sent as a string, one without quotes as a number, if it is one. Lines that begin with
// "read" only read, though they have a body. Empty lines and lines that begin with # are
// ignored.
func Plan(text string) (routes []Route, records []Creation, err error) {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		values, isRecord := map[string]string(nil), false
		if rest, ok := strings.CutPrefix(line, "record "); ok {
			line, isRecord = rest, true
			if values, line, err = readValues(line); err != nil {
				return nil, nil, err
			}
		}
		safe := false
		if rest, ok := strings.CutPrefix(line, "read "); ok {
			line, safe = rest, true
		}
		r, err := ParseRoute(line)
		if err != nil {
			return nil, nil, err
		}
		r.Safe = safe
		if routes = append(routes, r); isRecord {
			records = append(records, Creation{Route: r, Values: values})
		}
	}
	return routes, records, nil
}

var memberPath = regexp.MustCompile(`^[^,=]+$`)

// readValues reads the words wildcard=member at the start of a line.
func readValues(line string) (values map[string]string, rest string, err error) {
	values = map[string]string{}
	for {
		word, after, _ := strings.Cut(strings.TrimSpace(line), " ")
		param, member, ok := strings.Cut(word, "=")
		if !ok {
			return values, line, nil
		}
		if !memberPath.MatchString(member) {
			return nil, "", fmt.Errorf("%q is not wildcard=member; separate several by blanks: record file=id name=name POST …", word)
		}
		values[param], line = member, after
	}
}

// OpenAPI returns the routes of an OpenAPI 3 document, in JSON or YAML. A body is the
// example of its JSON media type.
func OpenAPI(document []byte) ([]Route, error) {
	type operation struct {
		RequestBody struct {
			Content map[string]struct{ Example any }
		} `yaml:"requestBody"`
	}
	var read struct {
		Paths map[string]map[string]yaml.Node
	}
	if err := yaml.Unmarshal(document, &read); err != nil {
		return nil, fmt.Errorf("the OpenAPI document: %w", err)
	}
	var all []Route
	for _, path := range slices.Sorted(maps.Keys(read.Paths)) {
		for _, name := range slices.Sorted(maps.Keys(read.Paths[path])) {
			method := strings.ToUpper(name)
			if !slices.Contains(methods, method) {
				continue // parameters, servers, a summary
			}
			var o operation
			node := read.Paths[path][name]
			if err := node.Decode(&o); err != nil {
				return nil, fmt.Errorf("%s %s: %w", method, path, err)
			}
			r := Route{Method: method, Path: path}
			if example := o.RequestBody.Content["application/json"].Example; example != nil {
				body, err := json.Marshal(example)
				if err != nil {
					return nil, fmt.Errorf("the example of %s %s: %w", method, path, err)
				}
				r.Body = string(body)
			}
			all = append(all, r)
		}
	}
	return all, nil
}

var methods = []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}

// reads reports whether a route only reads.
func (r Route) reads() bool {
	return r.Method == http.MethodGet || r.Method == http.MethodHead || r.Safe || graphQuery.MatchString(r.Body)
}

var (
	wildcard   = regexp.MustCompile(`\{([\w-]+)(?:\.\.\.|\$)?\}`)
	graphQuery = regexp.MustCompile(`^\{(.*,)?\s*"query"\s*:\s*"\s*(\{|query\b)`)
	shortened  = regexp.MustCompile(`\{canary:(\d+)\}`)
)

// namesRecord reports whether a route has a record's id, besides its organization.
func (r Route) namesRecord(organization string) bool {
	return len(r.ids(organization)) > 0
}

// ids returns the wildcards of a route's records.
func (r Route) ids(organization string) []string {
	return slices.DeleteFunc(append(r.params(), r.bodyParams()...), func(param string) bool {
		return param == organization || param == "canary"
	})
}

// params returns the names of the path's wildcards.
func (r Route) params() []string {
	var all []string
	for _, match := range wildcard.FindAllStringSubmatch(r.Path, -1) {
		all = append(all, match[1])
	}
	return all
}

// bodyParams returns the wildcards of the body, except {canary}.
func (r Route) bodyParams() []string {
	var all []string
	for _, match := range wildcard.FindAllStringSubmatch(r.Body, -1) {
		if match[1] != "canary" {
			all = append(all, match[1])
		}
	}
	return all
}

// checkWildcards refuses routes with wildcards that nothing fills: they would be empty.
func (c *Config) checkWildcards() error {
	known := []string{c.OrganizationParam, "canary"}
	for _, creation := range c.Records {
		if creation.Make != nil {
			return nil // its values are known when it is called
		}
		known = slices.AppendSeq(known, maps.Keys(creation.Values))
	}
	for _, route := range c.Routes {
		for _, param := range append(route.params(), route.bodyParams()...) {
			if !slices.Contains(known, param) {
				return fmt.Errorf("nothing fills {%s} of %s %s: the organization is {%s}, and the answer to a record fills what its line names, record %s=id POST …", param, route.Method, route.Path, c.OrganizationParam, param)
			}
		}
	}
	return nil
}

// filled fills values into the path and the body. A missing value stays empty.
func (r Route) filled(values map[string]string) (path, body string) {
	path = wildcard.ReplaceAllStringFunc(r.Path, func(w string) string {
		return url.PathEscape(values[wildcard.FindStringSubmatch(w)[1]])
	})
	return path, filledBody(r.Body, values)
}
