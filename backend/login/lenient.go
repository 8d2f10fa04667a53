package login

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
)

// These types accept claims in the forms that providers use in practice. A value of any
// other form counts as absent, and does not invalidate the token.

// Text, Texts and Flag decode members of a provider's documents elsewhere.
type (
	Text  = text
	Texts = texts
	Flag  = flag
)

// text is a string claim.
type text string

// UnmarshalJSON implements json.Unmarshaler.
func (t *text) UnmarshalJSON(value []byte) error {
	var s string
	if json.Unmarshal(value, &s) == nil {
		*t = text(s)
	}
	return nil
}

// texts is a claim that is a list of strings. A string is a list of one. Elements of
// other types are ignored.
type texts []string

// UnmarshalJSON implements json.Unmarshaler.
func (t *texts) UnmarshalJSON(value []byte) error {
	var all []text
	var one text
	if json.Unmarshal(value, &all) != nil {
		json.Unmarshal(value, &one) // never fails
		all = []text{one}
	}
	for _, s := range all {
		if s != "" {
			*t = append(*t, string(s))
		}
	}
	return nil
}

// identifier is a claim that identifies something, up to maxSubject bytes: an
// unambiguous string or an integer, which is read as its decimal text. Identity and logout tokens read sid
// alike, so that a provider with numeric sids ends the right session.
type identifier string

// UnmarshalJSON implements json.Unmarshaler.
func (i *identifier) UnmarshalJSON(value []byte) error {
	if digits := strings.TrimPrefix(string(value), "-"); digits != "" && !strings.ContainsFunc(digits, notDigit) {
		*i = identifier(value)
	} else {
		(*text)(i).UnmarshalJSON(value) // never fails
	}
	if len(*i) > maxSubject || !Unambiguous(string(*i)) {
		*i = ""
	}
	return nil
}

func notDigit(r rune) bool { return r < '0' || r > '9' }

// instant is a claim with a time in Unix seconds, 0 if absent. It may have a fraction
// and may be a string.
type instant int64

// maxInstant is the largest number that all JSON parsers read exactly (RFC 8259 section
// 6).
const maxInstant = 1 << 53

// UnmarshalJSON implements json.Unmarshaler.
func (i *instant) UnmarshalJSON(value []byte) error {
	if at, ok := readInstant(value); ok {
		*i = instant(at)
	}
	return nil
}

func readInstant(value []byte) (int64, bool) {
	number := string(value)
	if json.Unmarshal(value, &number) == nil {
		number = strings.TrimSpace(number)
	}
	f, err := strconv.ParseFloat(number, 64)
	if err != nil || !(math.Abs(f) < maxInstant) { // NaN is a number to ParseFloat
		return 0, false
	}
	return int64(math.Floor(f)), true
}
