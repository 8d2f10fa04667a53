package strictjson

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"sync"
)

// DecodeKnown reads a JSON object into a struct and compares names exactly, as RFC 7519
// section 4 requires of claims. encoding/json would read ACR as acr, and the last of
// two members of one name. DecodeKnown ignores members that the struct does not name
// and refuses a repeated member. Structs inside are read the same way.
func DecodeKnown(text []byte, into any) error {
	exact, err := exactly(text, reflect.TypeOf(into))
	if err != nil {
		return err
	}
	return json.Unmarshal(exact, into)
}

var unmarshaler = reflect.TypeFor[json.Unmarshaler]()

// exactly returns a value without the members that its type does not name.
func exactly(text []byte, into reflect.Type) ([]byte, error) {
	for into.Kind() == reflect.Pointer {
		into = into.Elem()
	}
	if into.Kind() != reflect.Struct || reflect.PointerTo(into).Implements(unmarshaler) {
		return text, nil
	}
	if text = bytes.Trim(text, " \t\r\n"); bytes.Equal(text, []byte("null")) {
		return text, nil
	}
	r := reader{text: text, shallow: true}
	members, err := r.whole(0)
	if err != nil {
		return nil, err
	}
	kept := map[string]json.RawMessage{}
	for name, field := range fieldsOf(into) {
		value := members.Value(name)
		if value == nil {
			continue
		}
		if kept[name], err = exactly(value, field); err != nil {
			return nil, fmt.Errorf("%q: %w", name, err)
		}
	}
	return json.Marshal(kept)
}

// knownFields caches fieldsOf by type.
var knownFields sync.Map

// fieldsOf returns the types of a struct's members by their names in JSON. If two have
// one name, the outer one counts.
func fieldsOf(t reflect.Type) map[string]reflect.Type {
	if known, ok := knownFields.Load(t); ok {
		return known.(map[string]reflect.Type)
	}
	fields, depth := map[string]reflect.Type{}, map[string]int{}
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if known, named := depth[name]; name == "" || !f.IsExported() || named && known <= len(f.Index) {
			continue
		}
		fields[name], depth[name] = f.Type, len(f.Index)
	}
	knownFields.Store(t, fields)
	return fields
}
