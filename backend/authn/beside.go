package authn

import "sync"

// Begin runs a read beside the request and returns its result. A panic of the read is one
// of the caller that asks for the result.
func Begin[T any](read func() (T, error)) func() (T, error) {
	result := sync.OnceValues(read)
	go func() {
		defer func() { recover() }() // result panics again
		result()
	}()
	return result
}
