// Package strictjson reads JSON of which no two parsers see different things: the bodies
// of requests, where every member is known ([Decode]), and signed texts and metadata,
// where strangers may add members ([DecodeKnown], [ReadObject]).
package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
)

// Decode reads one JSON object into a struct. Every member is known, spelled exactly
// and named once. Objects and lists nest depth deep at most: 1 is a flat object. The
// error is for whoever wrote the text.
func Decode(text []byte, into any, depth int) error {
	r := reader{text: text, plain: true}
	if _, err := r.whole(depth - 1); err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return otherType(wrong.Field)
	}
	return err
}
