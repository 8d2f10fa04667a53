package edge

import "context"

// Bucket is an R2 bucket of the Worker.
type Bucket struct{ name string }

// OpenBucket returns the bucket of a binding, if the Worker has it.
func OpenBucket(name string) (b Bucket, ok bool) {
	return Bucket{name}, platform.Get("env").Get(name).Truthy()
}

// Put stores a text under a key, in the place of what is there.
func (b Bucket) Put(ctx context.Context, key, text string) error {
	_, err := ask(ctx, "put", b.name, key, text)
	return err
}
