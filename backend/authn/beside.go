package authn

import "sync"

// Begin returns a read's result when it is asked for. If the database is far away, the
// read begins at once, so that it shares a round trip with what the request reads or writes
// meanwhile. A panic of the read is one of the caller that asks for the result.
func Begin[T any](c *Request, read func() (T, error)) func() (T, error) {
	if c.farDatabase {
		return begin(read)
	}
	return sync.OnceValues(read)
}

// begin is Begin if the database is far away.
func begin[T any](ask func() (T, error)) func() (T, error) {
	result := sync.OnceValues(ask)
	go func() {
		defer func() { recover() }() // result panics again
		result()
	}()
	return result
}
