package strictjson

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

// DecodeDocument is [Decode] for a struct with maps, whose members may have any names: those
// of roles and claims, for example. Members of structs must be spelled exactly.
func DecodeDocument(text []byte, into any, depth int) error {
	r := reader{text: text}
	if _, err := r.whole(depth - 1); err != nil {
		return err
	}
	var read any
	if err := json.Unmarshal(text, &read); err != nil {
		return err
	}
	if name, unknown := unknownMember(read, reflect.TypeOf(into)); unknown {
		return fmt.Errorf("unknown field %q", name)
	}
	return decode(text, into)
}

// unknownMember returns the first member found of a value that its type does not have.
// encoding/json ignores the case of names.
func unknownMember(value any, of reflect.Type) (name string, unknown bool) {
	switch of.Kind() {
	case reflect.Pointer:
		return unknownMember(value, of.Elem())
	case reflect.Slice:
		all, _ := value.([]any)
		for _, item := range all {
			if name, unknown := unknownMember(item, of.Elem()); unknown {
				return name, true
			}
		}
	case reflect.Map, reflect.Struct:
		all, _ := value.(map[string]any)
		for name, item := range all {
			inner, known := memberType(of, name)
			if !known {
				return name, true
			}
			if name, unknown := unknownMember(item, inner); unknown {
				return name, true
			}
		}
	}
	return "", false
}

// memberType returns the type of an object's member.
func memberType(of reflect.Type, name string) (reflect.Type, bool) {
	if of.Kind() == reflect.Map {
		return of.Elem(), true
	}
	for _, field := range reflect.VisibleFields(of) {
		tag, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if tag == name && tag != "" && tag != "-" {
			return field.Type, true
		}
	}
	return nil, false
}
