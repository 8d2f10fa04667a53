package edge

import (
	"bytes"
	"syscall/js"
)

// Console is an io.Writer of JSON lines to the platform's log. It takes one call, where
// standard error takes a callback and a goroutine's turn.
type Console struct{}

// Write implements io.Writer; b is one line. The platform keeps the line's level.
func (Console) Write(b []byte) (int, error) {
	js.Global().Get("console").Call(consoleMethod(b), string(bytes.TrimSuffix(b, []byte("\n"))))
	return len(b), nil
}
