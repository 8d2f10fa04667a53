package isolationtest

import (
	"encoding/json"
	"maps"
	"regexp"
	"strconv"
	"strings"
)

var (
	placeholder = regexp.MustCompile(`^\{([\w-]+)\}`)
	aNumber     = regexp.MustCompile(`^-?(0|[1-9]\d*)$`)
)

// eachPlaceholder replaces the wildcards of a JSON body. A wildcard that is not within a
// string stands for a value of its own: {"project_id": {project}}.
func eachPlaceholder(body string, fill func(name string, quoted bool) (string, bool)) string {
	var out strings.Builder
	quoted, before := false, byte(0) // before is the last character that is no space
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case c == '\\' && quoted && i+1 < len(body):
			out.WriteString(body[i : i+2])
			i++
			continue
		case c == '"':
			quoted = !quoted
		case c == '{':
			match := placeholder.FindStringSubmatch(body[i:])
			if match == nil || !quoted && !strings.ContainsRune(":[,", rune(before)) {
				break
			}
			if text, ok := fill(match[1], quoted); ok {
				out.WriteString(text)
				i += len(match[0]) - 1
				continue
			}
		}
		if out.WriteByte(body[i]); body[i] > ' ' {
			before = body[i]
		}
	}
	return out.String()
}

// isJSON reports whether a body is JSON once its wildcards are filled in.
func isJSON(body string) bool {
	return json.Valid([]byte(eachPlaceholder(body, func(_ string, quoted bool) (string, bool) { return "0", !quoted })))
}

// filledBody fills values into a JSON body. Without quotes around its wildcard, an id that
// is a number is sent as one.
func filledBody(body string, values map[string]string) string {
	body = shortened.ReplaceAllStringFunc(body, func(w string) string {
		n, _ := strconv.Atoi(shortened.FindStringSubmatch(w)[1])
		canary := values["canary"]
		return canary[max(0, len(canary)-n):]
	})
	return eachPlaceholder(body, func(name string, quoted bool) (string, bool) {
		value, ok := values[name]
		if !quoted && aNumber.MatchString(value) {
			return value, ok
		}
		text, _ := json.Marshal(value) // a string can always be encoded
		if quoted {
			text = text[1 : len(text)-1]
		}
		return string(text), ok || !quoted
	})
}

// withNth fills a record's values into a route's body, and another value into the n-th
// place of one of its wildcards, counted from 0.
func withNth(route Route, values map[string]string, param string, n int, value string) string {
	const other = "nth-of-them"
	values = maps.Clone(values)
	values[other] = value
	return filledBody(replacedNth(route.Body, "{"+param+"}", "{"+other+"}", n), values)
}
