package isolationtest

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Planned is a plan made of an OpenAPI document.
type Planned struct {
	Routes  []Route
	Records []Creation
	// Names are parameters and members that may hold an id or an organization, for
	// Config.
	Names []string
	// Base is the path of the document's first server, with which every route begins.
	Base string
	// Omitted are the operations that are not in the plan, each with the reason.
	Omitted []string
}

// Public is why an operation without security is not in a plan. It is none that a plan fails
// to test.
const Public = "it is public"

// PlanOpenAPI makes a plan of an OpenAPI 3.0 or 3.1 document, in JSON or YAML. A POST
// to a path that another path continues with a parameter makes a record, whose id is
// read from the answer. Bodies are made of the schemas: free texts are canaries,
// members that are named after a record or an organization have its id, and those after
// a member of the organization (assignee_id) that one's. What names a record and may be
// left out, a member of the body or a parameter of the query, is in further routes.
// Parameters of paths are renamed after what they stand in: /notes/{id} becomes /notes/{note}, and
// what a document calls a tenant becomes {organization}.
func PlanOpenAPI(document []byte) (Planned, error) {
	var root map[string]any
	if err := yaml.Unmarshal(document, &root); err != nil {
		return Planned{}, fmt.Errorf("the OpenAPI document is invalid: %w", err)
	}
	if version, _ := root["openapi"].(string); !strings.HasPrefix(version, "3.") {
		return Planned{}, errors.New("the document is not OpenAPI 3.0 or 3.1: it has no openapi: 3.x")
	}
	p := planner{
		root: root, collections: map[string]string{}, called: map[string]string{}, maker: map[string]string{},
		makes: map[string]string{}, further: map[string][]string{}, member: map[string]string{}, made: map[string]bool{},
	}
	paths := object(root["paths"])
	p.tenant = tenantOf(paths)
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		p.name(path)
	}
	p.Base = p.base()
	ordered := slices.SortedFunc(maps.Keys(paths), func(a, b string) int {
		return cmp.Or(strings.Count(a, "{")-strings.Count(b, "{"), strings.Compare(a, b))
	})
	p.makers(ordered)
	for _, path := range ordered {
		item := p.item(path)
		for _, method := range methods {
			if operation := object(item[strings.ToLower(method)]); operation != nil {
				p.operation(path, method, item, operation)
			}
		}
	}
	p.finish()
	return p.Planned, nil
}

// planner makes a plan.
type planner struct {
	Planned
	root        map[string]any
	tenant      string              // what the document's paths call it; may be empty
	collections map[string]string   // the wildcard of each collection, by its path with {} for parameters
	called      map[string]string   // what the document calls the parameter after each collection
	maker       map[string]string   // the path whose POST makes each wildcard's record
	makes       map[string]string   // the wildcard that the POST to a collection makes
	further     map[string][]string // wildcards that are other members of the same answer
	member      map[string]string   // of each of them
	made        map[string]bool     // wildcards that a creation has the value of

	path     string   // of the operation at hand
	method   string   // of it
	optional bool     // also name records in members that may be left out
	left     bool     // such a member was left out
	filters  []string // parameters of the query that may name a record
}

var (
	parameter  = regexp.MustCompile(`\{([^}]+)\}`)
	tenantName = regexp.MustCompile(`(?i)^(organi[sz]ation|org|tenant|workspace|account|company|team)s?(_?(id|slug|key|name))?$`)
	tenantID   = regexp.MustCompile(`(?i)^((organi[sz]ation|org|tenant|workspace|account|company|team)_?(id|slug)|organi[sz]ation|tenant|workspace)$`)
	idName     = regexp.MustCompile(`(?i)(id|ids|_ref|parent|uuid)$`)
	notAName   = regexp.MustCompile(`[^\w-]`)
)

// tenantWords are what documents call a tenant, the likeliest first.
var tenantWords = []string{"organization", "organisation", "org", "tenant", "workspace", "account", "company", "team"}

// tenantWord returns which of them a name is, or "".
func tenantWord(name string) string {
	if match := tenantName.FindStringSubmatch(name); match != nil {
		return strings.ToLower(match[1])
	}
	return ""
}

// tenantOf returns what paths call a tenant: the likeliest word of a parameter that no
// POST of the document makes.
func tenantOf(paths map[string]any) string {
	found := map[string]bool{}
	for path := range paths {
		segments := strings.Split(path, "/")
		for i, segment := range segments {
			match := parameter.FindStringSubmatch(segment)
			if match == nil {
				continue
			}
			before := strings.Join(segments[:i], "/")
			made := object(object(paths[before])["post"]) != nil
			for _, name := range []string{match[1], segments[max(i-1, 0)]} {
				if word := tenantWord(name); word != "" && (!made || slices.Index(tenantWords, word) < 5) {
					found[word] = true
				}
			}
		}
	}
	for _, word := range tenantWords {
		if found[word] {
			return word
		}
	}
	return ""
}

// collection returns the path that a parameter continues, with {} for its parameters.
func collection(path string) string {
	return strings.TrimSuffix(parameter.ReplaceAllString(path, "{}"), "/")
}

// name names the parameters of a path.
func (p *planner) name(path string) {
	segments := strings.Split(path, "/")
	for i, segment := range segments {
		if match := parameter.FindStringSubmatch(segment); match != nil {
			key := collection(strings.Join(segments[:i], "/"))
			if p.collections[key] != "" {
				continue
			}
			name := notAName.ReplaceAllString(match[1], "_")
			if i > 0 && !parameter.MatchString(segments[i-1]) && segments[i-1] != "" {
				name = singular(notAName.ReplaceAllString(segments[i-1], "_"))
			}
			p.called[key] = match[1]
			if p.tenant != "" && (tenantWord(match[1]) == p.tenant || tenantWord(name) == p.tenant) {
				name = "organization"
			}
			for n := 2; name != "organization" && p.taken(name); n++ {
				name = fmt.Sprintf("%s%d", strings.TrimRight(name, "0123456789"), n)
			}
			p.collections[key] = name
		}
	}
}

func (p *planner) taken(name string) bool {
	for _, other := range p.collections {
		if other == name {
			return true
		}
	}
	return false
}

func singular(word string) string {
	switch {
	case strings.HasSuffix(word, "ies"):
		return word[:len(word)-3] + "y"
	case strings.HasSuffix(word, "sses"), strings.HasSuffix(word, "xes"):
		return word[:len(word)-2]
	case strings.HasSuffix(word, "s") && !strings.HasSuffix(word, "ss"):
		return word[:len(word)-1]
	}
	return word
}

// renamed returns a path with the plan's wildcards.
func (p *planner) renamed(path string) string {
	segments := strings.Split(path, "/")
	for i, segment := range segments {
		if parameter.MatchString(segment) {
			key := collection(strings.Join(strings.Split(path, "/")[:i], "/"))
			segments[i] = parameter.ReplaceAllLiteralString(segment, "{"+p.collections[key]+"}")
		}
	}
	return strings.Join(segments, "/")
}

// base returns the path of the first server.
func (p *planner) base() string {
	servers, _ := p.root["servers"].([]any)
	if len(servers) == 0 {
		return ""
	}
	text, _ := object(servers[0])["url"].(string)
	if at, err := url.Parse(text); err == nil && !strings.Contains(text, "{") {
		return strings.TrimSuffix(at.Path, "/")
	}
	return ""
}

// operation adds an operation.
func (p *planner) operation(path, method string, item, operation map[string]any) {
	if security, ok := operation["security"].([]any); ok && len(security) == 0 {
		p.omit(method, path, Public)
		return
	}
	r := Route{Method: method, Path: p.Base + p.renamed(path)}
	p.path, p.method, p.optional, p.left, p.filters = path, method, false, false, nil
	query, err := p.query(item, operation)
	if err != nil {
		p.omit(method, path, err.Error())
		return
	}
	r.Path += query
	if r.Body, r.Type, err = p.body(operation); err != nil {
		p.omit(method, path, err.Error())
		return
	}
	r.Safe = method == "POST" && readsOnly.MatchString(path)
	p.Routes = append(p.Routes, r)
	if wildcard := p.makes[collection(path)]; method == "POST" && wildcard != "" && !p.made[wildcard] {
		values := map[string]string{wildcard: p.idMembers(path, wildcard)}
		for _, further := range p.further[wildcard] {
			values[further] = p.member[further]
		}
		for name := range values {
			p.made[name] = true
		}
		p.Records = append(p.Records, Creation{Route: r, Values: values})
	}
	p.variants(r, operation)
}

// variants adds the operation with what may be left out: members of the body that name
// records, and each parameter of the query that does.
func (p *planner) variants(r Route, operation map[string]any) {
	r.variant = true
	if p.left {
		further := r
		p.optional = true
		further.Body, _, _ = p.body(operation) // it was read before
		p.Routes = append(p.Routes, further)
	}
	for _, filter := range p.filters {
		further := r
		if further.Path += "?"; strings.Count(further.Path, "?") > 1 {
			further.Path = r.Path + "&"
		}
		further.Path += filter
		p.Routes = append(p.Routes, further)
	}
}

var readsOnly = regexp.MustCompile(`(?i)[/:](_?search|query|filter|lookup|batch-?get|count)$`)

func (p *planner) omit(method, path, why string) {
	p.Omitted = append(p.Omitted, fmt.Sprintf("%s %s: %s", method, path, why))
}

// idMembers returns where the answer to a creation may have its id.
func (p *planner) idMembers(path, wildcard string) string {
	names := []string{wildcard + "_id", wildcard + "Id", "id", "uuid", "slug", "key", "number"}
	for other := range object(p.root["paths"]) { // the document's own name of the parameter
		if rest, ok := strings.CutPrefix(other, strings.TrimSuffix(path, "/")+"/"); ok {
			if match := parameter.FindStringSubmatch(rest); match != nil && strings.HasPrefix(rest, "{") && match[1] != "id" {
				names = append([]string{match[1]}, names...)
			}
		}
	}
	for _, outer := range []string{"data", wildcard, "result", "item", "attributes"} {
		names = append(names, outer+".id", outer+"."+wildcard+"_id", outer+"."+wildcard+"Id", outer+".uuid")
	}
	return strings.Join(append(names, "Location"), "|")
}

// finish leaves out operations for whose wildcards there is no record.
func (p *planner) finish() {
	p.Routes = slices.DeleteFunc(p.Routes, func(r Route) bool {
		for _, param := range r.ids("organization") {
			if !p.made[param] {
				p.omit(r.Method, r.Path, "no POST of the document makes a record for {"+param+"}")
				return true
			}
		}
		return false
	})
	p.Records = slices.DeleteFunc(p.Records, func(c Creation) bool { return !slices.Contains(p.Routes, c.Route) })
	p.Records = inOrder(p.Records)
	slices.Sort(p.Names)
	p.Names = slices.Compact(p.Names)
}

// inOrder returns records so that each comes after those that it names.
func inOrder(all []Creation) (ordered []Creation) {
	done := map[string]bool{}
	all = slices.Clone(all)
	for len(all) > 0 {
		i := max(0, slices.IndexFunc(all, func(c Creation) bool {
			return !slices.ContainsFunc(c.Route.ids("organization"), func(id string) bool { return !done[id] })
		}))
		for name := range all[i].Values {
			done[name] = true
		}
		ordered = append(ordered, all[i])
		all = slices.Delete(all, i, i+1)
	}
	return ordered
}

// resolved follows a value's $ref within the document.
func (p *planner) resolved(value any) map[string]any {
	found := object(value)
	for range 16 { // references may go round
		ref, ok := found["$ref"].(string)
		if !ok {
			return found
		}
		var at any = p.root
		for part := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
			part, _ = url.PathUnescape(part)
			at = object(at)[strings.NewReplacer("~1", "/", "~0", "~").Replace(part)]
		}
		found = object(at)
	}
	return nil
}

func object(value any) map[string]any {
	members, _ := value.(map[string]any)
	return members
}
