// Package edge serves an http.Handler from the events of a Cloudflare Worker.
//
// The JavaScript beside it (../instance.mjs, ../pool.mjs) keeps instances of the
// Go program and calls each with one event at a time, for a goroutine that wakes
// in another event's context may do no I/O there. A request and its answer cross
// in one call each: strings for what is text, one array for the body.
package edge
