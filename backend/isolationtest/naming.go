package isolationtest

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// makers finds which POST makes the value of each wildcard: one to the collection that a
// parameter continues, or, where paths are nested less deeply than those that make their
// records, one to a collection of the same name: /comments/{comment} is made by
// POST /tasks/{task}/comments. A wildcard that none makes takes the place of one of the
// same name, or of what its parameter is called.
func (p *planner) makers(paths []string) {
	for _, shallow := range []bool{false, true} {
		for _, path := range paths {
			if object(p.item(path)["post"]) == nil {
				continue
			}
			key := collection(path)
			wildcard := p.collections[key]
			if shallow {
				if wildcard != "" || strings.HasSuffix(key, "}") {
					continue
				}
				wildcard = p.unmade(singular(key[strings.LastIndex(key, "/")+1:]))
			}
			if wildcard != "" && wildcard != "organization" && p.maker[wildcard] == "" {
				p.maker[wildcard], p.makes[key] = path, wildcard
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(p.collections)) {
		if wildcard := p.collections[key]; wildcard != "organization" && p.maker[wildcard] == "" {
			p.collections[key] = cmp.Or(p.synonym(wildcard, p.called[key]), wildcard)
		}
	}
}

// unmade returns a wildcard of a name that no POST makes, or "".
func (p *planner) unmade(name string) string {
	for _, key := range slices.Sorted(maps.Keys(p.collections)) {
		if wildcard := p.collections[key]; unnumbered(wildcard) == name && p.maker[wildcard] == "" {
			return wildcard
		}
	}
	return ""
}

// unnumbered returns the name that several wildcards share.
func unnumbered(wildcard string) string { return strings.TrimRight(wildcard, "0123456789") }

// synonym returns a wildcard with a value for one without: of the same name, or of what the
// document calls the parameter. {file_name} is the member name of a file, where the answer
// that makes one has it.
func (p *planner) synonym(wildcard, called string) string {
	name := snake(called)
	for _, made := range slices.Sorted(maps.Keys(p.maker)) {
		if bare := unnumbered(made); bare == unnumbered(wildcard) || bare == withoutID(name) {
			return made
		}
	}
	for _, made := range slices.Sorted(maps.Keys(p.maker)) {
		member, ok := strings.CutPrefix(name, unnumbered(made)+"_")
		if ok && p.answers(p.maker[made], member) {
			further := made + "_" + member
			p.further[made] = append(p.further[made], further)
			p.member[further] = member
			return further
		}
	}
	return ""
}

// answers reports whether the answer to a POST is documented to have a member.
func (p *planner) answers(path, member string) bool {
	for status, response := range object(object(p.item(path)["post"])["responses"]) {
		content := object(object(p.resolved(response)["content"])["application/json"])
		if strings.HasPrefix(status, "2") && object(p.flat(content["schema"])["properties"])[member] != nil {
			return true
		}
	}
	return false
}

// item returns a path's item.
func (p *planner) item(path string) map[string]any {
	return p.resolved(object(p.root["paths"])[path])
}

var (
	camel      = regexp.MustCompile(`([a-z0-9])([A-Z])`)
	idSuffix   = regexp.MustCompile(`_?(id|ids|uuid|uuids|ref)$`)
	parentWord = regexp.MustCompile(`^(parent|(in_)?repl(y|ies)_to|source|template|original|cop(y|ied)_(of|from)|cloned?_(of|from)|duplicate_of|depends_on|block(s|ed_by)|related(_to)?|previous|next|predecessor|successor|quoted?|replaces|merge_into|moved?_to)$`)
	memberWord = regexp.MustCompile(`^(assignee|assigned_to|owner|user|member|author|reviewer|creator|created_by|manager|approver|responsible|lead|reporter|watcher|recipient|invitee|person)s?$`)
	ownChoice  = regexp.MustCompile(`^(external|client|custom|legacy|vendor|request|correlation|idempotency|trace)_`)
	mentionsID = regexp.MustCompile(`(?i)\b(id|identifier|key)s?\b`)
)

// people are what documents call the members of a tenant.
var people = []string{"member", "user", "person", "people", "employee", "staff", "teammate", "membership"}

func snake(name string) string {
	return strings.ToLower(strings.ReplaceAll(camel.ReplaceAllString(name, "${1}_${2}"), "-", "_"))
}

func withoutID(name string) string { return idSuffix.ReplaceAllString(name, "") }

// reference returns the wildcard of the record that a member or parameter names, or "". It
// goes by its name, as project_id, parentTaskId or assignee_id, and by its description.
func (p *planner) reference(s map[string]any, name string) string {
	name = snake(name)
	bare := withoutID(name)
	description, _ := s["description"].(string)
	of := kind(s)
	isID := bare != name || of == "integer" || s["format"] == "uuid" || mentionsID.MatchString(description)
	if !isID || name == "id" || tenantID.MatchString(name) {
		return ""
	}
	if bare == "" { // ids, of what the path is about
		return p.about()
	}
	for _, made := range slices.Sorted(maps.Keys(p.maker)) {
		if unnumbered(made) == bare || strings.HasSuffix(bare, "_"+unnumbered(made)) && bare != name {
			return made
		}
	}
	if parentWord.MatchString(bare) {
		return p.about()
	}
	if memberWord.MatchString(bare) && of != "integer" || memberWord.MatchString(bare) && bare != name {
		for _, made := range people {
			if p.maker[made] != "" {
				return made
			}
		}
	}
	for _, made := range slices.Sorted(maps.Keys(p.maker)) {
		if mentionsID.MatchString(description) && regexp.MustCompile(`(?i)\b`+regexp.QuoteMeta(unnumbered(made))+`\b`).MatchString(description) {
			return made
		}
	}
	return ""
}

// about returns the wildcard of the records that the path of the operation is about.
func (p *planner) about() string {
	for key := collection(p.path); key != ""; {
		for _, wildcard := range []string{p.makes[key], p.collections[key]} {
			if p.maker[wildcard] != "" {
				return wildcard
			}
		}
		key = key[:max(strings.LastIndex(key, "/"), 0)]
	}
	return ""
}

// named reports whether a member seems to name a record that the plan does not have.
func (p *planner) named(name string) bool {
	name = snake(name)
	return name != "id" && withoutID(name) != name && !ownChoice.MatchString(name) && !tenantID.MatchString(name)
}

var aRecord = regexp.MustCompile(`\{#?([\w-]+)\}`)

// refers reports whether a sample has the id of a record.
func refers(sample any) bool {
	return slices.ContainsFunc(aRecord.FindAllStringSubmatch(fmt.Sprint(sample), -1), func(match []string) bool {
		return match[1] != "canary" && match[1] != "organization"
	})
}

// wildcardOf returns a wildcard as a sample has it. Numbers are marked by a #, as they
// stand without quotes in the body.
func wildcardOf(s map[string]any, wildcard string) any {
	if of := kind(s); of == "integer" || of == "number" {
		return "{#" + wildcard + "}"
	}
	return "{" + wildcard + "}"
}

var numberMark = regexp.MustCompile(`"\{#([\w-]+)\}"`)

// unmarked puts wildcards of numbers out of their quotes.
func unmarked(body string) string { return numberMark.ReplaceAllString(body, "{$1}") }
