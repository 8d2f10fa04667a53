package isolationtest

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// features are the parts of an answer that may differ from another answer's, by name.
type features map[string]string

// ownHeaders are headers that tell nothing about data.
var ownHeaders = regexp.MustCompile(`(?i)^(date|age|content-length|server|.*rate-?limit.*|retry-after|x-runtime|x-response-time|server-timing|traceparent|tracestate)$`)

var times = regexp.MustCompile(`\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\.\d+)?(Z|[+-]\d\d:?\d\d)?|\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \w+|\b1[6-9]\d{8}(\d{3})?(\.\d+)?\b|\b\d\d:\d\d:\d\d(\.\d+)?\b`)

// features returns the features of an answer. What the request named, and times, are
// left out of them.
func (a answer) features(named ...string) features {
	all := features{"status": fmt.Sprint(a.status)}
	for name, values := range a.header {
		if !ownHeaders.MatchString(name) {
			all["header "+name] = without(strings.Join(values, ", "), named)
		}
	}
	body := without(a.body, named)
	all["size"] = fmt.Sprint(len(body))
	for path, value := range leaves(body) {
		all["body "+path] = value
	}
	return all
}

// without replaces texts and times.
func without(text string, named []string) string {
	for _, each := range named {
		switch {
		case each == "":
		case len(each) < 5:
			text = regexp.MustCompile(`\b`+regexp.QuoteMeta(each)+`\b`).ReplaceAllLiteralString(text, "{named}")
		default:
			text = strings.ReplaceAll(text, each, "{named}")
		}
	}
	return times.ReplaceAllLiteralString(text, "{time}")
}

// differences returns the names of the features in which answers differ.
func differences(a, b features) map[string]bool {
	all := map[string]bool{}
	for _, each := range []features{a, b} {
		for name := range each {
			valueA, inA := a[name]
			valueB, inB := b[name]
			if valueA != valueB || inA != inB {
				all[name] = true
			}
		}
	}
	return all
}

// distinguishing returns the first feature that is the same in all answers of a group,
// the same in all of the other group, and not the same in both.
func distinguishing(group, other []features) (string, bool) {
	names := map[string]bool{}
	for _, each := range slices.Concat(group, other) {
		for name := range each {
			names[name] = true
		}
	}
	order := func(name string) int { // what says most comes first
		return slices.IndexFunc([]string{"status", "body", "header", "size"}, func(p string) bool { return strings.HasPrefix(name, p) })
	}
	sorted := slices.SortedFunc(maps.Keys(names), func(a, b string) int {
		if d := order(a) - order(b); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	for _, name := range sorted {
		value, ok := constant(group, name)
		further, okToo := constant(other, name)
		if ok && okToo && value != further {
			return fmt.Sprintf("%s: %.80q, else %.80q", name, value, further), true
		}
	}
	return "", false
}

func constant(group []features, name string) (string, bool) {
	for _, each := range group {
		if each[name] != group[0][name] {
			return "", false
		}
	}
	return group[0][name], true
}
