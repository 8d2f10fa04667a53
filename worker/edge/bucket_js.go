package edge

import (
	"context"
	"syscall/js"
)

// Bucket is an R2 bucket of the Worker.
type Bucket struct{ binding js.Value }

// OpenBucket returns the bucket of a binding, if the Worker has it.
func OpenBucket(name string) (b Bucket, ok bool) {
	b.binding = platform.Get("env").Get(name)
	return b, b.binding.Truthy()
}

// Put stores a text under a key, in the place of what is there.
func (b Bucket) Put(ctx context.Context, key, text string) error {
	_, err := Await(ctx, b.binding.Call("put", key, text))
	return err
}
