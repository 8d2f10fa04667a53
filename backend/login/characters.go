package login

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/tabard-auth/tabard/backend/strictjson"
)

// Unambiguous reports whether a text can identify something. A parser of JSON replaces
// what is not Unicode with U+FFFD, which would make one of two different subjects. Not
// every database can store U+0000.
func Unambiguous(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsAny(text, "\x00\ufffd")
}

// dropUnclear removes the claims with U+0000, which not every database can store, and those
// in which a member of an object is repeated. They count as absent. What becomes of the
// claims that are elsewhere (OpenID Connect Core section 5.6.2) is then unknown.
func dropUnclear(claims map[string]any, raw map[string]json.RawMessage) {
	unclear := func(name string) bool {
		return hasNull(name) || hasNull(claims[name]) || strictjson.Repeats(raw[name])
	}
	lost := unclear(claimNames)
	maps.DeleteFunc(claims, func(name string, _ any) bool { return unclear(name) })
	if lost {
		claims[claimNames] = true
	}
}

const claimNames = "_claim_names"

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
