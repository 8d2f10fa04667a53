package login

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
)

// The types of claims as providers really send them. A value of another form is as if
// the claim were absent: it satisfies nothing, and refuses nobody.

// text is a claim that is a string.
type text string

// UnmarshalJSON implements json.Unmarshaler.
func (t *text) UnmarshalJSON(value []byte) error {
	var s string
	if json.Unmarshal(value, &s) == nil {
		*t = text(s)
	}
	return nil
}

// texts is a claim that is a list of strings. A single string is a list of one; members
// of another type are left out.
type texts []string

// UnmarshalJSON implements json.Unmarshaler.
func (t *texts) UnmarshalJSON(value []byte) error {
	var all []text
	var one text
	if json.Unmarshal(value, &all) != nil {
		json.Unmarshal(value, &one) // which never fails
		all = []text{one}
	}
	for _, s := range all {
		if s != "" {
			*t = append(*t, string(s))
		}
	}
	return nil
}

// identifier is a claim that names something, in maxSubject bytes at most: a string, or
// an integer, which stands for its decimal text. A sid is read so in identity tokens and in logout tokens alike: a
// provider whose sessions have numbers ends the one that it means.
type identifier string

// UnmarshalJSON implements json.Unmarshaler.
func (i *identifier) UnmarshalJSON(value []byte) error {
	if digits := strings.TrimPrefix(string(value), "-"); digits != "" && !strings.ContainsFunc(digits, notDigit) {
		*i = identifier(value)
	} else {
		(*text)(i).UnmarshalJSON(value) // which never fails
	}
	if len(*i) > maxSubject {
		*i = ""
	}
	return nil
}

func notDigit(r rune) bool { return r < '0' || r > '9' }

// instant is a claim that is a time in Unix seconds, 0 where it says none. It may have
// a fraction, and may be written as a string.
type instant int64

// maxInstant is the greatest number that JSON parsers agree on (RFC 8259 section 6).
const maxInstant = 1 << 53

// UnmarshalJSON implements json.Unmarshaler.
func (i *instant) UnmarshalJSON(value []byte) error {
	number := string(value)
	if json.Unmarshal(value, &number) == nil {
		number = strings.TrimSpace(number)
	}
	if f, err := strconv.ParseFloat(number, 64); err == nil && math.Abs(f) < maxInstant {
		*i = instant(math.Floor(f))
	}
	return nil
}
