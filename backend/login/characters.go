package login

import (
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// Unambiguous reports whether a text can identify something. A parser of JSON replaces
// what is not Unicode with U+FFFD, which would make one of two different subjects. Not
// every database can store U+0000.
func Unambiguous(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsAny(text, "\x00\ufffd")
}

// dropNull removes the claims with U+0000, which not every database can store. They
// count as absent.
func dropNull(claims map[string]any) {
	maps.DeleteFunc(claims, func(name string, value any) bool { return hasNull(name) || hasNull(value) })
}

// hasNull reports whether a value of JSON contains U+0000.
func hasNull(value any) bool {
	switch value := value.(type) {
	case string:
		return strings.Contains(value, "\x00")
	case []any:
		return slices.ContainsFunc(value, hasNull)
	case map[string]any:
		for name, member := range value {
			if hasNull(name) || hasNull(member) {
				return true
			}
		}
	}
	return false
}
