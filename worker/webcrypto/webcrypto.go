// Package webcrypto signs and verifies by the platform's WebCrypto, which does in
// machine code what Go does in WebAssembly: an ES256 signature takes a third of
// the CPU time, its verification a fifth.
package webcrypto
