package edge

import (
	"context"
	"errors"
	"syscall/js"
)

var uint8Array = js.Global().Get("Uint8Array")

// Bytes copies an ArrayBuffer, or the bytes of a view of one.
func Bytes(buffer js.Value) []byte {
	if !buffer.InstanceOf(uint8Array) {
		buffer = uint8Array.New(buffer)
	}
	b := make([]byte, buffer.Length())
	js.CopyBytesToGo(b, buffer)
	return b
}

// Uint8Array copies bytes to JavaScript.
func Uint8Array(b []byte) js.Value {
	array := uint8Array.New(len(b))
	js.CopyBytesToJS(array, b)
	return array
}

// Await waits for a promise, or for ctx to end.
func Await(ctx context.Context, promise js.Value) (js.Value, error) {
	fulfilled, rejected := make(chan js.Value, 1), make(chan error, 1)
	then := js.FuncOf(func(_ js.Value, args []js.Value) any {
		fulfilled <- args[0]
		return nil
	})
	defer then.Release()
	catch := js.FuncOf(func(_ js.Value, args []js.Value) any {
		rejected <- errors.New(args[0].Call("toString").String())
		return nil
	})
	defer catch.Release()
	promise.Call("then", then, catch)
	select {
	case value := <-fulfilled:
		return value, nil
	case err := <-rejected:
		return js.Value{}, err
	case <-ctx.Done():
		return js.Value{}, ctx.Err()
	}
}
