// Package strictjson reads the bodies of requests: JSON of which no two parsers see
// different things.
package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Decode reads one JSON object into a struct. Every member is known, spelt exactly
// and named once. Objects and lists nest depth deep at most: 1 is a flat object. The
// error is for whoever wrote the text.
func Decode(text []byte, into any, depth int) error {
	if err := check(text, depth); err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		var wrong *json.UnmarshalTypeError
		if errors.As(err, &wrong) {
			return fmt.Errorf("%q is of another type", wrong.Field)
		}
		return err
	}
	return nil
}

var errNoObject = errors.New("not a JSON object")

func check(text []byte, depth int) error {
	d := json.NewDecoder(bytes.NewReader(text))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return errNoObject
	}
	if err := object(d, depth-1); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("there is more than one JSON object")
	}
	return nil
}

// object reads the rest of an object, in which so many levels may lie.
func object(d *json.Decoder, depth int) error {
	seen := map[json.Token]bool{}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return errNoObject
		}
		if text, _ := name.(string); strings.ContainsFunc(text, notInName) {
			return fmt.Errorf("unknown field %q", name)
		}
		if seen[name] {
			return fmt.Errorf("%q stands twice", name)
		}
		seen[name] = true
		if err := value(d, depth, name); err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil {
		return errNoObject
	}
	return nil
}

// value reads the value of a member.
func value(d *json.Decoder, depth int, name json.Token) error {
	first, err := d.Token()
	open, nests := first.(json.Delim)
	switch {
	case err != nil, nests && depth < 1:
		return fmt.Errorf("%q is of another type", name)
	case open == '{':
		return object(d, depth-1)
	case open == '[':
		return list(d, depth-1, name)
	}
	return nil
}

// list reads the rest of a list.
func list(d *json.Decoder, depth int, name json.Token) error {
	for d.More() {
		if err := value(d, depth, name); err != nil {
			return err
		}
	}
	_, err := d.Token()
	return err
}

// notInName tells what no name has. The decoder matches names whatever their case,
// and would take "User" for a second "user".
func notInName(r rune) bool { return (r < 'a' || r > 'z') && r != '_' }
