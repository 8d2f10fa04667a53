// Package browser implements the browser's side of wasm/tab over safejs.
//
// safejs catches exceptions of calls, but not of property reads (blocked storage throws
// there), and does not recover callbacks. This package wraps it once: it reads through
// Reflect.get, recovers every callback and has the one function that awaits a promise.
// No other package uses safejs.
package browser

import (
	"errors"

	"github.com/hack-pad/safejs"

	"github.com/tabard-auth/tabard/wasm/tab"
)

// Value is a JavaScript value. It reads parsed JSON for wasm/tab.
type Value struct{ js safejs.Value }

var reflectObject, _ = safejs.Global().Get("Reflect")

// Global returns a property of the global object.
func Global(name string) Value { return Value{safejs.Global()}.Get(name) }

// Get returns a property, undefined where reading it throws.
func (v Value) Get(name string) Value {
	got, err := reflectObject.Call("get", v.js, name)
	if err != nil {
		return Value{safejs.Undefined()}
	}
	return Value{got}
}

// Call calls a method. Arguments are as for js.ValueOf, and Values, Funcs and
// Functions.
func (v Value) Call(method string, args ...any) (Value, error) {
	got, err := v.js.Call(method, bare(args)...)
	return Value{got}, err
}

// Invoke calls v, a function.
func (v Value) Invoke(args ...any) (Value, error) {
	got, err := v.js.Invoke(bare(args)...)
	return Value{got}, err
}

// New calls v as a constructor.
func (v Value) New(args ...any) (Value, error) {
	got, err := v.js.New(bare(args)...)
	return Value{got}, err
}

// bare unwraps arguments for safejs.
func bare(args []any) []any {
	out := make([]any, len(args))
	for i, arg := range args {
		switch arg := arg.(type) {
		case Value:
			out[i] = arg.js
		case *Func:
			out[i] = arg.js
		case Functions:
			out[i] = arg.object()
		default:
			out[i] = arg
		}
	}
	return out
}

// Exists reports whether v is neither undefined nor null.
func (v Value) Exists() bool { return !v.js.IsUndefined() && !v.js.IsNull() }

var hasOwn = Global("Object").Get("hasOwn")

// Member implements [tab.Value]. It ignores inherited properties.
func (v Value) Member(name string) tab.Value {
	if own, err := hasOwn.Invoke(v, name); err != nil || !own.Bool() {
		return nil
	}
	if m := v.Get(name); m.Exists() {
		return m
	}
	return nil
}

// Elements implements [tab.Value]. A value that is no array has no elements, even if it
// has a length.
func (v Value) Elements() []tab.Value {
	if array, err := Global("Array").Call("isArray", v); err != nil || !array.Bool() {
		return nil
	}
	n, _ := v.Get("length").js.Int()
	elements := make([]tab.Value, 0, n)
	for i := range n {
		e, err := v.js.Index(i)
		if err == nil && (Value{e}).Exists() {
			elements = append(elements, Value{e})
		}
	}
	return elements
}

// Text implements [tab.Value].
func (v Value) Text() string {
	if !v.IsText() {
		return ""
	}
	s, _ := v.js.String()
	return s
}

// IsText reports whether v is a text, which may be empty.
func (v Value) IsText() bool { return v.kind() == safejs.TypeString }

// kind is the type of v, undefined for a BigInt: syscall/js panics at one.
func (v Value) kind() (kind safejs.Type) {
	defer func() {
		if recover() != nil {
			kind = safejs.TypeUndefined
		}
	}()
	return v.js.Type()
}

// Number implements [tab.Value].
func (v Value) Number() float64 {
	n, err := v.js.Float()
	if err != nil {
		return 0
	}
	return n
}

// Bool implements [tab.Value]. It does not read what is no boolean: safejs would recover a
// panic, for which a start of the module calls dozens of the runtime's functions.
func (v Value) Bool() bool {
	if v.kind() != safejs.TypeBoolean {
		return false
	}
	b, err := v.js.Bool()
	return err == nil && b
}

var errNoText = errors.New("there is no JSON text")

// Parse reads a JSON text. A tab that starts has no record yet; that is found without an
// exception.
func Parse(text string) (tab.Value, error) {
	if text == "" {
		return nil, errNoText
	}
	v, err := Global("JSON").Call("parse", text)
	if err != nil {
		return nil, err
	}
	return v, nil
}
