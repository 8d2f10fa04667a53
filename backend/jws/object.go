package jws

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
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

// MostMembers is the most that one object may have.
const MostMembers = 64

// errNoObject is the error of a text that is no JSON object, in which no object has a
// member twice.
var errNoObject = errors.New("not a JSON object")

// ReadObject reads a text that is one JSON object and nothing else. It refuses a member that
// is named twice in it or in any object inside.
func ReadObject(text []byte) (Object, error) {
	if !json.Valid(text) {
		return nil, errNoObject
	}
	r := reader{text: text}
	if r.next() == '{' {
		return r.object()
	}
	if err := r.value(); err != nil {
		return nil, err
	}
	return nil, errNoObject
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

// reader goes over a text that is JSON.
type reader struct {
	text []byte
	at   int
}

// next skips what means nothing between members and values, and returns what follows.
func (r *reader) next() byte {
	for bytes.IndexByte([]byte(" \t\r\n,:"), r.text[r.at]) >= 0 {
		r.at++
	}
	return r.text[r.at]
}

func (r *reader) object() (Object, error) {
	members := make(Object, 0, 8)
	for r.at++; r.next() != '}'; {
		start := r.at
		r.skipText()
		name := unquote(r.text[start:r.at])
		r.next()
		start = r.at
		if err := r.value(); err != nil {
			return nil, err
		}
		switch {
		case members.Value(name) != nil:
			return nil, fmt.Errorf("%q stands twice", name)
		case len(members) == MostMembers:
			return nil, errors.New("there are too many members")
		}
		members = append(members, Member{name, r.text[start:r.at]})
	}
	r.at++
	return members, nil
}

// value goes over a value.
func (r *reader) value() error {
	switch r.text[r.at] {
	case '{':
		_, err := r.object()
		return err
	case '[':
		for r.at++; r.next() != ']'; {
			if err := r.value(); err != nil {
				return err
			}
		}
		r.at++
	case '"':
		r.skipText()
	default: // a number or a word, which the text may end with
		for r.at < len(r.text) && bytes.IndexByte([]byte(" \t\r\n,]}"), r.text[r.at]) < 0 {
			r.at++
		}
	}
	return nil
}

// skipText goes over a string.
func (r *reader) skipText() {
	for r.at++; r.text[r.at] != '"'; r.at++ {
		if r.text[r.at] == '\\' {
			r.at++
		}
	}
	r.at++
}

// unquote returns what a JSON string stands for: it may be spelt in several ways.
func unquote(text []byte) string {
	if bytes.IndexByte(text, '\\') < 0 && utf8.Valid(text) {
		return string(text[1 : len(text)-1])
	}
	var plain string
	json.Unmarshal(text, &plain) // which is a JSON string
	return plain
}
