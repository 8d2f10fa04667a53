package browser

import (
	"errors"
	"fmt"

	"github.com/hack-pad/safejs"
)

// Func is a Go function that JavaScript can call.
type Func struct{ js safejs.Func }

// FuncOf wraps a function. It must not block: JavaScript waits for it. A panic
// is reported and the caller gets undefined. Release it when no one can call it
// any more.
func FuncOf(f func(args []Value) any) *Func {
	fn, err := safejs.FuncOf(func(_ safejs.Value, args []safejs.Value) (result any) {
		defer func() {
			if r := recover(); r != nil {
				report(r)
				result = safejs.Undefined()
			}
		}()
		values := make([]Value, len(args))
		for i, arg := range args {
			values[i] = Value{arg}
		}
		return bare([]any{f(values)})[0]
	})
	if err != nil {
		report(err)
	}
	return &Func{fn}
}

// Functions are an object's members, by their names. Func is called with the name first.
type Functions struct {
	Names []string
	Func  *Func
}

func (all Functions) object() safejs.Value {
	object, err := Global("Object").New()
	for _, name := range all.Names {
		var member safejs.Value
		if err == nil {
			member, err = all.Func.js.Value().Call("bind", nil, name)
		}
		if err == nil {
			err = object.js.Set(name, member)
		}
	}
	if err != nil {
		report(err)
	}
	return object.js
}

// Release frees the function.
func (f *Func) Release() { f.js.Release() }

func report(problem any) {
	Global("console").Call("error", fmt.Sprint("tabard: ", problem))
}

// settled is how a promise ended.
type settled struct {
	value  Value
	failed bool
}

// await waits until a promise is settled. The caller must ensure that it is: requests
// are aborted, and locks have a time limit.
func await(promise Value) (Value, error) {
	done := make(chan settled, 1)
	var onValue, onError *Func
	finish := func(failed bool) func([]Value) any {
		return func(args []Value) any {
			onValue.Release()
			onError.Release()
			done <- settled{first(args), failed}
			return nil
		}
	}
	onValue, onError = FuncOf(finish(false)), FuncOf(finish(true))
	if _, err := promise.Call("then", onValue, onError); err != nil {
		return Value{}, err
	}
	s := <-done
	if s.failed {
		return Value{}, errors.New("rejected: " + s.value.Get("name").Text())
	}
	return s.value, nil
}

func first(args []Value) Value {
	if len(args) == 0 {
		return Value{safejs.Undefined()}
	}
	return args[0]
}
