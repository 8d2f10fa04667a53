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

// Object is the members of a JSON object, in their order. They go by their exact names,
// and each is named once: no two parsers read it differently (RFC 8259 section 4).
type Object []Member

// Member is a member of an object. Value is JSON.
type Member struct {
	Name  string
	Value []byte
}

// MostMembers is the most that one object may have which [ReadObject] reads.
const MostMembers = 64

// ErrNoObject is the error of a text that is no JSON object. Where [ReadObject] returns it,
// no object inside the text has a member twice.
var ErrNoObject = errors.New("not a JSON object")

// ReadObject reads a text that is one JSON object and nothing else. It refuses a member that
// is named twice in it or in any object inside.
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

// Value returns a member's JSON, nil where there is no such member.
func (o Object) Value(name string) []byte {
	for _, m := range o {
		if m.Name == name {
			return m.Value
		}
	}
	return nil
}

// Text returns a member that is a string, "" where it is none.
func (o Object) Text(name string) string {
	if value := o.Value(name); len(value) > 0 && value[0] == '"' {
		return unquote(value)
	}
	return ""
}

// Object returns a member that is an object, empty where it is none.
func (o Object) Object(name string) Object {
	inner, _ := ReadObject(o.Value(name)) // which was read once
	return inner
}

// reader goes over a text, and refuses what is no JSON and every member that is named
// twice.
type reader struct {
	text []byte
	at   int

	valid   bool // the text is known to be JSON
	shallow bool // nothing but the first object is looked at
	plain   bool // all names are of a to z and _
	most    int  // the most members of an object; 0 is any number
}

// whole reads a text that is one object and nothing else, in which so many levels may
// lie.
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

// next skips white space and returns what follows, 0 at the end.
func (r *reader) next() byte {
	for r.at < len(r.text) && bytes.IndexByte([]byte(" \t\r\n"), r.text[r.at]) >= 0 {
		r.at++
	}
	if r.at == len(r.text) {
		return 0
	}
	return r.text[r.at]
}

// skip goes over c, and reports whether it was next.
func (r *reader) skip(c byte) bool {
	if r.next() != c {
		return false
	}
	r.at++
	return true
}

func (r *reader) object(depth int) (Object, error) {
	members := make(Object, 0, 8)
	var seen map[string]bool // faster than members where those may be many
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
			return nil, fmt.Errorf("%q stands twice", name)
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

// name reads a member's name, after the comma that stands between it and the one before.
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

// value goes over a value of a member.
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

// skipScalar goes over a string, a number or a word.
func (r *reader) skipScalar() {
	if r.next() == '"' {
		r.skipText()
		return
	}
	for r.at < len(r.text) && bytes.IndexByte([]byte(" \t\r\n,]}"), r.text[r.at]) < 0 {
		r.at++
	}
}

// skipText goes over a string.
func (r *reader) skipText() {
	for r.at++; r.at < len(r.text) && r.text[r.at] != '"'; r.at++ {
		if r.text[r.at] == '\\' {
			r.at++
		}
	}
	r.at = min(r.at+1, len(r.text))
}

// skipNested goes over an object or a list.
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

// notInName reports whether no plain name has the rune. encoding/json matches names
// whatever their case, and would take "User" for a second "user".
func notInName(r rune) bool { return (r < 'a' || r > 'z') && r != '_' }

func otherType(member string) error { return fmt.Errorf("%q is of another type", member) }

// unquote returns what a JSON string stands for: it may be spelled in several ways.
func unquote(text []byte) string {
	if bytes.IndexByte(text, '\\') < 0 && utf8.Valid(text) {
		return string(text[1 : len(text)-1])
	}
	var plain string
	json.Unmarshal(text, &plain) // which is a JSON string
	return plain
}
