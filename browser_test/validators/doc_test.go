// Package validators compares the verifier of access tokens with other implementations,
// on one table of tokens and proofs.
package validators
