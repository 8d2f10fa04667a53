package login

import (
	"bytes"
	"encoding/json"
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

// maxDepth is how deep a claim may nest objects and lists. Those of providers nest four or
// five levels.
const maxDepth = 64

// clearClaims returns the claims without unclear ones, which count as absent: those with
// U+0000, which not every database can store, those in which a member of an object is
// repeated, and those that nest too deeply. What becomes of the claims that are elsewhere
// (OpenID Connect Core section 5.6.2) is then unknown.
func clearClaims(raw map[string]json.RawMessage) (map[string]any, error) {
	claims := make(map[string]any, len(raw))
	for name, text := range raw {
		value, unclear, err := readClaim(text)
		switch {
		case err != nil:
			return nil, err
		case !unclear && !hasNull(name):
			claims[name] = value
		case name == claimNames:
			claims[name] = true
		}
	}
	return claims, nil
}

// readClaim returns the value of a claim, and whether it is unclear. Numbers keep their
// original text.
func readClaim(text json.RawMessage) (value any, unclear bool, err error) {
	if strictjson.Depth(text) > maxDepth || strictjson.Repeats(text) {
		return nil, true, nil
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	err = d.Decode(&value)
	return value, hasNull(value), err
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
