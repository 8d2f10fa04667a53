package isolationtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// query returns the required parameters of an operation's query, and keeps the names of
// the others.
func (p *planner) query(item, operation map[string]any) (string, error) {
	values := url.Values{}
	var filled []string
	both, _ := item["parameters"].([]any)
	own, _ := operation["parameters"].([]any)
	for _, each := range slices.Concat(both, own) {
		parameter := p.resolved(each)
		name, _ := parameter["name"].(string)
		in, _ := parameter["in"].(string)
		if in != "query" && in != "header" || name == "" {
			continue
		}
		p.keep(name)
		schema := p.flat(parameter["schema"])
		if schema["description"] == nil {
			schema["description"] = parameter["description"]
		}
		if required, _ := parameter["required"].(bool); !required {
			if wildcard := p.reference(schema, name); wildcard != "" && in == "query" && kind(schema) != "array" {
				p.filters = append(p.filters, url.QueryEscape(name)+"={"+wildcard+"}")
			}
			continue
		}
		if in == "header" {
			if strings.EqualFold(name, "Authorization") || tenantName.MatchString(strings.TrimPrefix(name, "X-")) {
				continue
			}
			return "", fmt.Errorf("it requires the header %s", name)
		}
		value := p.sample(schema, name, 0)
		if example := parameter["example"]; example != nil && !refers(value) {
			value = example
		}
		if text := strings.Replace(fmt.Sprint(value), "{#", "{", 1); strings.HasPrefix(text, "{") {
			filled = append(filled, url.QueryEscape(name)+"="+text) // a wildcard stays one
		} else {
			values.Set(name, text)
		}
	}
	if len(values) > 0 {
		filled = append(filled, values.Encode())
	}
	if len(filled) == 0 {
		return "", nil
	}
	return "?" + strings.Join(filled, "&"), nil
}

// keep keeps the name of a parameter or member that may hold an id or a tenant.
func (p *planner) keep(name string) {
	plain := strings.NewReplacer("X-", "", "-", "_").Replace(name)
	if tenantName.MatchString(plain) || idName.MatchString(name) || parentWord.MatchString(withoutID(snake(name))) {
		p.Names = append(p.Names, name)
	}
}

// body returns the example of an operation's body and its media type, if it is not
// application/json.
func (p *planner) body(operation map[string]any) (body, media string, err error) {
	request := p.resolved(operation["requestBody"])
	content := object(request["content"])
	if len(content) == 0 {
		return "", "", nil
	}
	media, entry := "application/json", object(content["application/json"])
	if entry == nil {
		for _, name := range slices.Sorted(maps.Keys(content)) {
			if strings.HasSuffix(name, "+json") || strings.HasPrefix(name, "application/json") || name == "*/*" {
				media, entry = name, object(content[name])
			}
		}
	}
	if entry == nil {
		for _, media := range []string{"application/octet-stream", "text/plain"} {
			if content[media] != nil {
				return `"{canary}"`, media, nil
			}
		}
		if required, _ := request["required"].(bool); required {
			return "", "", errors.New("its body is not JSON")
		}
		return "", "", nil
	}
	value := entry["example"]
	if examples := object(entry["examples"]); value == nil && len(examples) > 0 {
		value = p.resolved(examples[slices.Sorted(maps.Keys(examples))[0]])["value"]
	}
	if schema := p.resolved(entry["schema"]); len(schema) > 0 {
		value = p.merged(p.sample(schema, "", 0), value)
	}
	if value == nil {
		value = map[string]any{}
	}
	text, err := json.Marshal(value)
	if media == "application/json" || media == "*/*" {
		media = ""
	}
	return unmarked(string(text)), media, err
}

// merged adds members of an example that the schema's sample does not have.
func (p *planner) merged(sample, example any) any {
	members, ok := sample.(map[string]any)
	if !ok || len(members) == 0 {
		if example != nil {
			return example
		}
		return sample
	}
	for name, member := range object(example) {
		if _, ok := members[name]; !ok && p.reference(map[string]any{"type": "string"}, name) == "" {
			members[name] = member
		}
	}
	return members
}

const maxNested = 4

// sample returns an example of a schema. Free texts are {canary}.
func (p *planner) sample(schema any, name string, depth int) any {
	s := p.flat(schema)
	if depth > maxNested {
		return nil
	}
	if of := kind(s); of == "string" || of == "integer" || of == "number" {
		if wildcard := p.reference(s, name); wildcard != "" {
			return wildcardOf(s, wildcard)
		}
	}
	switch kind(s) {
	case "object":
		return p.sampleObject(s, depth)
	case "array":
		one := singular(name)
		if strings.EqualFold(name, "ids") { // reference knows what of
			one = name
		}
		items := p.sample(s["items"], one, depth+1)
		if items == nil {
			return []any{}
		}
		return []any{items}
	case "string":
		return p.sampleText(s, name)
	}
	for _, key := range []string{"const", "example", "default"} {
		if s[key] != nil {
			return s[key]
		}
	}
	for _, key := range []string{"enum", "examples"} {
		if all, _ := s[key].([]any); len(all) > 0 {
			return all[0]
		}
	}
	switch kind(s) {
	case "integer", "number":
		for _, key := range []string{"minimum", "exclusiveMinimum"} {
			if least, ok := s[key].(int); ok {
				return least + 1
			}
		}
		return 1
	case "boolean":
		return false
	}
	return nil
}

// flat returns a schema with what allOf, oneOf and anyOf add to it.
func (p *planner) flat(schema any) map[string]any { return p.flatWithin(schema, maxNested) }

func (p *planner) flatWithin(schema any, depth int) map[string]any {
	s := maps.Clone(p.resolved(schema))
	if s == nil || depth == 0 {
		return map[string]any{}
	}
	add := func(other map[string]any) {
		for key, value := range other {
			if inner := object(s[key]); key == "properties" && inner != nil {
				value = joined(inner, object(value))
			} else if _, ok := s[key]; ok && key != "required" {
				continue
			} else if key == "required" {
				before, _ := s[key].([]any)
				further, _ := value.([]any)
				value = slices.Concat(before, further)
			}
			s[key] = value
		}
	}
	all, _ := s["allOf"].([]any)
	for _, key := range []string{"oneOf", "anyOf"} {
		if choices, _ := s[key].([]any); len(choices) > 0 {
			all = append(slices.Clone(all), choices[0])
		}
	}
	for _, each := range all {
		add(p.flatWithin(each, depth-1))
	}
	return s
}

func joined(a, b map[string]any) map[string]any {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

// kind returns a schema's type; of several the first that is not null.
func kind(s map[string]any) string {
	switch of := s["type"].(type) {
	case string:
		return of
	case []any:
		for _, each := range of {
			if each != "null" {
				return fmt.Sprint(each)
			}
		}
	}
	switch {
	case s["properties"] != nil:
		return "object"
	case s["items"] != nil:
		return "array"
	}
	return ""
}

// sampleObject returns an object with the required members and all free texts.
func (p *planner) sampleObject(s map[string]any, depth int) any {
	required, _ := s["required"].([]any)
	all := map[string]any{}
	for name, each := range object(s["properties"]) {
		member := p.flat(each)
		p.keep(name)
		if readOnly, _ := member["readOnly"].(bool); readOnly {
			continue
		}
		needed := slices.Contains(required, any(name))
		value := p.sample(member, name, depth+1)
		if !needed && refers(value) {
			if !p.optional {
				p.left = true
				continue
			}
			needed = true
		}
		free := strings.Contains(fmt.Sprint(value), "{canary") && !p.named(name)
		if value != nil && (needed || free || member["example"] != nil || member["default"] != nil) {
			all[name] = value
		}
	}
	return all
}

// sampleText returns an example of a text: an organization's id where it is named after
// one, and else a canary if the schema lets it be one.
func (p *planner) sampleText(s map[string]any, name string) any {
	if tenantID.MatchString(name) {
		return "{organization}"
	}
	example := s["example"]
	if all, _ := s["examples"].([]any); example == nil && len(all) > 0 {
		example = all[0]
	}
	for _, fixed := range []any{s["const"], p.choice(s["enum"])} {
		if fixed != nil {
			return fixed
		}
	}
	canary := "{canary}"
	if most, ok := s["maxLength"].(int); ok && most < len(canaryPrefix)+26 {
		if most < excerpt {
			return either(example, strings.Repeat("x", most))
		}
		canary = fmt.Sprintf("{canary:%d}", most)
	}
	if pattern, ok := s["pattern"].(string); ok {
		if fits, err := regexp.Compile(pattern); err != nil || !fits.MatchString("canary234567abcdefghijklmnopqr") {
			return either(example, "text")
		}
	}
	format, _ := s["format"].(string)
	switch format {
	case "":
		return canary
	case "email":
		return "{canary}@example.com"
	case "uri", "url":
		return "https://example.com/{canary}"
	}
	return either(either(example, s["default"]), formats[format])
}

// formats are examples of formats that have no room for a canary.
var formats = map[string]any{
	"date-time": "2030-01-02T03:04:05Z", "date": "2030-01-02", "time": "03:04:05Z", "uuid": "6f1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d",
	"byte": "dGV4dA==", "ipv4": "192.0.2.1", "ipv6": "2001:db8::1", "hostname": "host.example.com", "duration": "PT1H",
}

// choice returns one of several values: the first, and the last for a change, as what is
// changed likely has the first.
func (p *planner) choice(value any) any {
	all, _ := value.([]any)
	switch {
	case len(all) == 0:
		return nil
	case p.method == "PUT" || p.method == "PATCH":
		return all[len(all)-1]
	}
	return all[0]
}

// either returns the first of two values that is there.
func either(value, otherwise any) any {
	if value != nil {
		return value
	}
	if otherwise == nil {
		return "text"
	}
	return otherwise
}
