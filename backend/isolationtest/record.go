package isolationtest

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"path"
	"regexp"
	"strings"
)

// canaryPrefix begins every canary; the rest is random.
const canaryPrefix = "canary"

var signIn = regexp.MustCompile(`(?i)log-?in|sign-?in|auth|sso`)

// record is a tenant's own record.
type record struct {
	organization string
	canary       string            // a text that occurs only in it
	values       map[string]string // of the wildcards
	numbers      map[string]bool   // the wildcards with values that answers have as numbers
}

// id returns the value of a wildcard as the service's answers have it, for JSON.
func (r record) id(wildcard string) any {
	if r.numbers[wildcard] {
		return json.Number(r.values[wildcard])
	}
	return r.values[wildcard]
}

func newCanary() string { return canaryPrefix + strings.ToLower(rand.Text()) }

// fresh returns values with a canary and no record yet.
func (s service) fresh(t Tenant) record {
	r := record{organization: t.Organization, canary: newCanary(), numbers: map[string]bool{}}
	r.values = map[string]string{s.OrganizationParam: t.Organization, "canary": r.canary}
	return r
}

// freshened returns values for a route that writes a canary, with a new one: texts may have to
// be unique within the organization, which has its own record already.
func (k *check) freshened(route Route, by int, values map[string]string) map[string]string {
	if route.reads() || !strings.Contains(route.Body, "{canary") {
		return values
	}
	made := k.fresh(k.Tenants[by])
	k.learn(by, made)
	values = maps.Clone(values)
	values["canary"] = made.canary
	return values
}

// create makes a tenant's record.
func (s service) create(ctx context.Context, t Tenant, change func(*http.Request)) (record, []answer, error) {
	return s.createWith(ctx, t, s.fresh(t), change)
}

// createWith makes a tenant's record with a text.
func (s service) createWith(ctx context.Context, t Tenant, made record, change func(*http.Request)) (record, []answer, error) {
	var answers []answer
	for _, c := range s.Records {
		var values map[string]string
		var err error
		if c.Make != nil {
			values, err = c.Make(ctx, t, made.canary)
		} else {
			var a answer
			if a, err = s.send(ctx, call{route: c.Route, values: made.values, token: t.Token, change: change}); err == nil {
				answers = append(answers, a)
				values, err = c.read(a, made.numbers)
			}
		}
		if err != nil {
			return made, answers, fmt.Errorf("no record of %s could be made: %w", t.Organization, err)
		}
		maps.Copy(made.values, values)
	}
	return made, answers, nil
}

// read reads the values of wildcards from the answer to a creation. It notes those that are
// numbers in a map, unless that is nil.
func (c Creation) read(a answer, numbers map[string]bool) (map[string]string, error) {
	if !a.good() {
		return nil, fmt.Errorf("%s %s answers %d: %s", c.Route.Method, c.Route.Path, a.status, a.start())
	}
	var value any
	reader := json.NewDecoder(strings.NewReader(a.body))
	reader.UseNumber() // a float64 has too few digits
	err := reader.Decode(&value)
	got := map[string]string{}
	for param, members := range c.Values {
		found := c.find(a, value, members)
		if numbers != nil {
			_, numbers[param] = found.(json.Number)
		}
		if got[param] = fmt.Sprint(found); got[param] == "" {
			if _, object := value.(map[string]any); err != nil || !object {
				return nil, fmt.Errorf("%s %s answers %d, without a JSON object: %s", c.Route.Method, c.Route.Path, a.status, a.start())
			}
			return nil, fmt.Errorf("%s %s answers %d, without %s: %s", c.Route.Method, c.Route.Path, a.status, members, a.start())
		}
	}
	return got, nil
}

// find returns the first of several members that an answer has, "id|data.id|Location".
// Location is the last segment of that header's path. Without one, it returns "".
func (c Creation) find(a answer, value any, members string) any {
	for member := range strings.SplitSeq(members, "|") {
		if member == "Location" {
			if at := a.header.Get(member); at != "" {
				return path.Base(strings.SplitN(at, "?", 2)[0])
			}
			continue
		}
		if found := memberOf(value, member); found != "" {
			return found
		}
	}
	return ""
}

// memberOf returns a member by its name, or by its path with points, or "".
func memberOf(value any, name string) any {
	object, ok := value.(map[string]any)
	if !ok {
		return ""
	}
	if member := object[name]; member != nil {
		switch member.(type) {
		case map[string]any, []any:
			return ""
		}
		return member
	}
	outer, inner, ok := strings.Cut(name, ".")
	if !ok {
		return ""
	}
	return memberOf(object[outer], inner)
}

// errorsOnly reports whether a JSON object has errors and no data.
func errorsOnly(body string) bool {
	if !strings.Contains(body, `"errors"`) {
		return false
	}
	var members struct {
		Errors []any
		Data   map[string]any
	}
	if json.Unmarshal([]byte(body), &members) != nil || len(members.Errors) == 0 {
		return false
	}
	for _, member := range members.Data {
		if member != nil {
			return false
		}
	}
	return true
}
