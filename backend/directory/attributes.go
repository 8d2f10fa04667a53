package directory

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// Attributes are values that an operator keeps about an organization or a member, by
// name, as a JSON object. Empty states none: a workspace file without them changes
// nothing, and one with {} removes all.
type Attributes string

// Limits of attributes, in bytes of JSON.
const (
	MaxAttribute  = 255
	MaxAttributes = 2000
)

// Errors of attributes. Their texts name the attribute.
var (
	ErrNoAttribute = errors.New("directory: no app's claims take the attribute")
	ErrAttribute   = errors.New("directory: the attribute's value is invalid")
)

var attributeName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,62}$`)

// ValidAttribute reports whether a text can be an attribute's name.
func ValidAttribute(name string) bool { return attributeName.MatchString(name) }

// NewAttributes returns values as Attributes.
func NewAttributes(values map[string]any) Attributes { return Attributes(encode(values)) }

// Values returns the attributes by name.
func (a Attributes) Values() map[string]any {
	values := map[string]any{}
	if a != "" && json.Unmarshal([]byte(a), &values) != nil {
		return nil
	}
	return values
}

// Changed returns the attributes after changes by name. Null removes one.
func (a Attributes) Changed(changes map[string]any) Attributes {
	values := a.Values()
	for name, value := range changes {
		if values[name] = value; value == nil {
			delete(values, name)
		}
	}
	return NewAttributes(values)
}

// encode returns a value as JSON without the escapes that only HTML needs. Values that
// were read from JSON or YAML always encode.
func encode(value any) string {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic(err)
	}
	return strings.TrimSuffix(text.String(), "\n")
}

// AttributeType is the type of an attribute or of a provider's claim. The zero value
// means TextValue.
type AttributeType string

// The types.
const (
	TextValue    AttributeType = "text"
	NumberValue  AttributeType = "number" // up to 2^53, which every parser reads alike
	BooleanValue AttributeType = "boolean"
	ListValue    AttributeType = "list" // of texts
)

// Valid reports whether it is one of those above, or empty.
func (t AttributeType) Valid() bool {
	return slices.Contains([]AttributeType{"", TextValue, NumberValue, BooleanValue, ListValue}, t)
}

func (t AttributeType) orText() AttributeType {
	if t == "" {
		return TextValue
	}
	return t
}

// Accepts reports whether a value, as encoding/json reads it, is of the type and not too
// large.
func (t AttributeType) Accepts(value any) (ok bool) {
	switch t.orText() {
	case TextValue:
		ok = isLine(value)
	case NumberValue:
		number, is := value.(float64)
		ok = is && math.Abs(number) <= 1<<53
	case BooleanValue:
		_, ok = value.(bool)
	case ListValue:
		list, is := value.([]any)
		ok = is && !slices.ContainsFunc(list, func(item any) bool { return !isLine(item) })
	}
	return ok && len(encode(value)) <= MaxAttribute
}

func isLine(value any) bool {
	text, is := value.(string)
	return is && !strings.ContainsFunc(text, unicode.IsControl)
}

// largest is a value of the greatest size that the type accepts.
func (t AttributeType) largest() any {
	switch t.orText() {
	case NumberValue:
		return -float64(1 << 53)
	case BooleanValue:
		return false
	}
	return strings.Repeat("v", MaxAttribute-2)
}

// AttributeSource is where a claim's value comes from.
type AttributeSource string

// The sources.
const (
	OfOrganization AttributeSource = "organization"
	OfMember       AttributeSource = "member"
	OfProvider     AttributeSource = "provider"
)

// CheckAttributes returns ErrNoAttribute or ErrAttribute for values that no claim takes
// from a source, or of another type. Null is accepted: it removes an attribute.
func (w *Workspace) CheckAttributes(source AttributeSource, values map[string]any) error {
	declared := w.Attributes(source)
	for _, name := range slices.Sorted(maps.Keys(values)) {
		kind, known := declared[name]
		switch {
		case values[name] == nil:
		case !known:
			return fmt.Errorf("%w: %q; for this kind of object the workspace file declares %s", ErrNoAttribute, name, orNone(declared))
		case !kind.Accepts(values[name]):
			return fmt.Errorf("%w: %q must be a %s of at most %d bytes in JSON, without control characters", ErrAttribute, name, kind.orText(), MaxAttribute)
		}
	}
	return nil
}

// CheckSize returns ErrAttribute if the attributes of one object are too large together.
func (a Attributes) CheckSize() error {
	if len(a) > MaxAttributes {
		return fmt.Errorf("%w: all attributes together have %d bytes in JSON, but at most %d are allowed", ErrAttribute, len(a), MaxAttributes)
	}
	return nil
}

func orNone(declared map[string]AttributeType) string {
	if len(declared) == 0 {
		return "none"
	}
	return strings.Join(slices.Sorted(maps.Keys(declared)), ", ")
}
