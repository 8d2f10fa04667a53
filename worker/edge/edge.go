// Package edge serves an http.Handler from the events of a Cloudflare Worker.
//
// The JavaScript beside it (../pool.mjs, ../instance.mjs, ../event.mjs) keeps an instance of the
// Go program, which serves many events at once. A goroutine may wake in another event's
// context, where the platform refuses its I/O. So the program posts what it asks, with the
// number of the event that its context carries, and that event does it and replies. A request
// and its answer cross in one call each: strings for what is text, one array for the body.
package edge
