package isolationtest

import (
	"net/http"
	"slices"
	"strings"
)

// texts use the other's texts and ids in what the sender writes of its own: as one text of
// several, as those of a record that it changes then, and as a mention within a text. And
// they do what the other did before with its own record, such as to mark it as the default.
func (s service) texts(route Route, at target) (all []attempt) {
	if route.reads() {
		return nil
	}
	places := strings.Count(route.Body, "{canary}")
	var mentions, several []attempt
	for n := range places {
		if places > 1 {
			several = append(several, attempt{name: "the other's text as one of several in the body", at: at, odd: true, change: func(r *http.Request, own, others record) {
				setBody(r, withNth(route, anew(own), "canary", n, others.canary))
			}})
		}
		mentions = append(mentions, attempt{name: "a mention of its record in a text of the body", at: at, odd: true, change: func(r *http.Request, own, others record) {
			values := anew(own)
			setBody(r, withNth(route, values, "canary", n, values["canary"]+s.mention(others)))
		}})
	}
	if len(mentions) > 0 {
		all = append(all, attempt{name: "a mention of its record in every text of the body", at: at, odd: true, unnamed: true, parts: mentions, change: func(r *http.Request, own, others record) {
			values := anew(own)
			values["canary"] += s.mention(others)
			setBody(r, filledBody(route.Body, values))
		}})
	}
	of := slices.DeleteFunc(route.params(), func(param string) bool { return param == s.OrganizationParam })
	if len(of) > 0 {
		if route.Method != http.MethodDelete {
			all = append(all, attempt{name: at.name + ", after the other did the same with its own record", at: at, first: true})
		}
		several = append(several, attempt{name: at.name + ", of a record with the other's texts", at: at, twin: true})
	}
	return append(all, several...)
}

// anew returns a record's values with a text that no record has.
func anew(own record) map[string]string {
	values := map[string]string{}
	for name, value := range own.values {
		values[name] = value
	}
	values["canary"] = newCanary()
	return values
}

// mention returns ids of a record as texts refer to them, but none with its text: what an
// answer repeats is no leak.
func (s service) mention(others record) string {
	var all strings.Builder
	for _, wildcard := range s.recordWildcards() {
		if id := others.values[wildcard]; id != "" && !strings.Contains(id, others.canary) {
			all.WriteString(" @" + id + " #" + id + " [[" + id + "]]")
		}
	}
	return all.String()
}
