// Package platformtest tests the platform's replacements: D1 against the promises of
// every store, WebCrypto against Go's own signatures. Its tests are compiled to
// WebAssembly and run inside workerd; see entry.mjs.
package platformtest
