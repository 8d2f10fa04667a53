// Package platformtest holds what the platform gives to what it stands in for: D1
// to the promises of every store, WebCrypto to Go's own signatures. Its tests are
// compiled to WebAssembly and run inside workerd; see entry.mjs.
package platformtest
