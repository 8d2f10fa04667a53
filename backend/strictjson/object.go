package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"unicode/utf8"
)

// Object is the members of a JSON object, in order. Their names are exact and each
// occurs once, so that all parsers read it alike (RFC 8259 section 4).
type Object []Member

// Member is a member of an object. Value is JSON.
type Member struct {
	Name  string
	Value []byte
}

// MostMembers is the most members that an object read by [ReadObject] may have.
const MostMembers = 64

// ErrNoObject is the error of a text that is not a JSON object. If [ReadObject] returns
// it, no object inside the text has a repeated member.
var ErrNoObject = errors.New("not a JSON object")

// ReadObject reads a text that is exactly one JSON object. It refuses a repeated member
// in it or in any object inside.
func ReadObject(text []byte) (Object, error) {
	if !json.Valid(text) {
		return nil, ErrNoObject
	}
	r := reader{text: text, valid: true, most: MostMembers}
	if r.next() == '{' {
		return r.object(math.MaxInt)
	}
	if err := r.value("", math.MaxInt); err != nil {
		return nil, err
	}
	return nil, ErrNoObject
}

// Repeats reports whether an object in a value of JSON has a repeated member, which two
// parsers may read differently.
func Repeats(value []byte) bool {
	r := reader{text: value, valid: true}
	r.next()
	return r.value("", math.MaxInt) != nil
}

// Depth returns how deep objects and lists nest in a value of JSON: 0 is a string, a number
// or a literal, 1 is a flat object. Parsers that call themselves for each level need a stack
// of that depth, which WebAssembly has not.
func Depth(value []byte) (deepest int) {
	r := reader{text: value}
	for open := 0; r.at < len(r.text); r.at++ {
		switch r.text[r.at] {
		case '"':
			r.skipText()
			r.at--
		case '{', '[':
			open++
			deepest = max(deepest, open)
		case '}', ']':
			open--
		}
	}
	return deepest
}

// Value returns a member's JSON, or nil if there is no such member.
func (o Object) Value(name string) []byte {
	for _, m := range o {
		if m.Name == name {
			return m.Value
		}
	}
	return nil
}

// Text returns a member that is a string, or "" if it is not.
func (o Object) Text(name string) string {
	if value := o.Value(name); len(value) > 0 && value[0] == '"' {
		return unquote(value)
	}
	return ""
}

// Object returns a member that is an object, or an empty one if it is not.
func (o Object) Object(name string) Object {
	inner, _ := ReadObject(o.Value(name)) // was read once already
	return inner
}

// reader scans a text and refuses invalid JSON and every repeated member.
type reader struct {
	text []byte
	at   int

	valid   bool // the text is known to be JSON
	shallow bool // only the outermost object is read
	plain   bool // all names consist of a to z and _
	most    int  // the most members of an object; 0 is no limit
}

// whole reads a text that is exactly one object with at most depth levels.
func (r *reader) whole(depth int) (Object, error) {
	if r.next() != '{' {
		return nil, ErrNoObject
	}
	o, err := r.object(depth)
	if r.next(); err == nil && r.at < len(r.text) {
		return nil, errors.New("there is more than one JSON object")
	}
	return o, err
}

// next skips white space and returns the next byte, or 0 at the end.
func (r *reader) next() byte {
	for r.at < len(r.text) && bytes.IndexByte([]byte(" \t\r\n"), r.text[r.at]) >= 0 {
		r.at++
	}
	if r.at == len(r.text) {
		return 0
	}
	return r.text[r.at]
}

// skip skips c and reports whether it was next.
func (r *reader) skip(c byte) bool {
	if r.next() != c {
		return false
	}
	r.at++
	return true
}

func (r *reader) object(depth int) (Object, error) {
	members := make(Object, 0, 8)
	var seen map[string]bool // faster than members if those may be many
	if r.most == 0 {
		seen = map[string]bool{}
	}
	for r.at++; !r.skip('}'); {
		name, ok := r.name(len(members) == 0)
		if !ok {
			return nil, ErrNoObject
		}
		switch {
		case r.plain && strings.ContainsFunc(name, notInName):
			return nil, fmt.Errorf("unknown field %q", name)
		case seen[name] || seen == nil && members.Value(name) != nil:
			return nil, fmt.Errorf("%q is repeated", name)
		case seen != nil:
			seen[name] = true
		case len(members) == r.most:
			return nil, errors.New("there are too many members")
		}
		if !r.skip(':') {
			return nil, otherType(name)
		}
		r.next()
		start := r.at
		if err := r.value(name, depth); err != nil {
			return nil, err
		}
		members = append(members, Member{name, r.text[start:r.at]})
	}
	return members, nil
}

// name reads a member's name, after the comma that precedes all but the first.
func (r *reader) name(first bool) (string, bool) {
	if !first && !r.skip(',') || r.next() != '"' {
		return "", false
	}
	start := r.at
	r.skipText()
	name := r.text[start:r.at]
	if !r.valid && !json.Valid(name) {
		return "", false
	}
	return unquote(name), true
}

// value skips the value of a member.
func (r *reader) value(member string, depth int) error {
	start, opens := r.at, r.next()
	switch {
	case opens != '{' && opens != '[':
		r.skipScalar()
	case r.shallow:
		r.skipNested()
	case depth < 1:
		return otherType(member)
	case opens == '{':
		_, err := r.object(depth - 1)
		return err
	default:
		return r.list(member, depth-1)
	}
	if !r.valid && !json.Valid(r.text[start:r.at]) {
		return otherType(member)
	}
	return nil
}

func (r *reader) list(member string, depth int) error {
	r.at++
	for first := true; !r.skip(']'); first = false {
		switch {
		case r.at == len(r.text):
			return io.EOF
		case !first && !r.skip(','):
			return otherType(member)
		}
		r.next()
		if err := r.value(member, depth); err != nil {
			return err
		}
	}
	return nil
}

// skipScalar skips a string, a number or a literal.
func (r *reader) skipScalar() {
	if r.next() == '"' {
		r.skipText()
		return
	}
	for r.at < len(r.text) && bytes.IndexByte([]byte(" \t\r\n,]}"), r.text[r.at]) < 0 {
		r.at++
	}
}

// skipText skips a string.
func (r *reader) skipText() {
	for r.at++; r.at < len(r.text) && r.text[r.at] != '"'; r.at++ {
		if r.text[r.at] == '\\' {
			r.at++
		}
	}
	r.at = min(r.at+1, len(r.text))
}

// skipNested skips an object or a list.
func (r *reader) skipNested() {
	for open := 0; r.at < len(r.text); {
		switch r.text[r.at] {
		case '"':
			r.skipText()
			continue
		case '{', '[':
			open++
		case '}', ']':
			open--
		}
		if r.at++; open == 0 {
			return
		}
	}
}

// notInName reports whether a plain name cannot contain the rune. encoding/json ignores
// the case of names and would take "User" for a second "user".
func notInName(r rune) bool { return (r < 'a' || r > 'z') && r != '_' }

func otherType(member string) error { return fmt.Errorf("%q has the wrong type", member) }

// unquote returns the value of a JSON string, which can be written in several ways.
func unquote(text []byte) string {
	if bytes.IndexByte(text, '\\') < 0 && utf8.Valid(text) {
		return string(text[1 : len(text)-1])
	}
	var plain string
	json.Unmarshal(text, &plain) // it is a valid JSON string
	return plain
}
