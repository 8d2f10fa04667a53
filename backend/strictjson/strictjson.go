// Package strictjson reads JSON that all parsers understand alike: bodies of requests,
// in which every member must be known ([Decode], [DecodeDocument]), and signed texts and metadata, in
// which other parties may add members ([DecodeKnown], [ReadObject]).
package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
)

// Decode reads one JSON object into a struct. Every member must be known, spelled
// exactly and not repeated. Objects and lists nest at most depth levels deep: 1 is a
// flat object. The error is meant for the author of the text.
func Decode(text []byte, into any, depth int) error {
	r := reader{text: text, plain: true}
	if _, err := r.whole(depth - 1); err != nil {
		return err
	}
	return decode(text, into)
}

func decode(text []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return otherType(wrong.Field)
	}
	return err
}
