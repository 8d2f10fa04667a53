// Package validators holds the verifier of access tokens against other
// implementations, on one table of tokens and proofs.
package validators
