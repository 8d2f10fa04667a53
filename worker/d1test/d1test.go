// Package d1test holds D1 to the promises of every store. Its tests are compiled
// to WebAssembly and run inside workerd; see entry.mjs.
package d1test
